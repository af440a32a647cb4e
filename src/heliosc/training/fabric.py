"""Training by Lightning Fabric: mixed precision, and several GPUs (or processes) that share every batch.

With several devices Fabric starts one process for each. The processes hold the same weights, take their share of each
batch, and average gradients; the first one validates, decides when to stop and writes the checkpoints.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.multiprocessing import get_context

from heliosc.devices import choose_device, find_backend
from heliosc.errors import InputError

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Trainable(Protocol):
    """A training that a process of a group can do its part of; it must be picklable."""

    def fit(self, fabric: Fabric, report: Callable[[Any], None]) -> Any:
        """Train; the first process's answer is the one that counts."""
        ...


def make_fabric(
    *, device: str | torch.device, devices: int, amp: bool = False, may_skip_parameters: bool = False
) -> Fabric:
    """Fabric for one device or several of a kind.

    Parameters
    ----------
    amp : let Fabric run the network in mixed precision
    may_skip_parameters : a batch need not meet every parameter; those that no process met keep no gradient

    Raises
    ------
    InputError : several devices, but one of them is named
    ResourceError : no such device, or too few of them
    """
    from lightning.fabric import Fabric  # takes a second to import, so only when training
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.fabric.strategies.ddp import DDPStrategy

    chosen = choose_device(device) if isinstance(device, str) else device
    if devices > 1 and chosen.index is not None:
        raise InputError(
            f"device {str(device)!r} names one GPU, but devices is {devices}; name none, e.g. {chosen.type!r}"
        )
    if devices > 1 and chosen.type == "cuda":
        choose_device(f"{find_backend()}:{devices - 1}")
    places: Any = [chosen.index or 0] if chosen.type == "cuda" and devices == 1 else devices
    several = DDPStrategy(start_method="spawn", find_unused_parameters=may_skip_parameters)
    return Fabric(
        accelerator=chosen.type,
        devices=places,
        strategy=several if devices > 1 else "auto",
        plugins=LightningEnvironment(),  # this machine alone, also inside a job of a cluster
        precision="bf16-mixed" if amp else "32-true",
    )


def launch(training: Trainable, fabric: Fabric, progress: Callable[[Any], None] | None) -> Any:
    """Train in this process, or in one for each device, and hand every report of the first on to ``progress``."""
    told = progress or _say_nothing
    if fabric.world_size == 1:
        return training.fit(fabric, told)
    said = get_context("spawn").SimpleQueue()
    results: list[Any] = []
    listener = threading.Thread(target=_hand_on, args=(said, told, results), daemon=True)
    listener.start()
    try:
        # bound, not passed: Fabric looks through what it passes for tensors, and frozen dataclasses stop it
        fabric.launch(partial(_train_part, training=training, said=said))
    finally:
        said.put(None)
        listener.join()
    return results[0]


def _train_part(fabric: Fabric, training: Trainable, said: Any) -> None:
    """The first process sends its result as it sends reports: Fabric's own way would read it after this process has
    ended, which never happens once it fills a pipe."""
    torch.set_num_threads(1)
    result = training.fit(fabric, partial(_send, said, "report") if fabric.is_global_zero else _say_nothing)
    if fabric.is_global_zero:
        _send(said, "result", result)


def _send(said: Any, kind: str, what: Any) -> None:
    said.put((kind, what))


def _hand_on(said: Any, told: Callable[[Any], None], results: list[Any]) -> None:
    while (message := said.get()) is not None:
        kind, what = message
        if kind == "result":
            results.append(what)
        else:
            told(what)


def _say_nothing(_: Any) -> None:
    """Nobody listens."""
