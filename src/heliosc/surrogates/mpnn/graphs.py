"""Many molecules as a few flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError
from heliosc.surrogates.mpnn.features import FloatArray, IntArray, atom_code, bond_code


@dataclass(frozen=True)
class MoleculeGraphs:
    """Molecular graphs laid end to end.

    Attributes
    ----------
    atom_codes : (n_atoms,) see ``features.atom_code``
    bond_codes : (n_edges,) see ``features.bond_code``
    edge_source, edge_target : (n_edges,) atom indices over all molecules; edges 2i and 2i + 1 are each other's reverse
    atom_offsets : (n_molecules + 1,) first atom of each molecule
    ring_counts : (n_molecules, 3) rings of any size, of five and of six atoms; None where nobody asked
    """

    atom_codes: IntArray
    bond_codes: IntArray
    edge_source: IntArray
    edge_target: IntArray
    atom_offsets: IntArray
    ring_counts: IntArray | None

    @property
    def n_molecules(self) -> int:
        return len(self.atom_offsets) - 1

    @property
    def molecule_of_atom(self) -> IntArray:
        """Molecule number of each atom, (n_atoms,)."""
        return np.repeat(np.arange(self.n_molecules), np.diff(self.atom_offsets))

    def without(self, molecules: IntArray) -> MoleculeGraphs:
        """The same graphs less some molecules."""
        is_kept = np.ones(self.n_molecules, dtype=bool)
        is_kept[molecules] = False
        atom_kept = is_kept[self.molecule_of_atom]
        edge_kept = atom_kept[self.edge_source]
        number = np.cumsum(atom_kept) - 1
        return MoleculeGraphs(
            self.atom_codes[atom_kept],
            self.bond_codes[edge_kept],
            number[self.edge_source[edge_kept]],
            number[self.edge_target[edge_kept]],
            np.concatenate([[0], np.cumsum(np.diff(self.atom_offsets)[is_kept])]),
            None if self.ring_counts is None else self.ring_counts[is_kept],
        )

    @cached_property
    def descriptors(self) -> FloatArray:
        """Numbers of the whole molecule, (n_molecules, n_descriptors); see ``descriptors.describe``."""
        from heliosc.surrogates.mpnn.descriptors import describe  # it builds on this module

        return describe(self)


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
    """Flatten molecules into arrays. From SMILES, ``reading.read_graphs`` does it several times faster."""
    atoms: list[int] = []
    edges: list[tuple[int, int, int]] = []
    offsets = [0]
    for molecule in molecules:
        start = offsets[-1]
        atoms += [atom_code(atom) for atom in molecule.GetAtoms()]
        for bond in molecule.GetBonds():
            begin, end, code = bond.GetBeginAtomIdx() + start, bond.GetEndAtomIdx() + start, bond_code(bond)
            edges += ((begin, end, code), (end, begin, code))
        offsets.append(len(atoms))
    source, target, bond_codes = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return MoleculeGraphs(
        np.array(atoms, dtype=np.int64),
        bond_codes,
        source,
        target,
        np.array(offsets, dtype=np.int64),
        np.array([count_rings(molecule) for molecule in molecules], dtype=np.int64).reshape(-1, 3),
    )


def count_rings(molecule: Chem.Mol) -> tuple[int, int, int]:
    """Rings of any size, of five and of six atoms."""
    sizes = [len(ring) for ring in molecule.GetRingInfo().AtomRings()]
    return len(sizes), sizes.count(5), sizes.count(6)
