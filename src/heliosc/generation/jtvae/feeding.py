"""What the network is fed with: a batch, its chance and its targets, or one process's share of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from heliosc.generation.jtvae.arrays import IntArray, PreparedSet, RowReader
from heliosc.generation.jtvae.batch import Batch, make_batch
from heliosc.generation.jtvae.config import TrainingConfig
from heliosc.generation.jtvae.losses import Draw
from heliosc.generation.jtvae.padding import BatchShape, choose_shape, pad

FloatArray = NDArray[np.float64]

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What the network learns from.

    Attributes
    ----------
    prepared : molecules
    targets : (n_molecules, n_properties) standardised, NaN = unknown
    target_weights : (n_properties,)
    sampling_weights : (n_molecules,) chance of being drawn, or None for each once an epoch
    practice : further molecules, of which every epoch draws as many as there are molecules
    """

    prepared: PreparedSet
    targets: FloatArray
    target_weights: FloatArray
    sampling_weights: FloatArray | None = None
    practice: PreparedSet | None = None

    def with_practice(self) -> tuple[PreparedSet, FloatArray]:
        """All molecules, the practice behind the others, and their targets."""
        if self.practice is None:
            return self.prepared, self.targets
        unknown = np.full((len(self.practice), self.targets.shape[1]), np.nan)
        return self.prepared.joined(self.practice), np.vstack([self.targets, unknown])

    def draw(self, chance: np.random.Generator) -> IntArray:
        """Rows of one epoch, of all molecules."""
        n = len(self.prepared)
        drawn = np.arange(n)
        if self.sampling_weights is not None:
            drawn = chance.choice(n, size=n, p=self.sampling_weights / self.sampling_weights.sum())
        if self.practice is None:
            return drawn
        return np.concatenate([drawn, n + chance.permutation(len(self.practice))[:n]])


class Feed(NamedTuple):
    """Input of ``TrainingLosses``.

    Attributes
    ----------
    batch, draw, targets : as of its ``forward``
    weight : 1; 0 for a process that has no molecule of the batch, and only takes part in averaging gradients
    """

    batch: Batch
    draw: Draw
    targets: Tensor
    weight: float = 1.0

    def inputs(self, device: torch.device) -> tuple[Batch, Draw, Tensor]:
        """Arguments of the losses."""
        draw = Draw(*(part.to(device) for part in self.draw))
        return self.batch.to(device), draw, self.targets.to(device)


class Feeder:
    """Makes the input of one process from the molecules of a batch.

    Parameters
    ----------
    molecules, targets : of ``TrainingSet.with_practice``
    latent : width of z
    rank, n_processes : this process takes every ``n_processes``-th molecule from ``rank`` on
    shapes : fill batches up to the first of these that holds them; () = leave them as they are
    """

    def __init__(
        self,
        molecules: PreparedSet,
        targets: FloatArray,
        *,
        config: TrainingConfig,
        latent: int,
        rank: int,
        n_processes: int,
        shapes: Sequence[BatchShape],
    ) -> None:
        self._reader, self._node_counts = RowReader(molecules), molecules.sizes["nodes"]
        self._targets = torch.from_numpy(targets).float()
        self._config, self._latent = config, latent
        self._rank, self._n_processes, self._shapes = rank, n_processes, tuple(shapes)

    def feed(self, indices: IntArray, noise: torch.Generator) -> Feed:
        """This process's share of a batch, on the CPU.

        All chance is drawn for the whole batch, so it does not depend on the number of processes.
        """
        targets = self._targets[torch.from_numpy(indices)]
        draw = self._draw(indices, ~torch.isnan(targets), noise)
        weight = 1.0
        if self._n_processes > 1:
            mine = np.arange(self._rank, len(indices), self._n_processes)
            if not len(mine):
                mine, weight = np.zeros(1, dtype=np.int64), 0.0
            draw = self._share(draw, indices, mine)
            indices, targets = indices[mine], targets[torch.from_numpy(mine)]
        feed = Feed(make_batch(self._reader, indices, device=_CPU), draw, targets, weight)
        shape = choose_shape(feed.batch, self._shapes) if self._shapes else None
        return feed if shape is None else filled_up(feed, shape)

    def _draw(self, indices: IntArray, known: Tensor, noise: torch.Generator) -> Draw:
        drop = self._config.condition_dropout
        standard = torch.randn(len(indices), self._latent, generator=noise)
        any_shown = torch.rand(len(indices), 1, generator=noise) >= drop
        each_shown = torch.rand(known.shape, generator=noise) >= drop
        n_nodes = int(self._node_counts[indices].sum())
        hidden = torch.rand(n_nodes, generator=noise) < self._config.word_dropout
        return Draw(standard, known & any_shown & each_shown, hidden)

    def _share(self, draw: Draw, indices: IntArray, mine: IntArray) -> Draw:
        is_mine = np.zeros(len(indices), dtype=bool)
        is_mine[mine] = True
        nodes = torch.from_numpy(np.repeat(is_mine, self._node_counts[indices]))
        return Draw(draw.noise[mine], draw.shown[mine], draw.hidden[nodes])


def filled_up(feed: Feed, shape: BatchShape) -> Feed:
    """Input of a shape that holds it; what fills up has no noise and no known property."""
    n = shape.n_molecules - feed.batch.n_molecules
    draw = Draw(
        functional.pad(feed.draw.noise, (0, 0, 0, n)),
        functional.pad(feed.draw.shown, (0, 0, 0, n)),
        functional.pad(feed.draw.hidden, (0, shape.rows["nodes"] - len(feed.draw.hidden))),
    )
    targets = functional.pad(feed.targets, (0, 0, 0, n), value=torch.nan)
    return Feed(pad(feed.batch, shape), draw, targets, feed.weight)
