"""Many molecules as a few flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from threadpoolctl import threadpool_limits

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError
from heliosc.surrogates.mpnn.descriptors import N_DESCRIPTORS, FloatArray, describe
from heliosc.surrogates.mpnn.features import IntArray, atom_code, bond_code


@dataclass(frozen=True, slots=True)
class MoleculeGraphs:
    """Molecular graphs laid end to end.

    Attributes
    ----------
    atom_codes : (n_atoms,) see ``features.atom_code``
    bond_codes : (n_edges,) see ``features.bond_code``
    edge_source, edge_target : (n_edges,) atom indices over all molecules; edges 2i and 2i + 1 are each other's reverse
    atom_offsets : (n_molecules + 1,) first atom of each molecule
    descriptors : (n_molecules, n_descriptors) see ``descriptors.describe``
    """

    atom_codes: IntArray
    bond_codes: IntArray
    edge_source: IntArray
    edge_target: IntArray
    atom_offsets: IntArray
    descriptors: FloatArray

    @property
    def n_molecules(self) -> int:
        return len(self.atom_offsets) - 1


def parse_rows(smiles: Sequence[str], *, first_row: int = 0) -> list[Chem.Mol]:
    """Read every molecule.

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row, counted from 0
    """
    molecules = []
    for row, text in enumerate(smiles, start=first_row):
        try:
            molecules.append(parse_smiles(text))
        except InputError as error:
            raise InputError(f"row {row}: {error}") from error
    return molecules


def build_graphs(molecules: Sequence[Chem.Mol]) -> MoleculeGraphs:
    """Flatten molecules into arrays."""
    atoms: list[int] = []
    edges: list[tuple[int, int, int]] = []
    offsets = [0]
    descriptors = np.zeros((len(molecules), N_DESCRIPTORS))
    # Several BLAS threads on 40 x 40 matrices only wait for one another: seven times slower on two cores.
    with threadpool_limits(limits=1, user_api="blas"):
        for row, molecule in enumerate(molecules):
            codes, bonds = molecule_codes(molecule)
            start = offsets[-1]
            atoms += codes
            for begin, end, code in bonds:
                edges += ((begin + start, end + start, code), (end + start, begin + start, code))
            offsets.append(len(atoms))
            descriptors[row] = describe(molecule, codes, bonds)
    source, target, bond_codes = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return MoleculeGraphs(
        np.array(atoms, dtype=np.int64), bond_codes, source, target, np.array(offsets, dtype=np.int64), descriptors
    )


def molecule_codes(molecule: Chem.Mol) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Atom codes, and (atom, atom, bond code) of each bond."""
    codes = [atom_code(atom) for atom in molecule.GetAtoms()]
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond_code(bond)) for bond in molecule.GetBonds()]
    return codes, bonds
