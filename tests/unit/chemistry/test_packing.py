"""The packing score: its formula by hand, twists of known compounds, and the order it must give."""

from __future__ import annotations

from math import radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.chemistry.condensed_phase import CONDENSED_PHASE_SCORES, condensed_phase_scores
from heliosc.chemistry.hansen import MEASURED_PARAMETERS
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.packing import conformer_packing_score, estimated_twist, packing_score
from heliosc.chemistry.planarity import Planarity, unit_bonds
from heliosc.properties.names import PROPERTIES

BIPHENYL = "c1ccccc1-c1ccccc1"


def _twist(smiles: str) -> float:
    molecule = parse_smiles(smiles)
    (bond,) = unit_bonds(molecule, frozenset(range(molecule.GetNumAtoms())))
    return estimated_twist(molecule, bond)


def _score(smiles: str) -> float:
    score = packing_score(parse_smiles(smiles))
    assert score is not None
    return score


@pytest.mark.parametrize(
    ("smiles", "degrees", "tolerance"),
    [
        (BIPHENYL, 44.4, 1.0),  # gas phase, electron diffraction
        ("c1ccnc(-c2ccccn2)c1", 0.0, 1.0),  # trans-2,2'-bipyridine is flat
        ("c1csc(-c2cccs2)c1", 0.0, 35.0),  # flat in the crystal, 32 in the gas phase
        ("Cc1ccccc1-c1ccccc1", 58.0, 8.0),  # 2-methylbiphenyl
        ("Cc1ccccc1-c1ccccc1C", 75.0, 15.0),
        ("c1ccc2c(-c3c4ccccc4cc4ccccc34)c3ccccc3cc2c1", 90.0, 15.0),  # 9,9'-bianthryl
    ],
)
def test_estimated_twists_of_known_compounds(smiles: str, degrees: float, tolerance: float) -> None:
    assert _twist(smiles) == pytest.approx(degrees, abs=tolerance)


def test_benzene_and_biphenyl_by_hand() -> None:
    assert _score("c1ccccc1") == pytest.approx(6 / 18)
    assert _score(BIPHENYL) == pytest.approx(12 / 24 * (1 - sin(radians(_twist(BIPHENYL))) ** 2))


def test_side_chains_and_bridges_by_hand() -> None:
    # hexylthiophene: 5 atoms, six in the chain; 9,9-dimethylfluorene: 12 atoms, three on the bridge
    assert _score("CCCCCCc1ccsc1") == pytest.approx(5 / 17 / (1 + 0.1 * 6 / 5))
    assert _score("CC1(C)c2ccccc2-c2ccccc21") == pytest.approx(12 / 24 / (1 + 3 / 12))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1", "c1ccc2cc3ccccc3cc2c1"),  # a larger face
        ("c1csc(-c2cccs2)c1", "Cc1ccsc1-c1sccc1C"),  # head-to-head methyls
        ("c1ccc2c(c1)Cc1ccccc1-2", "c1ccc2c(c1)-c1ccccc1C21c2ccccc2-c2ccccc21"),  # a spiro centre
        ("c1ccc2c(c1)[nH]c1ccccc12", "c1ccc(N(c2ccccc2)c2ccccc2)cc1"),  # a propeller
        ("Cc1ccsc1", "CC(C)(C)c1ccsc1"),
    ],
)
def test_order(better: str, worse: str) -> None:
    assert _score(better) > _score(worse)


def test_no_face_no_score_and_no_definition_for_fullerenes() -> None:
    assert _score("CCCCCC") == 0.0
    assert packing_score(parse_smiles(MEASURED_PARAMETERS[0].smiles)) is None


def test_a_conformer_replaces_the_estimated_twist() -> None:
    molecule = parse_smiles(BIPHENYL)
    assert conformer_packing_score(molecule, Planarity(0.0, 0.0, (0.0,))) == pytest.approx(0.5)
    assert conformer_packing_score(molecule, Planarity(0.7, 1.5, (60.0,))) == pytest.approx(0.25)


SMILES = st.sampled_from(
    ["CCCCCCc1ccsc1-c1cccs1", "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1", "c1ccc(N(c2ccccc2)c2ccccc2)cc1",
     "CC1(C)c2ccccc2-c2ccc(-c3ccc(C#N)c4nsnc34)cc21", "C[Si](C)(C)C#Cc1c2ccccc2cc2ccccc12"]
)  # fmt: skip


@given(smiles=SMILES, data=st.data())
def test_scores_do_not_depend_on_the_order_of_the_atoms(smiles: str, data: st.DataObject) -> None:
    molecule = parse_smiles(smiles)
    order = data.draw(st.permutations(range(molecule.GetNumAtoms())))
    shuffled = condensed_phase_scores(Chem.RenumberAtoms(molecule, order))
    assert shuffled == pytest.approx(condensed_phase_scores(molecule), rel=1e-12)
    assert 0 <= shuffled["packing_score"] <= 1


def test_every_score_has_a_name_in_the_vocabulary_and_missing_ones_are_left_out() -> None:
    assert set(CONDENSED_PHASE_SCORES) <= set(PROPERTIES)
    assert set(condensed_phase_scores(parse_smiles("c1ccsc1"))) == set(CONDENSED_PHASE_SCORES)
    assert set(condensed_phase_scores(parse_smiles("F[B-]1(F)n2cccc2C=C2C=CC=[N+]21"))) == {"packing_score"}
    without_polar = set(condensed_phase_scores(parse_smiles("CB(C)c1ccccc1")))
    assert without_polar == {"packing_score", "density", "hansen_dispersion", "hansen_hydrogen_bonding"}
    assert "packing_score" not in condensed_phase_scores(parse_smiles(MEASURED_PARAMETERS[0].smiles))
