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


def make_fabric(*, device: str, devices: int, amp: bool) -> Fabric:
    """Fabric for one device or several of a kind.

    Raises
    ------
    InputError : several devices, but one of them is named
    ResourceError : no such device, or too few of them
    """
    from lightning.fabric import Fabric  # takes a second to import, so only when training
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment

    chosen = choose_device(device)
    if devices > 1 and chosen.index is not None:
        raise InputError(f"device {device!r} names one GPU, but devices is {devices}; name none, e.g. {chosen.type!r}")
    if devices > 1 and chosen.type == "cuda":
        choose_device(f"{find_backend()}:{devices - 1}")
    places: Any = [chosen.index or 0] if chosen.type == "cuda" and devices == 1 else devices
    return Fabric(
        accelerator=chosen.type,
        devices=places,
        strategy="ddp_spawn" if devices > 1 else "auto",
        plugins=LightningEnvironment(),  # this machine alone, also inside a job of a cluster
        precision="bf16-mixed" if amp else "32-true",
    )


def launch(training: Trainable, fabric: Fabric, progress: Callable[[Any], None] | None) -> Any:
    """Train in this process, or in one for each device, and hand every report of the first on to ``progress``."""
    told = progress or _say_nothing
    if fabric.world_size == 1:
        return training.fit(fabric, told)
    reports = get_context("spawn").SimpleQueue()
    listener = threading.Thread(target=_hand_on, args=(reports, told), daemon=True)
    listener.start()
    try:
        # bound, not passed: Fabric looks through what it passes for tensors, and frozen dataclasses stop it
        return fabric.launch(partial(_train_part, training=training, reports=reports))
    finally:
        reports.put(None)
        listener.join()


def _train_part(fabric: Fabric, training: Trainable, reports: Any) -> Any:
    torch.set_num_threads(1)
    return training.fit(fabric, reports.put if fabric.is_global_zero else _say_nothing)


def _hand_on(reports: Any, told: Callable[[Any], None]) -> None:
    while (report := reports.get()) is not None:
        told(report)


def _say_nothing(_: Any) -> None:
    """Nobody listens."""
