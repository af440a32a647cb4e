"""The standardisation policy, sentence by sentence."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.chemistry.standardisation import standardise
from heliosc.errors import InputError


@pytest.mark.parametrize(
    ("text", "smiles", "notes"),
    [
        ("C1=CC=CS1", "c1ccsc1", ()),
        ("O=S(C)C", "C[S+](C)[O-]", ("normalized",)),
        ("CS(C)(=O)=O", "CS(C)(=O)=O", ()),
        ("c1ccccc1N(=O)=O", "O=[N+]([O-])c1ccccc1", ()),
        ("[2H]c1ccccc1", "c1ccccc1", ("isotopes removed",)),
        ("[cH:1]1[cH:2]cccc1", "c1ccccc1", ()),
        ("C[N+](C)(C)C", "C[N+](C)(C)C", ("charged",)),
        ("[CH3]", "[CH3]", ("radical",)),
        ("C/C=C/C", "C/C=C/C", ()),
        ("CC=CC", "CC=CC", ()),
        ("C[Zn]C", "[CH3][Zn][CH3]", ("metal",)),
    ],
)
def test_each_rule(text: str, smiles: str, notes: tuple[str, ...]) -> None:
    molecule = standardise(text)
    assert (molecule.smiles, molecule.notes, molecule.is_polymer) == (smiles, notes, False)


def test_tautomers_stay_apart_although_inchi_joins_them() -> None:
    keto, hydroxy = standardise("O=c1cccc[nH]1"), standardise("Oc1ccccn1")
    assert keto.smiles != hydroxy.smiles
    assert keto.inchikey == hydroxy.inchikey == "UBQKCCHYAOITMY-UHFFFAOYSA-N"


def test_a_charged_acid_is_not_neutralised() -> None:
    assert standardise("CC(=O)[O-]").smiles == "CC(=O)[O-]"


@pytest.mark.parametrize("text", ["CC(=O)[O-].[Na+]", "c1ccsc1.c1ccsc1", "C.C"])
def test_salts_and_mixtures_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="2 separate fragments"):
        standardise(text)


def test_a_repeat_unit_is_a_polymer_without_inchikey() -> None:
    unit = standardise("[*:1]c1ccc([*:2])s1")
    assert (unit.smiles, unit.inchikey, unit.is_polymer) == ("*c1ccc(*)s1", None, True)
    assert standardise("{[$]c1ccc([$])s1}") == unit
    with pytest.raises(InputError, match="cannot read BigSMILES"):
        standardise("{[$]c1ccc([$])s1")
    with pytest.raises(InputError, match="one \\[\\*\\] only"):
        standardise("*c1cccs1")


def test_a_fullerene_has_a_key() -> None:
    from heliosc.chemistry.hansen import PC61BM_SMILES

    assert standardise(PC61BM_SMILES).inchikey is not None


REAL = (
    "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1",
    "N#CC(C#N)=C1C(=O)c2ccccc2C1=Cc1cc2sccc2s1",
    "C[C@H](O)c1ccc([N+](=O)[O-])cc1",
    "CS(=O)c1ccc(/C=C/c2ccncc2)cc1",
    "c1ccc2c(c1)[nH]c1ccccc12",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(REAL), st.integers(0, 2**32 - 1))
def test_the_order_of_atoms_does_not_matter_and_the_standard_form_is_its_own(text: str, seed: int) -> None:
    molecule = Chem.MolFromSmiles(text)
    order = list(range(molecule.GetNumAtoms()))
    random.Random(seed).shuffle(order)
    shuffled = Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
    first = standardise(text)
    assert standardise(shuffled) == first
    again = standardise(first.smiles)
    assert (again.smiles, again.inchikey) == (first.smiles, first.inchikey)
