"""Checkpoints of a training: parameters, optimiser moments and the epoch, in one file that is complete or absent."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from heliosc.errors import InputError
from heliosc.files import write_atomically

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, *, identity: str, epoch: int
) -> None:
    """Write the state after an epoch.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in network.named_parameters():
        tensors[f"parameter/{name}"] = parameter.detach().cpu().contiguous()
        for moment, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    metadata = {"heliosc": json.dumps({"identity": identity, "epoch": epoch})}
    write_atomically(path, save(tensors, metadata))


def load_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, *, identity: str) -> int:
    """Restore a state; the number of epochs it holds.

    Raises
    ------
    InputError : damaged, or written by a run with other data, settings or seed
    """
    try:
        with safe_open(path, framework="pt") as stored:
            header = json.loads(stored.metadata()["heliosc"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"checkpoint {path} is damaged ({error}); remove it and train again") from error
    if header["identity"] != identity:
        raise InputError(
            f"checkpoint {path} belongs to a training with other data, settings or seed; "
            "remove it or use another folder"
        )
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[f"parameter/{name}"])
            state = {m: tensors[f"{m}/{name}"] for m in _MOMENTS if f"{m}/{name}" in tensors}
            if state:
                moved = {m: value if m == "step" else value.to(parameter.device) for m, value in state.items()}
                optimizer.state[parameter] = moved
    return int(header["epoch"])
