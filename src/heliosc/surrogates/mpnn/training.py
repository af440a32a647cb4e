"""Training of one member: a plain loop whose every epoch can be repeated exactly.

The order of molecules and the dropout masks of an epoch follow from (seed, member, epoch) alone, and the learning rate
from the step number, so a run that goes on from the checkpoint of any epoch ends with the same weights as one that was
never stopped.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from heliosc.errors import ConvergenceError, InputError
from heliosc.files import write_atomically
from heliosc.surrogates.mpnn.environments import Environments, plan_batch
from heliosc.surrogates.mpnn.features import IntArray
from heliosc.surrogates.mpnn.loss import known_weight, masked_loss
from heliosc.surrogates.mpnn.network import Batch, to_batch
from heliosc.surrogates.training_config import TrainingConfig
from heliosc.training.fabric import launch, make_fabric

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_VALIDATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Where training stands: losses are per known target, of standardised values.

    Attributes
    ----------
    train_loss : what is minimised: half the squared error in the first epochs, then beta-NLL
    train_error, validation_loss : half the squared error, comparable with each other over all epochs
    learning_rate : of the last batch
    """

    member: int
    epoch: int
    n_epochs: int
    train_loss: float
    train_error: float
    validation_loss: float
    learning_rate: float

    def __str__(self) -> str:
        losses = f"{self.train_error:.4f} train, {self.validation_loss:.4f} validation"
        return f"member {self.member}, epoch {self.epoch}: {losses}"


Progress = Callable[[EpochReport], None]
N = TypeVar("N", bound=nn.Module)


class MemberData(Protocol):
    """What a network learns from: ``TrainingData`` for graphs, ``GeometryData`` for geometries."""

    @property
    def targets(self) -> Tensor:
        """(n_molecules, n_keys) standardised, float32, NaN = unknown."""
        ...

    def batch(self, rows: IntArray, *, device: torch.device) -> Any:
        """Network input of some molecules."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What every member learns from.

    Attributes
    ----------
    environments : of all molecules
    descriptors : (n_molecules, n_descriptors) standardised, float32
    targets : (n_molecules, n_keys) standardised, float32, NaN = unknown
    """

    environments: Environments
    descriptors: Tensor
    targets: Tensor

    def batch(self, rows: IntArray, *, device: torch.device) -> Batch:
        """Network input of some molecules."""
        return to_batch(plan_batch(self.environments, rows), self.descriptors[rows], device=device)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, how fast, and what is kept.

    Attributes
    ----------
    replay_size : molecules drawn each epoch from the replayed rows (fine-tuning)
    keep_best : return the weights of the best validation loss, not the last
    """

    epochs: int
    learning_rate: float
    final_learning_rate: float
    warmup_epochs: float
    mean_epochs: int
    patience: int
    keep_best: bool = True
    replay_size: int = 0

    def rate(self, progress: float) -> float:
        """Learning rate after ``progress`` epochs: linear warm-up, then cosine decay."""
        if progress < self.warmup_epochs:
            return self.learning_rate * (0.1 + 0.9 * progress / self.warmup_epochs)
        done = (progress - self.warmup_epochs) / max(self.epochs - self.warmup_epochs, 1e-9)
        span = self.learning_rate - self.final_learning_rate
        return self.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers: learnt from every epoch, monitored, and drawn from (``Schedule.replay_size`` an epoch)."""

    train: IntArray
    validation: IntArray
    replay: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(slots=True)
