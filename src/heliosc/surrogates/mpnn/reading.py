"""SMILES to graphs in C++: the batch featuriser that chemprop installs, turned back into our packed codes.

RDKit's Python interface pays for every question asked of every atom; ``cuik_molmaker`` asks them all in C++. What it
answers, as columns of numbers, holds everything that an atom or bond code holds, so the codes come from a few array
operations. Tests hold the result equal to ``graphs.build_graphs`` on the same molecules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS, MAX_SMILES_LENGTH, parse_smiles
from heliosc.errors import InputError, MissingDependencyError
from heliosc.surrogates.mpnn.features import IntArray, pack_atoms, pack_bonds
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs, count_rings

_ATOM_CHOICES = ["chirality", "num-hydrogens"]
_ATOM_NUMBERS = ["atomic-number", "degree", "formal-charge", "hybridization", "aromatic", "mass", "radical-electron"]
_RING_NUMBERS = ["num-ring", "min-ring", "max-ring"]
_BOND_CHOICES = ["bond-type-onehot", "conjugated", "in-ring", "stereo"]
_N_CHIRAL, _N_HYDROGENS, _N_BOND_TYPES = 5, 6, 4
_ATOMIC_NUMBER_SCALE = 5.0  # the featuriser divides by it
_MASS_SCALE = 100.0
_BOND_TYPES = np.array(
    [int(getattr(Chem.BondType, name)) for name in ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")], dtype=np.float32
)
_CALL_SIZE = 512
# The featuriser reads an unparsable SMILES as no atoms. It crashes the process on a call that has no atoms at all, and
# when asked for the rings of what it could not parse: hence a molecule behind every call, and a syntax check (a fifth
# of the parsing) before rings are asked for.
_SENTINEL = "CC"


@dataclass(frozen=True, slots=True)
class Reading:
    """Molecules read from SMILES.

    Attributes
    ----------
    graphs : of the readable rows, in order
    rows : (n_readable,) their row numbers in the input
    refused : row number -> why it could not be read
    n_radicals : (n_readable,) unpaired electrons
    """

    graphs: MoleculeGraphs
    rows: IntArray
    refused: dict[int, str]
    n_radicals: IntArray


class _Arrays(NamedTuple):
    """What the featuriser answers for one call, the sentinel removed."""

    atoms: NDArray[np.float32]
    bonds: NDArray[np.float32]
    edges: IntArray
    molecule_of_atom: IntArray


def read_graphs(smiles: Sequence[str], *, with_rings: bool, first_row: int = 0) -> MoleculeGraphs:
    """Graphs of molecules that must all be readable.

    Parameters
    ----------
    with_rings : count rings, which descriptors need

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row, counted from ``first_row``
    """
    reading = read_molecules(smiles, with_rings=with_rings)
    for row, reason in reading.refused.items():
        raise InputError(f"row {row + first_row}: {reason}")
    return reading.graphs


def read_molecules(smiles: Sequence[str], *, with_rings: bool) -> Reading:
    """Read SMILES; what cannot be read is refused with its reason.

    Parameters
    ----------
    with_rings : count rings, which descriptors need
    """
    texts = [text.strip() for text in smiles]
    refused: dict[int, str] = {}
    rows: list[int] = []
    parts: list[_Arrays] = []
    for start in range(0, len(texts), _CALL_SIZE):
        call = list(range(start, min(start + _CALL_SIZE, len(texts))))
        kept, arrays, reasons = _read_call(texts, call, with_rings=with_rings)
        refused |= reasons
        rows += kept
        parts.append(arrays)
    kept_texts = [texts[row] for row in rows]
    graphs, n_radicals = _assemble(parts, kept_texts, with_rings=with_rings)
    return Reading(graphs, np.array(rows, dtype=np.int64), dict(sorted(refused.items())), n_radicals)


def _read_call(texts: list[str], rows: list[int], *, with_rings: bool) -> tuple[list[int], _Arrays, dict[int, str]]:
    """Featurise some rows in one call; when rows prove unreadable, the others once more."""
    suspects = [row for row in rows if not 0 < len(texts[row]) <= MAX_SMILES_LENGTH]
    if with_rings:
        suspects += [row for row in rows if Chem.MolFromSmiles(texts[row], sanitize=False) is None]
    refused = dict(_refusals(texts, suspects))
    while True:
        rows = [row for row in rows if row not in refused]
        try:
            arrays = _featurize([texts[row] for row in rows], with_rings=with_rings)
        except RuntimeError:  # the valences or rings of one molecule make no sense; the call does not say of which
            suspects = rows
        else:
            heavy = arrays.molecule_of_atom[arrays.atoms[:, _N_CHIRAL + _N_HYDROGENS] * _ATOMIC_NUMBER_SCALE > 1.5]
            n_heavy = np.bincount(heavy, minlength=len(rows))
            suspects = [row for row, n in zip(rows, n_heavy, strict=True) if not 0 < n <= MAX_HEAVY_ATOMS]
            if not suspects:
                return rows, arrays, refused
        found = dict(_refusals(texts, suspects))
        if not found:
            raise RuntimeError(f"RDKit reads what its C++ featuriser refuses, in {[texts[row] for row in suspects]}")
        refused |= found


def _refusals(texts: list[str], rows: list[int]) -> Iterator[tuple[int, str]]:
    for row in rows:
        try:
            parse_smiles(texts[row])
        except InputError as error:
            yield row, str(error)


@lru_cache(maxsize=2)
def _featurizer(*, with_rings: bool) -> tuple[Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    try:
        import cuik_molmaker
    except ImportError as error:
        raise MissingDependencyError(
            "chemprop's C++ featuriser is not installed; run: pip install 'chemprop==2.3.1'"
        ) from error
    return (
        cuik_molmaker.batch_mol_featurizer,
        cuik_molmaker.atom_onehot_feature_names_to_array(_ATOM_CHOICES),
        cuik_molmaker.atom_float_feature_names_to_array(_ATOM_NUMBERS + _RING_NUMBERS if with_rings else _ATOM_NUMBERS),
        cuik_molmaker.bond_feature_names_to_array(_BOND_CHOICES),
    )


def _featurize(texts: list[str], *, with_rings: bool) -> _Arrays:
    featurize, atom_choices, atom_numbers, bond_choices = _featurizer(with_rings=with_rings)
    atoms, bonds, edges, _, molecule_of_atom = featurize(
        [*texts, _SENTINEL], atom_choices, atom_numbers, bond_choices, False, False, True, False
    )
    return _Arrays(atoms[:-2], bonds[:-2], edges[:, :-2], molecule_of_atom[:-2])


def _assemble(parts: list[_Arrays], texts: list[str], *, with_rings: bool) -> tuple[MoleculeGraphs, IntArray]:
    """Lay calls end to end; also the unpaired electrons of each molecule."""
    n_molecules = len(texts)
    atom_parts, bond_parts, edge_parts, molecule_parts = [], [], [], []
    n_atoms = n_before = 0
    for part in parts:
        atom_parts.append(part.atoms)
        bond_parts.append(part.bonds)
        edge_parts.append(part.edges + n_atoms)
        molecule_parts.append(part.molecule_of_atom + n_before)
        n_atoms += len(part.atoms)
        n_before += int(part.molecule_of_atom[-1]) + 1 if len(part.atoms) else 0
    if not n_molecules:
        return _no_graphs(), np.zeros(0, dtype=np.int64)
    atoms, molecule_of_atom = np.concatenate(atom_parts), np.concatenate(molecule_parts)
    edges = np.concatenate(edge_parts, axis=1)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(molecule_of_atom, minlength=n_molecules))])
    numbers = atoms[:, _N_CHIRAL + _N_HYDROGENS :].T
    radicals = np.rint(np.bincount(molecule_of_atom, weights=numbers[6], minlength=n_molecules)).astype(np.int64)
    graphs = MoleculeGraphs(
        _atom_codes(atoms),
        _bond_codes(np.concatenate(bond_parts)),
        edges[0],
        edges[1],
        offsets,
        _ring_counts(numbers[7:], molecule_of_atom, texts) if with_rings else None,
    )
    return graphs, radicals


def _no_graphs() -> MoleculeGraphs:
    none = np.zeros(0, dtype=np.int64)
    return MoleculeGraphs(none, none, none, none, np.zeros(1, dtype=np.int64), none.reshape(0, 3))


def _atom_codes(atoms: NDArray[np.float32]) -> IntArray:
    chiral, hydrogens = _N_CHIRAL, _N_CHIRAL + _N_HYDROGENS
    number, degree, charge, hybridization, aromatic, mass = atoms[:, hydrogens : hydrogens + 6].T
    return pack_atoms(
        atomic_number=np.rint(number * _ATOMIC_NUMBER_SCALE).astype(np.int64),
        degree=degree.astype(np.int64),
        charge=np.rint(charge).astype(np.int64),
        chiral_tag=(atoms[:, :chiral] @ np.arange(_N_CHIRAL, dtype=np.float32)).astype(np.int64),
        hydrogens=(atoms[:, chiral:hydrogens] @ np.arange(_N_HYDROGENS, dtype=np.float32)).astype(np.int64),
        hybridization=hybridization.astype(np.int64),
        aromatic=aromatic.astype(np.int64),
        mass=mass * _MASS_SCALE,
    )


def _bond_codes(bonds: NDArray[np.float32]) -> IntArray:
    stereos = bonds[:, _N_BOND_TYPES + 2 :]
    return pack_bonds(
        bond_type=(bonds[:, :_N_BOND_TYPES] @ _BOND_TYPES).astype(np.int64),
        conjugated=bonds[:, _N_BOND_TYPES].astype(np.int64),
        in_ring=bonds[:, _N_BOND_TYPES + 1].astype(np.int64),
        stereo=(stereos @ np.arange(stereos.shape[1], dtype=np.float32)).astype(np.int64),
    )


def _ring_counts(rings: NDArray[np.float32], molecule_of_atom: IntArray, texts: list[str]) -> IntArray:
    """Rings of each molecule from its atoms' numbers of rings and sizes of the smallest and largest.

    Each atom of a ring of n counts 1/n of it. An atom in three or more rings of different sizes leaves sizes open;
    RDKit counts the rings of its molecule.

    Parameters
    ----------
    rings : (3, n_atoms) number of rings, smallest, largest
    """
    is_open = (rings[0] > 2) & (rings[1] != rings[2])
    inside = rings[0] > 0
    n_rings, smallest, largest = np.rint(rings[:, inside]).astype(np.int64)
    owner = molecule_of_atom[inside]
    n_largest = np.where(n_rings > 1, n_rings // 2, 0)  # two rings: one of each; more: all of one size
    n_smallest = n_rings - n_largest
    counts = np.empty((len(texts), 3), dtype=np.int64)
    for column, wanted in enumerate((None, 5, 6)):
        share = n_smallest * (smallest == wanted if wanted else 1) / smallest
        share += n_largest * (largest == wanted if wanted else 1) / largest
        counts[:, column] = np.rint(np.bincount(owner, weights=share, minlength=len(texts)))
    for molecule in np.unique(molecule_of_atom[is_open]):
        counts[molecule] = count_rings(parse_smiles(texts[molecule]))
    return counts
