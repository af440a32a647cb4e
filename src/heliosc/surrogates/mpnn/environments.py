"""Exact deduplication of atom environments.

Two directed bonds with the same surroundings up to t bonds away have the same hidden vector after t steps of message
passing, whatever the weights. So every distinct environment is computed once: edges and atoms are sorted into classes,
class by class of the level below, and the network runs on classes. The sorting uses exact integer keys, no hashing.

A directed edge v -> w at level 0 is (atom code of v, bond code); at level t it is its level-0 class plus the multiset
of level t-1 classes of the edges u -> v, u != w. An atom is its code plus the multiset of top-level classes arriving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from heliosc.surrogates.mpnn.features import IntArray, atom_vectors, bond_vectors
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs

_KEY_BITS = 62


@dataclass(frozen=True, slots=True)
class Bags:
    """Ragged lists of row numbers: bag i holds ``rows[offsets[i]:offsets[i + 1]]``."""

    rows: IntArray
    offsets: IntArray


@dataclass(frozen=True, slots=True)
class Level:
    """Distinct edge environments of one radius.

    Attributes
    ----------
    first : (n_classes,) level-0 class of each class
    children : (n_classes, width) classes one level below, -1 where there is none
    """

    first: IntArray
    children: IntArray


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of a set of molecules.

    Attributes
    ----------
    edge_inputs : (n_level0, 86) float32, atom and bond features of the level-0 classes
    levels : one per message-passing step
    atom_inputs : (n_atom_kinds, 72) float32
    atom_kind : (n_atom_classes,) row of ``atom_inputs``
    atom_children : (n_atom_classes, width) top-level edge classes arriving at each atom class, -1 where there is none
    atom_class : (n_atoms,)
    atom_offsets : (n_molecules + 1,)
    """

    edge_inputs: np.ndarray
    levels: tuple[Level, ...]
    atom_inputs: np.ndarray
    atom_kind: IntArray
    atom_children: IntArray
    atom_class: IntArray
    atom_offsets: IntArray

    @property
    def n_molecules(self) -> int:
        return len(self.atom_offsets) - 1


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What the network needs for some molecules, as row numbers into the layer below.

    Attributes
    ----------
    edge_inputs : (n_level0, 86)
    steps : per message-passing step, bags of rows of the step before with the rows of level 0 behind them
    atom_inputs : (n_atom_kinds, 72)
    atoms : a bag an atom class, of rows of the last step with the rows of ``atom_inputs`` behind them
    molecules : bags of atom classes, one bag a molecule
    """

    edge_inputs: np.ndarray
    steps: tuple[Bags, ...]
    atom_inputs: np.ndarray
    atoms: Bags
    molecules: Bags


def find_environments(graphs: MoleculeGraphs, *, depth: int) -> Environments:
    """Sort edges and atoms into classes.

    Parameters
    ----------
    depth : chemprop's depth; depth - 1 steps of message passing
    """
    bond_class, bond_kinds = pd.factorize(graphs.bond_codes)
    atom_kind, atom_kinds = pd.factorize(graphs.atom_codes)
    level0, edge_class = _classes([atom_kind[graphs.edge_source], bond_class])
    atom_features, bond_features = atom_vectors(atom_kinds), bond_vectors(bond_kinds)
    edge_inputs = np.concatenate(
        [atom_features[atom_kind[graphs.edge_source[level0]]], bond_features[bond_class[level0]]], axis=1
    )
    arriving = _arriving_edges(graphs)
    edge_arriving = _without_reverse([column[graphs.edge_source] for column in arriving])
    levels = []
    first = edge_class
    for _ in range(1, depth):
        children = _sorted_classes(edge_arriving, edge_class)
        representative, edge_class = _classes([first, *children])
        levels.append(Level(first[representative], _rows(children, representative)))
    children = _sorted_classes(arriving, edge_class)
    representative, atom_class = _classes([atom_kind, *children])
    return Environments(
        edge_inputs,
        tuple(levels),
        atom_features,
        atom_kind[representative],
        _rows(children, representative),
        atom_class,
        graphs.atom_offsets,
    )


def _rows(columns: list[IntArray], rows: IntArray) -> IntArray:
    return np.stack([column[rows] for column in columns], axis=1)


def _arriving_edges(graphs: MoleculeGraphs) -> list[IntArray]:
    """Edges that end at each atom, max_degree columns of (n_atoms,), padded with -1."""
    n_atoms = len(graphs.atom_codes)
    degree = np.bincount(graphs.edge_target, minlength=n_atoms)
    order = np.argsort(graphs.edge_target, kind="stable")
    starts = np.cumsum(degree) - degree
    # an atom's last slots are empty; reading beyond the end of the list is as well
    padded = np.append(order, -1)
    return [
        np.where(slot < degree, padded[np.minimum(starts + slot, len(order))], -1)
        for slot in range(max(1, int(degree.max(initial=0))))
    ]


def _without_reverse(columns: list[IntArray]) -> list[IntArray]:
    """Edges arriving at each edge's source, without the edge's own reverse."""
    reverse = np.arange(len(columns[0])) ^ 1
    return [np.where(column == reverse, -1, column) for column in columns]


def _sorted_classes(edges: list[IntArray], edge_class: IntArray) -> list[IntArray]:
    """Classes of padded edge lists, in descending order so that equal multisets are equal rows."""
    padded = np.append(edge_class, -1)  # edge -1 reads the appended -1
    columns = [padded[column] for column in edges]
    for end in range(len(columns) - 1, 0, -1):  # a handful of columns: exchanging whole columns beats sorting rows
        for i in range(end):
            columns[i], columns[i + 1] = np.maximum(columns[i], columns[i + 1]), np.minimum(columns[i], columns[i + 1])
    return columns


def _classes(columns: list[IntArray]) -> tuple[IntArray, IntArray]:
    """Number the distinct rows of some columns of integers >= -1, in the order of first appearance.

    Returns
    -------
    representative : (n_classes,) the first row of each class
    row_class : (n_rows,)
    """
    key = columns[0].astype(np.int64)
    used_bits = _bits(key)
    for column in columns[1:]:
        bits = _bits(column)
        if used_bits + bits > _KEY_BITS:
            key = pd.factorize(key)[0]
            used_bits = _bits(key)
        key = (key << bits) + (column + 1)
        used_bits += bits
    row_class, classes = pd.factorize(key)
    representative = np.empty(len(classes), dtype=np.int64)
    representative[row_class[::-1]] = np.arange(len(key))[::-1]  # the last to be written is the first row
    return representative, row_class


def _bits(column: IntArray) -> int:
    return int(column.max(initial=0) + 1).bit_length()


def plan_batch(environments: Environments, molecules: IntArray) -> BatchPlan:
    """Keep only the classes that some molecules need."""
    starts, ends = environments.atom_offsets[molecules], environments.atom_offsets[molecules + 1]
    atoms = _ranges(starts, ends)
    atom_classes, atom_rows = _used(environments.atom_class[atoms], len(environments.atom_kind))
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])
    kinds, kind_rows = _used(environments.atom_kind[atom_classes], len(environments.atom_inputs))
    children, owners = environments.atom_children[atom_classes], kind_rows
    bags = []
    for level in reversed(environments.levels):
        wanted, rows = _restricted(children, len(level.first))
        bags.append(_bags(rows, owners, n_below=len(wanted)))
        children, owners = level.children[wanted], level.first[wanted]
    bags.append(_bags(children, owners, n_below=len(environments.edge_inputs)))  # level 0 is small and kept whole
    atom_bags, *steps = bags
    return BatchPlan(
        environments.edge_inputs,
        tuple(reversed(steps)),
        environments.atom_inputs[kinds],
        atom_bags,
        Bags(atom_rows, offsets),
    )


def _ranges(starts: IntArray, ends: IntArray) -> IntArray:
    """The numbers of all ranges, concatenated."""
    lengths = ends - starts
    shift = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(int(lengths.sum())) + shift


def _used(classes: IntArray, n_classes: int) -> tuple[IntArray, IntArray]:
    """The distinct classes, ascending, and the row of each class among them."""
    is_used = np.zeros(n_classes, dtype=bool)
    is_used[classes] = True
    return np.flatnonzero(is_used), (np.cumsum(is_used) - 1)[classes]


def _restricted(children: IntArray, n_classes: int) -> tuple[IntArray, IntArray]:
    """Distinct classes named in a padded table, and the table as rows of those, still padded with -1."""
    wanted, rows = _used(children[children >= 0], n_classes)
    table = np.full(children.shape, -1, dtype=np.int64)
    table[children >= 0] = rows
    return wanted, table


def _bags(children: IntArray, owners: IntArray, *, n_below: int) -> Bags:
    """Bags of a padded table's rows, each with its owner's row behind the ``n_below`` rows of the layer below."""
    table = np.concatenate([children, owners[:, None] + n_below], axis=1)
    present = table >= 0
    return Bags(table[present], np.concatenate([[0], np.cumsum(present.sum(axis=1))]))