class MemberTraining(Generic[N]):
    """One member in training.

    Parameters
    ----------
    identity : what is trained on what; a checkpoint of anything else is refused
    curve : (train error, validation loss) of each epoch so far, see ``EpochReport``
    checkpoint : file written after every epoch, or None
    """

    network: N
    data: MemberData
    parts: Parts
    config: TrainingConfig
    schedule: Schedule
    member: int
    seed: int
    identity: str = ""
    checkpoint: Path | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)
    _epoch: int = 0
    _best_loss: float = math.inf
    _best_epoch: int = -1
    _best_state: dict[str, Tensor] = field(default_factory=dict)

    def run(self, progress: Progress | None = None) -> N:
        """Train to the end (or on from the checkpoint) and return the network in evaluation mode.

        Raises
        ------
        InputError : the checkpoint is damaged or of another training, or the device is unknown
        ResourceError : the device is absent
        ConvergenceError : the loss is no longer finite
        """
        config = self.config
        fabric = make_fabric(device=config.device, devices=config.devices, amp=config.amp)
        state, self.curve = launch(self, fabric, progress)
        self.network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        return self.network.to(fabric.device).eval()

    def fit(self, fabric: Fabric, report: Progress) -> tuple[dict[str, Any], list[tuple[float, float]]]:
        """This process's part of the training; the weights and the curve, which all processes agree on."""
        if fabric.world_size > 1:
            self.network = copy.deepcopy(self.network)  # tensors sent to other processes share their memory
        optimizer = torch.optim.AdamW(
            self.network.to(fabric.device).parameters(),
            lr=self.schedule.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        self._resume(optimizer)
        network: Any = self.network
        if self.config.compile:
            network = torch.compile(network, dynamic=True, mode=self.config.compile_mode)
        forward, steps = fabric.setup(network, optimizer)
        gpus = [fabric.device] if fabric.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus):
            while self._epoch < self.schedule.epochs and not self._is_stale():
                train_loss, train_error = self._train_epoch(fabric, forward, steps)
                self._check_finite(train_loss)
                validation_loss = fabric.broadcast(self._validation_loss(fabric.device))
                self._remember(validation_loss)
                self.curve.append((train_error, validation_loss))
                self._epoch += 1
                if fabric.is_global_zero:
                    self._save(optimizer)
                epochs = self.schedule.epochs
                rate = optimizer.param_groups[0]["lr"]
                report(EpochReport(self.member, self._epoch, epochs, train_loss, train_error, validation_loss, rate))
        if self.schedule.keep_best:
            self.network.load_state_dict(self._best_state)
        # plain arrays: tensors would lie in memory shared with a process that ends now
        return {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}, self.curve

    def _check_finite(self, train_loss: float) -> None:
        if not math.isfinite(train_loss):
            raise ConvergenceError(
                f"the loss of member {self.member} is {train_loss} in epoch {self._epoch + 1}; "
                "train again with a lower learning_rate or gradient_clip"
            )

    def _is_stale(self) -> bool:
        return self._best_epoch >= 0 and self._epoch - self._best_epoch > self.schedule.patience

    def _loss_exponent(self) -> float | None:
        return None if self._epoch < self.schedule.mean_epochs else self.config.beta

    def _batches(self, rank: int) -> Iterator[IntArray]:
        rng = np.random.default_rng([self.seed, self.member, self._epoch])
        rows = self.parts.train
        if self.schedule.replay_size:
            size = min(self.schedule.replay_size, len(self.parts.replay))
            rows = np.concatenate([rows, rng.choice(self.parts.replay, size, replace=False)])
        order = rng.permutation(rows)
        torch.manual_seed(int(rng.integers(2**62)) + rank)  # of dropout
        return iter(np.array_split(order, math.ceil(len(order) / self.config.batch_size)))

    def _train_epoch(self, fabric: Fabric, forward: Any, optimizer: Any) -> tuple[float, float]:
        """Loss and half squared error of the epoch, over all processes."""
        self.network.train()
        batches = list(self._batches(fabric.global_rank))
        exponent, weights = self._loss_exponent(), self._weights(fabric.device)
        sums = torch.zeros(2, dtype=torch.float64, device=fabric.device)
        for step, rows in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = self.schedule.rate(self._epoch + step / len(batches))
            mine, part = self._share(rows, fabric)
            mean, variance = forward(self.data.batch(mine, device=fabric.device))
            targets = self.data.targets[mine].to(fabric.device)
            loss = part * masked_loss(mean, variance, targets, beta=exponent, weights=weights)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            clip = self.config.gradient_clip
            fabric.clip_gradients(forward, optimizer, max_norm=clip, error_if_nonfinite=False)  # the loss tells
            optimizer.step()
            error = part * masked_loss(mean.detach(), variance.detach(), targets, beta=None, weights=weights)
            sums += torch.stack([loss.detach(), error]) * len(rows)
        totals: Any = fabric.all_reduce(sums / sum(map(len, batches)), reduce_op="mean")
        return float(totals[0]), float(totals[1])

    def _share(self, rows: IntArray, fabric: Fabric) -> tuple[IntArray, float]:
        """This process's rows of a batch, and what makes the mean over the processes the mean over the batch."""
        if fabric.world_size == 1:
            return rows, 1.0
        mine = rows[fabric.global_rank :: fabric.world_size]
        if not len(mine):  # a rest smaller than the group: take part in the averaging without a say
            return rows[:1], 0.0
        weights = self._weights(torch.device("cpu"))
        known, all_known = (known_weight(self.data.targets[part], weights) for part in (mine, rows))
        return mine, fabric.world_size * known / all_known if all_known else 0.0

    def _weights(self, device: torch.device) -> Tensor | None:
        return torch.tensor(self.config.target_weights, device=device) if self.config.target_weights else None

    def _validation_loss(self, device: torch.device) -> float:
        """What early stopping watches; only comparable between epochs with the same kind of loss."""
        mean, variance = predict_rows(self.network, self.data, self.parts.validation, device=device)
        targets = self.data.targets[self.parts.validation]
        weights = self._weights(torch.device("cpu"))
        return float(masked_loss(mean, variance, targets, beta=None, weights=weights))

    def _remember(self, validation_loss: float) -> None:
        if validation_loss < self._best_loss and (
            self._epoch >= self.schedule.mean_epochs or self.schedule.epochs <= self.schedule.mean_epochs
        ):
            self._best_loss, self._best_epoch = validation_loss, self._epoch
            self._best_state = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        if self.checkpoint is None:
            return
        buffer = io.BytesIO()
        state = {
            "identity": self.identity,
            "epoch": self._epoch,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "best_loss": self._best_loss,
            "best_epoch": self._best_epoch,
            "best_state": self._best_state,
            "curve": self.curve,
        }
        torch.save(state, buffer)
        write_atomically(self.checkpoint, buffer.getvalue())

    def _resume(self, optimizer: torch.optim.Optimizer) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = _read_checkpoint(self.checkpoint)
        if state.get("identity") != self.identity:
            raise InputError(
                f"checkpoint {self.checkpoint} belongs to another training (other data, split, settings or seed); "
                "choose another checkpoint folder or remove it"
            )
        self.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        self._epoch, self._best_loss = state["epoch"], state["best_loss"]
        self._best_epoch, self._best_state = state["best_epoch"], state["best_state"]
        self.curve = [(train, validation) for train, validation in state["curve"]]


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise InputError(f"checkpoint {path} cannot be read ({error}); remove it to train that member again") from error


def predict_rows(
    network: nn.Module, data: MemberData, rows: IntArray, *, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Standardised mean and variance of some molecules, (n_rows, n_keys) each, on the CPU."""
    network.eval()
    chunks = [rows[start : start + _VALIDATION_BATCH] for start in range(0, len(rows), _VALIDATION_BATCH)]
    with torch.inference_mode():
        outputs = [network(data.batch(chunk, device=device)) for chunk in chunks]
    return torch.cat([mean.cpu() for mean, _ in outputs]), torch.cat([variance.cpu() for _, variance in outputs])
