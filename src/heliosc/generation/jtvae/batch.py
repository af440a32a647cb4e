"""Batches of prepared molecules as tensors, with the level order of their trees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from heliosc.generation.jtvae.arrays import IntArray, RowReader

IGNORED = -100
"""A word that is not to be guessed: torch's own mark for a class that a cross entropy leaves out."""


@dataclass(frozen=True, slots=True)
class Level:
    """Nodes of one depth of all trees of a batch.

    Attributes
    ----------
    nodes : (n_level,) rows of the nodes
    parents : (n_level,) position of each node's parent within the level above
    real : (n_level, 1) 0 for rows that only fill up a shape, 1 for the others; None = there are no such rows
    """

    nodes: Tensor
    parents: Tensor
    real: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of some molecules; column names as in ``arrays``.

    Attributes
    ----------
    columns : name -> int64 tensor
    molecule : space -> (n_rows,) batch index of each row
    n_molecules : rows of a latent batch
    levels : from the roots down
    place : (n_nodes,) where each node stands in the levels one after the other
    steps : (n_nodes,) depth-first position of each node within its molecule
    longest : nodes of the largest tree
    made : (n_made,) events that make a node
    made_words : (n_made,) the word of the node made
    root_words : (n_molecules,)
    real : in a padded batch which rows of molecules, events and choices are real (see ``padding``), else None
    """

    columns: dict[str, Tensor]
    molecule: dict[str, Tensor]
    n_molecules: int
    levels: tuple[Level, ...]
    place: Tensor
    steps: Tensor
    longest: int
    made: Tensor
    made_words: Tensor
    root_words: Tensor
    real: dict[str, Tensor] | None = None

    def __getitem__(self, name: str) -> Tensor:
        return self.columns[name]

    def is_real(self, space: str) -> Tensor | None:
        """Rows that are not there to fill up a shape, None = all."""
        return None if self.real is None else self.real[space]

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        def all_moved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.to(device) for name, tensor in tensors.items()}

        return replace(
            self,
            columns=all_moved(self.columns),
            molecule=all_moved(self.molecule),
            levels=tuple(Level(x.nodes.to(device), x.parents.to(device), moved(x.real)) for x in self.levels),
            place=self.place.to(device),
            steps=self.steps.to(device),
            made=self.made.to(device),
            made_words=self.made_words.to(device),
            root_words=self.root_words.to(device),
            real=None if self.real is None else all_moved(self.real),
        )


def make_batch(reader: RowReader, indices: Sequence[int] | IntArray, *, device: torch.device) -> Batch:
    """Collect molecules into a batch."""
    rows = reader.take(indices)
    columns = rows.columns
    node_counts = rows.sizes["nodes"]
    first = np.cumsum(node_counts) - node_counts
    steps = np.arange(int(node_counts.sum())) - first[rows.molecule["nodes"]]
    levels = list(_levels(columns["depth"], columns["parent"]))
    order = np.concatenate([nodes for nodes, _ in levels])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    made = np.flatnonzero(columns["expands"])

    def tensor(values: IntArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))

    return Batch(
        columns={name: tensor(values) for name, values in columns.items()},
        molecule={space: tensor(values) for space, values in rows.molecule.items()},
        n_molecules=len(node_counts),
        levels=tuple(Level(tensor(nodes), tensor(parents)) for nodes, parents in levels),
        place=tensor(place),
        steps=tensor(steps),
        longest=int(node_counts.max()),
        made=tensor(made),
        made_words=tensor(columns["word"][columns["last"][made] + 1]),
        root_words=tensor(columns["word"][levels[0][0]]),
    ).to(device)


def _levels(depth: IntArray, parent: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    order = np.argsort(depth, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(depth))])
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    for level, (start, end) in enumerate(pairwise(bounds)):
        nodes = order[start:end]
        above = position[parent[nodes]] - (bounds[level - 1] if level else 0)
        yield nodes, above


def size_sorted_batches(
    sizes: IntArray, *, batch_size: int, generator: np.random.Generator, indices: IntArray | None = None
) -> list[IntArray]:
    """Shuffled batches of molecules of similar size, in random order.

    Parameters
    ----------
    sizes : (n_molecules,) nodes of each tree
    indices : molecules to use, repeats allowed; all once by default
    """
    chosen = generator.permutation(np.arange(len(sizes)) if indices is None else indices)
    window = batch_size * 16
    batches: list[IntArray] = []
    for start in range(0, len(chosen), window):
        part = chosen[start : start + window]
        part = part[np.argsort(sizes[part], kind="stable")]
        batches.extend(part[i : i + batch_size] for i in range(0, len(part), batch_size))
    return [batches[i] for i in generator.permutation(len(batches))]
