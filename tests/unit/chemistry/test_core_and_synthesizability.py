import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.chemistry.scaffolds import cut_alkyl_chains, murcko_scaffold
from heliosc.chemistry.synthesizability import _scorer, core_sa_score, sa_score, synthesizability_grade
from heliosc.errors import MissingDependencyError

Y6 = (
    r"CCCCCCCCCCCc1c(/C=C2\C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(CCCCCCCCCCC)"
    r"c(/C=C7/C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)sc6c5n(CC(CC)CCCC)c4c3n(CC(CC)CCCC)c21"
)


def _core(smiles: str) -> str:
    return Chem.MolToSmiles(cut_alkyl_chains(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize(
    ("smiles", "core"),
    [
        ("CCCCCCc1ccsc1", "Cc1ccsc1"),
        ("CCc1ccsc1", "CCc1ccsc1"),  # two carbons stay
        ("CCCCC(CC)CN1C(=O)c2ccccc2C1=O", "CN1C(=O)c2ccccc2C1=O"),  # branched
        ("CCCCCCOc1ccccc1", "COc1ccccc1"),
        ("CCCCCCCCOC(=O)c1cccs1", "COC(=O)c1cccs1"),
        ("CC(C)[Si](C)(C)c1ccccc1", "C[Si](C)(C)c1ccccc1"),
        ("CC(C)(C)c1ccccc1", "Cc1ccccc1"),
        ("c1ccc(cc1)CCCc1ccccc1", "c1ccc(CCCc2ccccc2)cc1"),  # a spacer is no side chain
        ("COC(=O)CCCc1ccccc1", "COC(=O)CCCc1ccccc1"),
        ("CCCCCCCC", "CCCCCCCC"),  # nothing to hang on
        ("C1CCCCC1c1ccccc1", "c1ccc(C2CCCCC2)cc1"),  # rings stay
        ("CC[C@H](C)CCC[C@@H](C)c1ccsc1", "Cc1ccsc1"),  # chiral bracket atoms regain their hydrogens
        ("C[C@H](CCCC)n1cccc1", "Cn1cccc1"),
    ],
)
def test_cut_alkyl_chains(smiles: str, core: str) -> None:
    assert _core(smiles) == Chem.CanonSmiles(core)


@given(st.integers(3, 20))
@settings(deadline=None)
def test_core_does_not_depend_on_chain_length(n_carbons: int) -> None:
    cut = cut_alkyl_chains(Chem.MolFromSmiles("C" * n_carbons + "c1ccc(s1)-c1ccc(s1)" + "C" * n_carbons))
    assert Chem.MolToSmiles(cut) == Chem.CanonSmiles("Cc1ccc(s1)-c1ccc(C)s1")
    assert sum(atom.GetNumRadicalElectrons() for atom in cut.GetAtoms()) == 0


def test_cutting_keeps_the_original_and_the_double_bond_stereo() -> None:
    molecule = Chem.MolFromSmiles("CCCCCC/C=C/c1ccsc1")
    cut_alkyl_chains(molecule)
    assert Chem.MolToSmiles(molecule) == Chem.CanonSmiles("CCCCCC/C=C/c1ccsc1")
    assert _core("CCCCCC/C=C/c1ccsc1") == Chem.CanonSmiles("C/C=C/c1ccsc1")


def test_y6_is_hard_with_its_chains_and_passes_without() -> None:
    molecule = Chem.MolFromSmiles(Y6)
    assert sa_score(molecule) == pytest.approx(6.37, abs=0.01)
    assert core_sa_score(molecule) == pytest.approx(4.95, abs=0.01)
    assert synthesizability_grade(core_sa_score(molecule)) == "pass"
    assert synthesizability_grade(sa_score(molecule)) == "out"


def test_grades_include_their_limits() -> None:
    assert [synthesizability_grade(s) for s in (5.0, 5.01, 6.0, 6.01)] == ["pass", "decide", "decide", "out"]


def test_rdkit_without_contrib_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    monkeypatch.setattr("rdkit.RDConfig.RDContribDir", str(tmp_path_factory.mktemp("no-contrib")))
    _scorer.cache_clear()
    try:
        with pytest.raises(MissingDependencyError, match="pip install"):
            sa_score(Chem.MolFromSmiles("c1ccsc1"))
    finally:
        _scorer.cache_clear()


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [("CCCCCCc1ccc(s1)-c1ccc(F)cc1", "c1ccc(cc1)-c1cccs1"), ("O=C1c2ccccc2-c2ccccc21", "O=C1c2ccccc2-c2ccccc21")],
)
def test_murcko_scaffold(smiles: str, scaffold: str) -> None:
    assert murcko_scaffold(Chem.MolFromSmiles(smiles)) == Chem.CanonSmiles(scaffold)


def test_an_acyclic_molecule_has_no_scaffold() -> None:
    assert murcko_scaffold(Chem.MolFromSmiles("CCCC")) == ""
