"""Training: teacher forcing with KL annealing, masked property heads, conditions dropped at random, exact resume.

All chance of an epoch comes from ``(seed, epoch)``, so a run that goes on from the checkpoint of an epoch gives the
same weights as one that was never interrupted. Several devices share every batch and add up their gradients; all chance
is drawn for the whole batch, so how many there are changes no more than rounding.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError
from heliosc.generation.jtvae.arrays import IntArray, RowReader
from heliosc.generation.jtvae.batch import size_sorted_batches
from heliosc.generation.jtvae.checkpoint import load_checkpoint, save_checkpoint
from heliosc.generation.jtvae.config import Compute, TrainingConfig
from heliosc.generation.jtvae.feeding import Feeder, TrainingSet
from heliosc.generation.jtvae.losses import LossSums, TrainingLosses, wants_same_shapes
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.padding import BatchShape, plan_shapes
from heliosc.training.fabric import launch, make_fabric

if TYPE_CHECKING:
    from lightning.fabric import Fabric

N_SHAPES = 4
"""Shapes that compiled code is made for; each costs its own compilation."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What an epoch did; losses are means per molecule, nats; the learning rate is that of the last batch."""

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
    learning_rate: float


Progress = Callable[[EpochReport], None]


@dataclass(slots=True)
class _Part:
    """One process's part of a training.

    Attributes
    ----------
    forward : the losses, as Fabric wraps them
    totals : (n_losses,) sums over the molecules of the epoch so far
    """

    fabric: Fabric
    network: Network
    optimizer: Any
    forward: Any
    feeder: Feeder
    totals: torch.Tensor


