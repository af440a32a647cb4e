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
    atom_inputs : (n_atom_classes, 72) float32
    atom_children : (n_atom_classes, width) top-level edge classes arriving at each atom class, -1 where there is none
    atom_class : (n_atoms,)
    atom_offsets : (n_molecules + 1,)
    """

    edge_inputs: np.ndarray
    levels: tuple[Level, ...]
    atom_inputs: np.ndarray
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
    steps : per message-passing step, (first, children): rows of level 0 and bags of rows of the step before
    atom_inputs : (n_atom_classes, 72)
    atom_children : bags of rows of the last step
    molecules : bags of atom classes, one bag a molecule
    """

    edge_inputs: np.ndarray
    steps: tuple[tuple[IntArray, Bags], ...]
    atom_inputs: np.ndarray
    atom_children: Bags
    molecules: Bags


def find_environments(graphs: MoleculeGraphs, *, depth: int) -> Environments:
    """Sort edges and atoms into classes.

    Parameters
    ----------
    depth : chemprop's depth; depth - 1 steps of message passing
    """
    bond_kinds, bond_class = np.unique(graphs.bond_codes, return_inverse=True)
    atom_kinds, atom_kind = np.unique(graphs.atom_codes, return_inverse=True)
    level0, edge_class = _classes([atom_kind[graphs.edge_source], bond_class])
    atom_features, bond_features = atom_vectors(atom_kinds), bond_vectors(bond_kinds)
    edge_inputs = np.concatenate(
        [atom_features[atom_kind[graphs.edge_source[level0]]], bond_features[bond_class[level0]]], axis=1
    )
    arriving = _arriving_edges(graphs)
    reverse = np.arange(len(edge_class)) ^ 1
    edge_arriving = arriving[graphs.edge_source]
    edge_arriving = np.where(edge_arriving == reverse[:, None], -1, edge_arriving)
    levels = []
    first = edge_class
    for _ in range(1, depth):
        children = _sorted_classes(edge_arriving, edge_class)
        representative, edge_class = _classes([first, *children.T])
        levels.append(Level(first[representative], children[representative]))
    children = _sorted_classes(arriving, edge_class)
    representative, atom_class = _classes([atom_kind, *children.T])
    return Environments(
        edge_inputs,
        tuple(levels),
        atom_features[atom_kind[representative]],
        children[representative],
        atom_class,
        graphs.atom_offsets,
    )


def _arriving_edges(graphs: MoleculeGraphs) -> IntArray:
    """Edges that end at each atom, (n_atoms, max_degree), padded with -1."""
    n_atoms = len(graphs.atom_codes)
    degree = np.bincount(graphs.edge_target, minlength=n_atoms)
    order = np.argsort(graphs.edge_target, kind="stable")
    starts = np.cumsum(degree) - degree
    table = np.full((n_atoms, max(1, int(degree.max(initial=0)))), -1, dtype=np.int64)
    target = graphs.edge_target[order]
    table[target, np.arange(len(order)) - starts[target]] = order
    return table


def _sorted_classes(edges: IntArray, edge_class: IntArray) -> IntArray:
    """Classes of padded edge lists, sorted so that equal multisets are equal rows."""
    classes = np.append(edge_class, -1)[edges]  # edge -1 reads the appended -1
    return -np.sort(-classes, axis=1)


def _classes(columns: list[IntArray]) -> tuple[IntArray, IntArray]:
    """Number the distinct rows of some columns of integers >= -1.

    Returns
    -------
    representative : (n_classes,) a row of each class
    row_class : (n_rows,)
    """
    key = columns[0].astype(np.int64)
    used_bits = _bits(key)
    for column in columns[1:]:
        bits = _bits(column)
        if used_bits + bits > _KEY_BITS:
            _, key = np.unique(key, return_inverse=True)
            used_bits = _bits(key)
        key = (key << bits) + (column + 1)
        used_bits += bits
    _, representative, row_class = np.unique(key, return_index=True, return_inverse=True)
    return representative, row_class


def _bits(column: IntArray) -> int:
    return int(column.max(initial=0) + 1).bit_length()


def plan_batch(environments: Environments, molecules: IntArray) -> BatchPlan:
    """Keep only the classes that some molecules need."""
    starts, ends = environments.atom_offsets[molecules], environments.atom_offsets[molecules + 1]
    atoms = _ranges(starts, ends)
    atom_classes, atom_rows = np.unique(environments.atom_class[atoms], return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])
    wanted, atom_children = _restrict(environments.atom_children[atom_classes])
    steps = []
    for level in reversed(environments.levels):
        first = level.first[wanted]
        wanted, children = _restrict(level.children[wanted])
        steps.append((first, children))
    if steps:  # level 0 is small and kept whole; so the first step's bags name its rows directly
        first, children = steps[-1]
        steps[-1] = (first, Bags(wanted[children.rows], children.offsets))
    else:
        atom_children = Bags(wanted[atom_children.rows], atom_children.offsets)
    return BatchPlan(
        environments.edge_inputs,
        tuple(reversed(steps)),
        environments.atom_inputs[atom_classes],
        atom_children,
        Bags(atom_rows, offsets),
    )


def _ranges(starts: IntArray, ends: IntArray) -> IntArray:
    """The numbers of all ranges, concatenated."""
    lengths = ends - starts
    shift = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(int(lengths.sum())) + shift


def _restrict(children: IntArray) -> tuple[IntArray, Bags]:
    """Distinct classes named in a padded table, and the table as bags of rows of those."""
    present = children >= 0
    wanted, rows = np.unique(children[present], return_inverse=True)
    return wanted, Bags(rows, np.concatenate([[0], np.cumsum(present.sum(axis=1))]))
