"""Training: teacher forcing with KL annealing, masked property heads, conditions dropped at random, exact resume.

All chance of an epoch comes from ``(seed, epoch)``, so a run that goes on from the checkpoint of an epoch gives the
same weights as one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliosc.generation.jtvae.arrays import PreparedSet, RowReader
from heliosc.generation.jtvae.batch import Batch, make_batch, size_sorted_batches
from heliosc.generation.jtvae.checkpoint import load_checkpoint, save_checkpoint
from heliosc.generation.jtvae.config import TrainingConfig
from heliosc.generation.jtvae.network import Network

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What the network learns from.

    Attributes
    ----------
    prepared : molecules
    targets : (n_molecules, n_properties) standardised, NaN = unknown
    target_weights : (n_properties,)
    sampling_weights : (n_molecules,) chance of being drawn, or None for each once an epoch
    """

    prepared: PreparedSet
    targets: FloatArray
    target_weights: FloatArray
    sampling_weights: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What an epoch did; losses are means per molecule, nats."""

    epoch: int
    n_epochs: int
    reconstruction: float
    topology: float
    word: float
    port: float
    site: float
    kl: float
    property_error: float
    molecules_per_s: float


Progress = Callable[[EpochReport], None]


@dataclass
class _Totals:
    sums: dict[str, float] = field(default_factory=dict)
    n: int = 0

    def add(self, n: int, **values: Tensor) -> None:
        self.n += n
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())

    def report(self, epoch: int, n_epochs: int, seconds: float) -> EpochReport:
        means = {name: value / max(self.n, 1) for name, value in self.sums.items()}
        parts = ("topology", "word", "port", "site")
        return EpochReport(
            epoch, n_epochs, reconstruction=sum(means[p] for p in parts), molecules_per_s=self.n / seconds, **means
        )


class Trainer:
    """Trains one network on one set.

    Parameters
    ----------
    is_fine_tuning : constant learning rate and full ``beta`` from the first step
    """

    def __init__(
        self,
        network: Network,
        data: TrainingSet,
        *,
        config: TrainingConfig,
        seed: int,
        is_fine_tuning: bool = False,
    ) -> None:
        self._network, self._data, self._config, self._seed = network, data, config, seed
        self._is_fine_tuning = is_fine_tuning
        self._device = network.tables.words.weight.device
        self._reader = RowReader(data.prepared)
        self._targets = torch.from_numpy(data.targets).float().to(self._device)
        self._target_weights = torch.from_numpy(data.target_weights).float().to(self._device)
        self._optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)

    def run(
        self, *, progress: Progress | None = None, checkpoint: Path | None = None, identity: str = ""
    ) -> list[EpochReport]:
        """Train all epochs that a checkpoint does not already hold.

        Parameters
        ----------
        checkpoint : file to resume from and to write after each epoch
        identity : a hash of everything that the result depends on; a checkpoint of another run is refused

        Raises
        ------
        InputError : the checkpoint is damaged or belongs to another run
        """
        first = 0
        if checkpoint is not None and checkpoint.exists():
            first = load_checkpoint(checkpoint, self._network, self._optimizer, identity=identity)
        reports = []
        self._network.train()
        for epoch in range(first, self._config.epochs):
            report = self._run_epoch(epoch)
            if checkpoint is not None:
                save_checkpoint(checkpoint, self._network, self._optimizer, identity=identity, epoch=epoch + 1)
            reports.append(report)
            if progress is not None:
                progress(report)
        self._network.eval()
        return reports

    def _run_epoch(self, epoch: int) -> EpochReport:
        config = self._config
        chance = np.random.default_rng([self._seed, epoch])
        noise = torch.Generator().manual_seed(int(chance.integers(2**62)))
        sizes = self._data.prepared.sizes["nodes"]
        drawn = None
        if self._data.sampling_weights is not None:
            shares = self._data.sampling_weights / self._data.sampling_weights.sum()
            drawn = chance.choice(len(sizes), size=len(sizes), p=shares)
        batches = size_sorted_batches(sizes, batch_size=config.batch_size, generator=chance, indices=drawn)
        totals, start = _Totals(), time.perf_counter()
        for number, indices in enumerate(batches):
            done = (epoch + number / len(batches)) / config.epochs
            self._set_rate(done)
            batch = make_batch(self._reader, indices, device=self._device)
            self._step(batch, torch.from_numpy(indices), beta=self._beta(done), noise=noise, totals=totals)
        return totals.report(epoch + 1, config.epochs, time.perf_counter() - start)

    def _set_rate(self, done: float) -> None:
        factor = 1.0
        if not self._is_fine_tuning:
            warm = min(1.0, (done * self._config.epochs + 0.02))
            factor = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * factor

    def _beta(self, done: float) -> float:
        warm_up = self._config.warm_up
        rise = 1.0 if self._is_fine_tuning or warm_up == 0 else min(1.0, done / warm_up)
        return self._config.beta * rise

    def _step(self, batch: Batch, indices: Tensor, *, beta: float, noise: torch.Generator, totals: _Totals) -> None:
        network, config = self._network, self._config
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=config.amp):
            loss = self._loss(batch, indices, beta=beta, noise=noise, totals=totals)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm, error_if_nonfinite=True)
        self._optimizer.step()

    def _loss(self, batch: Batch, indices: Tensor, *, beta: float, noise: torch.Generator, totals: _Totals) -> Tensor:
        network, config = self._network, self._config
        posterior = network.encode(batch)
        z = posterior.sample(torch.randn(posterior.mean.shape, generator=noise).to(self._device))
        targets = self._targets[indices.to(self._device)]
        known = ~torch.isnan(targets)
        shown = known & self._keep_conditions(known.shape, noise)
        hidden = torch.rand(len(batch["word"]), generator=noise).to(self._device) < config.word_dropout
        losses = network.decode_losses(network.condition(z, targets, shown), batch, hidden_words=hidden)
        errors = torch.where(known, network.predict(z).float() - torch.nan_to_num(targets), torch.zeros_like(targets))
        property_error = ((errors**2) * self._target_weights).sum()
        kl = posterior.kl().sum()
        parts = {name: getattr(losses, name) for name in ("topology", "word", "port", "site")}
        totals.add(batch.n_molecules, kl=kl, property_error=property_error, **parts)
        return (losses.total() + beta * kl + config.property_weight * property_error) / batch.n_molecules

    def _keep_conditions(self, shape: torch.Size, noise: torch.Generator) -> Tensor:
        drop = self._config.condition_dropout
        any_shown = torch.rand(shape[0], 1, generator=noise) >= drop
        each_shown = torch.rand(shape, generator=noise) >= drop
        return (any_shown & each_shown).to(self._device)