class Trainer:
    """Trains one network on one set.

    Parameters
    ----------
    network : trained in place, on the device where it is
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
        compute: Compute | None = None,
    ) -> None:
        self._network, self._data, self._config, self._seed = network, data, config, seed
        self._is_fine_tuning, self._compute = is_fine_tuning, compute or Compute()
        self._molecules, self._targets = data.with_practice()
        self._checkpoint: Path | None = None
        self._identity = ""

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
        InputError : the checkpoint is damaged or belongs to another run, or one device is named where several share
        ResourceError : too few devices
        ConvergenceError : the gradient is no longer finite
        """
        self._checkpoint, self._identity = checkpoint, identity
        device = self._network.tables.words.weight.device
        has_single_words = bool((self._molecules.sizes["nodes"] == 1).any())  # whose trees send no messages
        fabric = make_fabric(device=device, devices=self._compute.devices, may_skip_parameters=has_single_words)
        if fabric.world_size > 1:
            self._network.cpu()  # the other processes get a copy
        reports, state = launch(self, fabric, progress)
        if state is not None:
            self._network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        self._network.to(device).eval()
        return reports

    def fit(self, fabric: Fabric, report: Progress) -> tuple[list[EpochReport], dict[str, NDArray] | None]:
        """This process's part of the training; reports, and the weights unless they are trained in place."""
        # other processes share the memory of what they are sent, and compiled parts stay compiled: both get a copy
        is_in_place = fabric.world_size == 1 and self._compute.compile_mode is None
        network = self._network if is_in_place else copy.deepcopy(self._network)
        optimizer = torch.optim.Adam(network.to(fabric.device).parameters(), lr=self._config.learning_rate)
        first = 0
        if self._checkpoint is not None and self._checkpoint.exists():
            first = load_checkpoint(self._checkpoint, network, optimizer, identity=self._identity)
        part = self._part(network, optimizer, fabric)
        network.train()
        reports = []
        for epoch in range(first, self._config.epochs):
            reports.append(self._run_epoch(epoch, part))
            if self._checkpoint is not None and fabric.is_global_zero:
                save_checkpoint(self._checkpoint, network, optimizer, identity=self._identity, epoch=epoch + 1)
            report(reports[-1])
        # plain arrays: tensors would lie in memory shared with a process that ends now
        weights = {name: value.cpu().numpy() for name, value in network.state_dict().items()}
        return reports, None if is_in_place else weights

    def _part(self, network: Network, optimizer: torch.optim.Optimizer, fabric: Fabric) -> _Part:
        losses = TrainingLosses(
            network,
            target_weights=torch.from_numpy(self._data.target_weights).float().to(fabric.device),
            free_bits=self._config.free_bits,
            amp=self._config.amp,
            compile_mode=self._compute.compile_mode,
        )
        feeder = Feeder(
            self._molecules,
            self._targets,
            config=self._config,
            latent=network.config.latent,
            rank=fabric.global_rank,
            n_processes=fabric.world_size,
            shapes=self._shapes(fabric.world_size),
        )
        forward, steps = fabric.setup(losses, optimizer)
        totals = torch.zeros(len(LossSums._fields), dtype=torch.float64, device=fabric.device)
        return _Part(fabric, network, steps, forward, feeder, totals)

    def _shapes(self, n_processes: int) -> tuple[BatchShape, ...]:
        if not wants_same_shapes(self._compute.compile_mode):
            return ()
        return plan_shapes(
            RowReader(self._molecules),
            self._molecules.sizes["nodes"],
            batch_size=-(-self._config.batch_size // n_processes),
            n_shapes=N_SHAPES,
            generator=np.random.default_rng(self._seed),
        )

    def _run_epoch(self, epoch: int, part: _Part) -> EpochReport:
        chance = np.random.default_rng([self._seed, epoch])
        noise = torch.Generator().manual_seed(int(chance.integers(2**62)))
        batches = self._batches(chance)
        part.totals.zero_()
        start = time.perf_counter()
        for number, indices in enumerate(batches):
            done = (epoch + number / len(batches)) / self._config.epochs
            self._set_rate(done, part.optimizer)
            self._step(indices, part, beta=self._beta(done), noise=noise)
        n, seconds = sum(map(len, batches)), time.perf_counter() - start
        totals: Any = part.fabric.all_reduce(part.totals, reduce_op="sum")
        means = (totals / n).tolist()
        losses = dict(zip(LossSums._fields, means, strict=True))
        del losses["excess_kl"]
        reconstruction = sum(losses[name] for name in ("topology", "word", "port", "site"))
        speed, rate = n / seconds, part.optimizer.param_groups[0]["lr"]
        epochs = self._config.epochs
        return EpochReport(epoch + 1, epochs, reconstruction, molecules_per_s=speed, learning_rate=rate, **losses)

    def _batches(self, chance: np.random.Generator) -> list[IntArray]:
        sizes, drawn = self._molecules.sizes["nodes"], self._data.draw(chance)
        return size_sorted_batches(sizes, batch_size=self._config.batch_size, generator=chance, indices=drawn)

    def _set_rate(self, done: float, optimizer: torch.optim.Optimizer) -> None:
        factor = 1.0
        if not self._is_fine_tuning:
            warm = min(1.0, (done * self._config.epochs + 0.02))
            factor = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = self._config.learning_rate * factor

    def _beta(self, done: float) -> float:
        warm_up = self._config.warm_up
        rise = 1.0 if self._is_fine_tuning or warm_up == 0 else min(1.0, done / warm_up)
        return self._config.beta * rise

    def _step(self, indices: IntArray, part: _Part, *, beta: float, noise: torch.Generator) -> None:
        config, fabric = self._config, part.fabric
        feed = part.feeder.feed(indices, noise)
        part.optimizer.zero_grad(set_to_none=True)
        sums: LossSums = part.forward(*feed.inputs(fabric.device))
        reconstruction = sums.topology + sums.word + sums.port + sums.site
        total = reconstruction + beta * sums.excess_kl + config.property_weight * sums.property_error
        fabric.backward(feed.weight * total / (len(indices) / fabric.world_size))  # gradients are averaged
        norm = torch.nn.utils.clip_grad_norm_(part.network.parameters(), config.clip_norm)
        if not torch.isfinite(norm):
            raise ConvergenceError(
                f"the gradient of the generator is {float(norm)}; train again with a lower learning_rate or clip_norm"
            )
        part.optimizer.step()
        part.totals += feed.weight * torch.stack([value.detach().double() for value in sums])
