"""Batches of prepared molecules as tensors, with the level order of their trees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from heliosc.generation.jtvae.arrays import IntArray, RowReader


@dataclass(frozen=True, slots=True)
class Level:
    """Nodes of one depth of all trees of a batch.

    Attributes
    ----------
    nodes : (n_level,) rows of the nodes
    parents : (n_level,) position of each node's parent within the level above
    """

    nodes: Tensor
    parents: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of some molecules; column names as in ``arrays``.

    Attributes
    ----------
    columns : name -> int64 tensor
    molecule : space -> (n_rows,) batch index of each row
    n_molecules : rows of a latent batch
    levels : from the roots down
    steps : (n_nodes,) depth-first position of each node within its molecule
    longest : nodes of the largest tree
    """

    columns: dict[str, Tensor]
    molecule: dict[str, Tensor]
    n_molecules: int
    levels: tuple[Level, ...]
    steps: Tensor
    longest: int

    def __getitem__(self, name: str) -> Tensor:
        return self.columns[name]


def make_batch(reader: RowReader, indices: Sequence[int] | IntArray, *, device: torch.device) -> Batch:
    """Collect molecules into a batch."""
    rows = reader.take(indices)
    node_counts = rows.sizes["nodes"]
    first = np.cumsum(node_counts) - node_counts
    steps = np.arange(int(node_counts.sum())) - first[rows.molecule["nodes"]]

    def tensor(values: IntArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    return Batch(
        columns={name: tensor(values) for name, values in rows.columns.items()},
        molecule={space: tensor(values) for space, values in rows.molecule.items()},
        n_molecules=len(node_counts),
        levels=tuple(Level(tensor(n), tensor(p)) for n, p in _levels(rows.columns["depth"], rows.columns["parent"])),
        steps=tensor(steps),
        longest=int(node_counts.max()),
    )


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
