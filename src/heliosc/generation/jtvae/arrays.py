"""Prepared molecules as flat integer arrays, and their batches.

Layout, version 2. Each column belongs to a *space* (a kind of row) and may hold row numbers of another space, counted
from the molecule's own first row. ``sizes[space]`` gives the rows of each molecule, so molecule ``m`` owns the rows
``sum(sizes[:m]) .. sum(sizes[:m + 1])``. A batch is the same rows side by side with row numbers shifted.

============== ================ =======================================================================================
space          column           meaning
============== ================ =======================================================================================
nodes          word             word number; nodes stand in depth-first order
nodes          parent           -> nodes; the root is its own parent
nodes          port             1 + flat port number that is put onto the parent; 0 for the root
nodes          site             1 + flat site number of the parent that takes it; 0 for the root
nodes          depth            0 for the root
events         last             -> nodes; the node made last when the decision is taken
events         current          -> nodes; the node that may get another child
events         expands          1: node ``last + 1`` is made as a child of ``current``; 0: ``current`` is finished
pairs          pair_event       -> events
pairs          pair_child       -> nodes; a child that ``current`` already has
port_choices   port_event       -> events; an expansion with more than one legal port
port_options   port_choice      -> port_choices
port_options   port_option      1 + flat port number
port_options   port_taken       1 for the port of the molecule
site_choices   site_event       -> events; an expansion with more than one legal site
site_options   site_choice      -> site_choices
site_options   site_option      1 + flat site number of ``current``
site_options   site_free        free valence of the site's first atom, at most 4
site_options   site_taken       1 for the site of the molecule
atoms          element, charge, hydrogens, pi, rings: see ``ATOM_FEATURES``
edges          source, target   -> atoms; directed bonds, edge ``e`` and ``e ^ 1`` are the two directions of one bond
edges          bond             order code, plus 4 in a ring
============== ================ =======================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.generation.jtvae.flat_files import LineFile

LAYOUT_VERSION = 2

IntArray = NDArray[np.int64]

COLUMNS: dict[str, tuple[str, str | None]] = {
    "word": ("nodes", None),
    "parent": ("nodes", "nodes"),
    "port": ("nodes", None),
    "site": ("nodes", None),
    "depth": ("nodes", None),
    "last": ("events", "nodes"),
    "current": ("events", "nodes"),
    "expands": ("events", None),
    "pair_event": ("pairs", "events"),
    "pair_child": ("pairs", "nodes"),
    "port_event": ("port_choices", "events"),
    "port_choice": ("port_options", "port_choices"),
    "port_option": ("port_options", None),
    "port_taken": ("port_options", None),
    "site_event": ("site_choices", "events"),
    "site_choice": ("site_options", "site_choices"),
    "site_option": ("site_options", None),
    "site_free": ("site_options", None),
    "site_taken": ("site_options", None),
    "element": ("atoms", None),
    "charge": ("atoms", None),
    "hydrogens": ("atoms", None),
    "pi": ("atoms", None),
    "rings": ("atoms", None),
    "source": ("edges", "atoms"),
    "target": ("edges", "atoms"),
    "bond": ("edges", None),
}
"""Column -> its space, and the space whose rows it numbers."""

ATOM_FEATURES: dict[str, int] = {"element": 120, "charge": 9, "hydrogens": 5, "pi": 3, "rings": 4}
"""Atom column -> number of classes. ``charge`` is shifted by 4, ``pi`` by 1; ``rings`` counts to 3."""

SPACES: tuple[str, ...] = tuple(dict.fromkeys(space for space, _ in COLUMNS.values()))


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """Many molecules.

    Attributes
    ----------
    smiles : (n_molecules,) canonical constitution
    columns : name -> flat values
    sizes : space -> (n_molecules,) rows of each molecule
    folder : where it is mapped from, if it is; another process that is sent the set maps it itself
    """

    smiles: Sequence[str]
    columns: Mapping[str, NDArray[np.int32]]
    sizes: Mapping[str, IntArray]
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.smiles)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if self.folder is None:
            return PreparedSet, (self.smiles, self.columns, self.sizes)
        return PreparedSet.mapped, (self.folder, len(self))

    @classmethod
    def mapped(cls, folder: Path, n: int | None = None) -> PreparedSet:
        """The set in a prepared folder, or its first ``n`` molecules, memory-mapped; see ``preparation``.

        Raises
        ------
        OSError, ValueError : files are absent or damaged
        """
        sizes = {space: np.load(folder / "sizes" / f"{space}.npy", mmap_mode="r")[:n] for space in SPACES}
        n_rows = {space: int(of_each.sum()) for space, of_each in sizes.items()}
        columns = {
            name: np.load(folder / "columns" / f"{name}.npy", mmap_mode="r")[: n_rows[space]]
            for name, (space, _) in COLUMNS.items()
        }
        smiles = LineFile(folder / "smiles.txt", folder / "smiles_starts.npy", n)
        return cls(smiles, columns, sizes, folder.absolute())

    @classmethod
    def stack(cls, smiles: Sequence[str], molecules: Sequence[Mapping[str, Sequence[int]]]) -> PreparedSet:
        """Lay molecules, each a mapping of column to values, side by side."""
        columns = {
            name: np.fromiter((value for molecule in molecules for value in molecule[name]), dtype=np.int32)
            for name in COLUMNS
        }
        first_of = {space: next(n for n, (s, _) in COLUMNS.items() if s == space) for space in SPACES}
        sizes = {
            space: np.asarray([len(molecule[first_of[space]]) for molecule in molecules], dtype=np.int64)
            for space in SPACES
        }
        return cls(tuple(smiles), columns, sizes)

    def joined(self, other: PreparedSet) -> PreparedSet:
        """These molecules, then the others."""
        columns = {name: np.concatenate([values, other.columns[name]]) for name, values in self.columns.items()}
        sizes = {space: np.concatenate([rows, other.sizes[space]]) for space, rows in self.sizes.items()}
        return PreparedSet((*self.smiles, *other.smiles), columns, sizes)

    def starts(self, space: str) -> IntArray:
        """(n_molecules,) first row of each molecule."""
        return np.concatenate([[0], np.cumsum(self.sizes[space])[:-1]]) if len(self) else np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some molecules side by side.

    Attributes
    ----------
    columns : name -> values, row numbers counted within the batch
    sizes : space -> (n_batch,)
    molecule : space -> (n_rows,) batch index of each row
    """

    columns: Mapping[str, IntArray]
    sizes: Mapping[str, IntArray]
    molecule: Mapping[str, IntArray]


class RowReader:
    """Takes batches out of a prepared set."""

    def __init__(self, prepared: PreparedSet) -> None:
        self._prepared = prepared
        self._starts = {space: prepared.starts(space) for space in SPACES}

    def take(self, indices: Sequence[int] | IntArray) -> Rows:
        """The rows of some molecules, in the order given."""
        chosen = np.asarray(indices, dtype=np.int64)
        sizes = {space: self._prepared.sizes[space][chosen] for space in SPACES}
        shifts = {space: np.cumsum(size) - size for space, size in sizes.items()}
        molecule = {space: np.repeat(np.arange(len(chosen)), size) for space, size in sizes.items()}
        rows = {
            space: np.arange(len(molecule[space])) + (self._starts[space][chosen] - shifts[space])[molecule[space]]
            for space in SPACES
        }
        columns = {}
        for name, (space, refers_to) in COLUMNS.items():
            values = self._prepared.columns[name][rows[space]].astype(np.int64)
            columns[name] = values + shifts[refers_to][molecule[space]] if refers_to else values
        return Rows(columns, sizes, molecule)
