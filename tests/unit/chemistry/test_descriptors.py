import pytest
from rdkit import Chem

from heliosc.chemistry.descriptors import MolecularDescriptors, conjugated_systems, describe


def _describe(smiles: str) -> MolecularDescriptors:
    return describe(Chem.MolFromSmiles(smiles))


def test_hexylthiophene() -> None:
    found = _describe("CCCCCCc1ccsc1")
    assert found.elements == {"C", "H", "S"}
    assert (found.heavy_atoms, found.fragments, found.formal_charge, found.rings) == (11, 1, 0, 1)
    assert found.rotatable_bonds == 5
    assert found.molecular_weight == pytest.approx(168.30, abs=0.01)
    assert found.largest_conjugated_system == 5
    assert found.conjugated_fraction == pytest.approx(5 / 11)
    assert found.log_p > _describe("c1ccsc1").log_p  # a hexyl chain makes it greasier


def test_hydrogen_is_listed_only_where_there_is_some() -> None:
    assert _describe("FC(F)=C(F)F").elements == {"C", "F"}


def test_salt_and_charge() -> None:
    found = _describe("C[N+](C)(C)C.[Cl-].[Na+]")
    assert (found.fragments, found.formal_charge) == (3, 1)


@pytest.mark.parametrize(
    ("smiles", "sizes"),
    [
        ("c1ccc2ccccc2c1", [10]),
        ("c1csc(c1)-c1cccs1", [10]),  # joined by a bond between rings
        ("c1ccccc1Cc1cccs1", [6, 5]),  # broken by a methylene
        ("C[Si](C)(c1ccccc1)c1ccccc1", [6, 6]),
        ("c1ccccc1N(c1ccccc1)c1ccccc1", [19]),  # the lone pair of an amine conjugates
        ("C1CCCCC1", []),
        ("C1CCCC=C1", []),  # one double bond is no system
        ("S1C=CSC1=C1SC=CS1", [10]),  # tetrathiafulvalene
        ("c1ccc2c(c1)Sc1ccccc1S2", [14]),  # thianthrene
        ("c1ccccc1B(c1ccccc1)c1ccccc1", [19]),
        ("O=P(c1ccccc1)(c1ccccc1)c1ccccc1", [6, 6, 6]),
        ("O=S(=O)(c1ccccc1)c1ccccc1", [6, 6]),
        ("O=C1c2ccccc2-c2ccccc21", [14]),
        ("c1ccc2c(c1)-c1ccccc1C21c2ccccc2-c2ccccc21", [12, 12]),  # spirobifluorene
    ],
)
def test_conjugated_systems(smiles: str, sizes: list[int]) -> None:
    assert [len(system) for system in conjugated_systems(Chem.MolFromSmiles(smiles))] == sizes
