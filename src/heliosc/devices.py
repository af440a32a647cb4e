"""Where tensors are computed: NVIDIA and AMD GPUs, else the processor.

PyTorch's ROCm build drives AMD GPUs under the name ``cuda``; only ``torch.version.hip`` tells them apart. AMD hardware
was never at hand: that path is tested by substitution alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from heliosc.errors import InputError, ResourceError

if TYPE_CHECKING:
    import torch

Backend = Literal["cuda", "rocm", "cpu"]

DEVICE_PATTERN = r"^(auto|cpu|(cuda|rocm)(:\d+)?)$"
"""What a device may be called: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``rocm``, ``rocm:N``."""


def find_backend() -> Backend:
    """What PyTorch can compute on here, the fastest there is."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    return "rocm" if torch.version.hip else "cuda"


def choose_device(name: str) -> torch.device:
    """Resolve a device by name; ``auto`` takes a GPU if there is one.

    Raises
    ------
    InputError : an unknown name
    ResourceError : no such device is present
    """
    import torch

    kind, _, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda", "rocm") or (index and (kind in ("auto", "cpu") or not index.isdigit())):
        raise InputError(f"unknown device {name!r}; expected auto, cpu, cuda, cuda:N, rocm or rocm:N")
    backend = find_backend()
    if kind == "cpu" or (kind == "auto" and backend == "cpu"):
        return torch.device("cpu")
    if kind not in ("auto", backend):
        raise ResourceError(f"device {name!r} is not present (PyTorch sees: {describe_devices()}); use --device auto")
    if index and int(index) >= torch.cuda.device_count():
        raise ResourceError(f"device {name!r} is not present ({torch.cuda.device_count()} GPUs found); use a lower one")
    return torch.device(f"cuda:{index}" if index else "cuda")


def describe_devices() -> str:
    """The GPUs by name, or the number of processor cores."""
    import torch

    backend = find_backend()
    if backend == "cpu":
        return f"{os.cpu_count()} CPU cores"
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return f"{names} (ROCm; heliosc was never tested on AMD hardware)" if backend == "rocm" else names
