"""Batches filled up to a few fixed shapes, so that compiled code meets every shape again.

Rows that only fill up belong to a molecule, event or choice that is not real: the last one, which a shape always has to
spare. They take part in the arithmetic, and no real row and no loss ever sees them: sums that would meet them are
masked, and losses count real rows alone. So a padded batch has the losses of the batch, to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from heliosc.generation.jtvae.arrays import COLUMNS, SPACES, IntArray, RowReader
from heliosc.generation.jtvae.batch import IGNORED, Batch, Level, make_batch, size_sorted_batches

_POINT_TO_SPARE = {
    "pair_event": "events",
    "port_event": "events",
    "site_event": "events",
    "port_choice": "port_choices",
    "site_choice": "site_choices",
    "target": "atoms",
}
"""Columns whose filling refers to the spare row of a space; that of all others is 0."""
_SPARE = ("events", "port_choices", "site_choices", "atoms")
N_SIMULATED = 400
"""Batches from which shapes are planned."""
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class BatchShape:
    """Rows that a padded batch has.

    Attributes
    ----------
    rows : space -> rows
    n_molecules, longest, n_made : as of a batch
    levels : (n_levels,) nodes of each level
    """

    rows: Mapping[str, int]
    n_molecules: int
    longest: int
    n_made: int
    levels: tuple[int, ...]

    @classmethod
    def of(cls, batch: Batch) -> BatchShape:
        """The least shape that holds a batch and its spare rows."""
        rows = {space: len(batch.molecule[space]) + (space in _SPARE) for space in SPACES}
        widths = (batch.n_molecules + 1, *(len(level.nodes) for level in batch.levels[1:]))
        return cls(rows | {"nodes": max(rows["nodes"], 2)}, widths[0], batch.longest, len(batch.made), widths)

    def holds(self, other: BatchShape) -> bool:
        """Whether this shape is nowhere smaller."""
        return (
            all(self.rows[space] >= other.rows[space] for space in SPACES)
            and self.n_molecules >= other.n_molecules
            and self.longest >= other.longest
            and self.n_made >= other.n_made
            and len(self.levels) >= len(other.levels)
            and all(mine >= its for mine, its in zip(self.levels, other.levels, strict=False))
        )


def plan_shapes(
    reader: RowReader, sizes: IntArray, *, batch_size: int, n_shapes: int, generator: np.random.Generator
) -> tuple[BatchShape, ...]:
    """Few shapes, small ones first, for the batches of molecules of these sizes.

    Batches are drawn as in training and divided by size into ``n_shapes`` groups; the shape of a group holds all of it,
    with a little room.

    Parameters
    ----------
    sizes : (n_molecules,) nodes of each tree
    """
    drawn = size_sorted_batches(sizes, batch_size=batch_size, generator=generator)[:N_SIMULATED]
    needed = [BatchShape.of(make_batch(reader, indices, device=_CPU)) for indices in drawn]
    needed.sort(key=lambda shape: shape.rows["nodes"])
    groups = np.array_split(np.arange(len(needed)), min(n_shapes, len(needed)))
    return tuple(_with_room([needed[i] for i in group], n_molecules=batch_size + 1) for group in groups)


def _with_room(shapes: Sequence[BatchShape], *, n_molecules: int) -> BatchShape:
    depth = max(len(shape.levels) for shape in shapes)
    widths = [max(shape.levels[level] for shape in shapes if len(shape.levels) > level) for level in range(1, depth)]
    return BatchShape(
        {space: _room(max(shape.rows[space] for shape in shapes), step=32) for space in SPACES},
        n_molecules,
        _room(max(shape.longest for shape in shapes), step=4),
        _room(max(shape.n_made for shape in shapes), step=32),
        (n_molecules, *(_room(width, step=16) for width in widths)),
    )


def _room(n: int, *, step: int) -> int:
    """A little more, in whole steps."""
    return -(-int(n * 1.05) // step) * step


def choose_shape(batch: Batch, shapes: Sequence[BatchShape]) -> BatchShape | None:
    """The first shape that holds a batch, None if none does."""
    needed = BatchShape.of(batch)
    return next((shape for shape in shapes if shape.holds(needed)), None)


def pad(batch: Batch, shape: BatchShape) -> Batch:
    """The batch filled up to a shape that holds it."""
    molecule = {
        space: _filled(index, shape.rows[space], shape.n_molecules - 1) for space, index in batch.molecule.items()
    }
    columns = {
        name: _filled(column, shape.rows[COLUMNS[name][0]], _filling(name, shape))
        for name, column in batch.columns.items()
    }
    n_events = len(batch.molecule["events"])
    real = {
        "molecules": _first(batch.n_molecules, of=shape.n_molecules),
        "events": _first(n_events, of=shape.rows["events"]).float(),
        **{s: _first(len(batch.molecule[s]), of=shape.rows[s]) for s in ("port_choices", "site_choices")},
    }
    return Batch(
        columns=columns,
        molecule=molecule,
        n_molecules=shape.n_molecules,
        levels=_padded_levels(batch.levels, shape),
        place=_filled(_places(batch, shape), shape.rows["nodes"], 0),
        steps=_filled(batch.steps, shape.rows["nodes"], 0),
        longest=shape.longest,
        made=_filled(batch.made, shape.n_made, shape.rows["events"] - 1),
        made_words=_filled(batch.made_words, shape.n_made, IGNORED),
        root_words=_filled(batch.root_words, shape.n_molecules, IGNORED),
        real=real,
    )


def _filling(column: str, shape: BatchShape) -> int:
    space = _POINT_TO_SPARE.get(column)
    return 0 if space is None else shape.rows[space] - 1


def _filled(values: Tensor, n: int, filling: int) -> Tensor:
    return functional.pad(values, (0, n - len(values)), value=filling)


def _first(n: int, *, of: int) -> Tensor:
    return torch.arange(of) < n


def _padded_levels(levels: tuple[Level, ...], shape: BatchShape) -> tuple[Level, ...]:
    """Filling nodes are copies of node 0 whose messages are masked; levels below the deepest hold nothing else."""
    nothing = torch.zeros(0, dtype=torch.int64)
    given = [*levels, *[Level(nothing, nothing)] * (len(shape.levels) - len(levels))]
    return tuple(
        Level(
            _filled(level.nodes, width, 0),
            _filled(level.parents, width, 0),
            _first(len(level.nodes), of=width).float().unsqueeze(1),
        )
        for level, width in zip(given, shape.levels, strict=True)
    )


def _places(batch: Batch, shape: BatchShape) -> Tensor:
    """Where each node stands once all levels above are filled up."""
    real = torch.tensor([len(level.nodes) for level in batch.levels])
    full = torch.tensor(shape.levels[: len(real)])
    shift = (full - real).cumsum(0) - (full - real)
    return batch.place + shift[batch["depth"]]
