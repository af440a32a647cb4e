"""Conformers: order of atoms, determinism, fullerene cages, the time limit."""

import numpy as np
import pytest
from rdkit import Chem

from heliosc.chemistry import conformers as conformers_module
from heliosc.chemistry.cages import cage_positions, fullerene_cage
from heliosc.chemistry.conformers import embed_conformers
from heliosc.errors import ConvergenceError

C60 = (
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4"
    "c4c9c5c1c1c6c2c3c41"
)


def test_atoms_are_in_the_order_of_add_hs():
    molecule = Chem.MolFromSmiles("OC=C")
    conformer = embed_conformers(molecule, n_conformers=2, seed=1)[0]
    assert conformer.symbols == tuple(atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms())
    assert conformer.positions.shape == (7, 3)
    assert conformer.force_field == "mmff94"


def test_same_seed_same_conformers_best_first():
    molecule = Chem.MolFromSmiles("CCCCO")
    first, second = (embed_conformers(molecule, n_conformers=5, seed=7) for _ in range(2))
    assert len(first) > 1
    assert [one.energy_kcal for one in first] == sorted(one.energy_kcal for one in first)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)


def test_elements_outside_mmff_get_uff_and_say_so():
    assert embed_conformers(Chem.MolFromSmiles("C[Se]C"), n_conformers=1, seed=1)[0].force_field == "uff"


def test_c60_gets_its_cage():
    molecule = Chem.MolFromSmiles(C60)
    cage = fullerene_cage(molecule)
    assert len(cage) == 60
    positions = cage_positions(molecule, cage)
    radii = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    assert radii.std() / radii.mean() < 1e-6  # all atoms of an icosahedral cage are equivalent
    conformer = embed_conformers(molecule, n_conformers=1, seed=1)[0]
    bonds = [
        np.linalg.norm(conformer.positions[bond.GetBeginAtomIdx()] - conformer.positions[bond.GetEndAtomIdx()])
        for bond in molecule.GetBonds()
    ]
    assert 1.33 < min(bonds) < max(bonds) < 1.55


@pytest.mark.parametrize("smiles", ["c1ccc2cc3ccccc3cc2c1", "C12C3C4C1C5C2C3C45", "C1C2CC3CC1CC(C2)C3"])
def test_other_polycycles_have_no_fullerene_cage(smiles):
    assert fullerene_cage(Chem.MolFromSmiles(smiles)) == []


def test_impossible_molecule_ends_within_the_time_limit(monkeypatch):
    monkeypatch.setattr(conformers_module, "EMBEDDING_TIMEOUT_S", 1)
    with pytest.raises(ConvergenceError, match="no 3D geometry"):
        embed_conformers(Chem.MolFromSmiles("C1C#CC12C#CC2"), n_conformers=1, seed=1)
