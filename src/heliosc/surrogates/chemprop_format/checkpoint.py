"""Reading a chemprop file without running anything in it.

A checkpoint is a pickle, and a pickle can name any function. Here torch's restricted unpickler reads it, and each class
that chemprop writes for the networks we know is replaced by an empty stand-in of the same name: not even chemprop's own
code runs. A file that names anything else is refused before it is read.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from heliosc.errors import InputError


class StandIn:
    """What is left of an object in the file: the name of its class, and its attributes."""


def _stand_in(name: str) -> type[StandIn]:
    return type(name.rpartition(".")[2], (StandIn,), {})


_CLASSES = (
    "chemprop.nn.message_passing.base.BondMessagePassing",
    "chemprop.nn.agg.MeanAggregation",
    "chemprop.nn.agg.NormAggregation",
    "chemprop.nn.agg.SumAggregation",
    "chemprop.nn.predictors.RegressionFFN",
    "chemprop.nn.predictors.MveFFN",
    "chemprop.nn.transforms.GraphTransform",
    "chemprop.nn.transforms.ScaleTransform",
    "chemprop.nn.transforms.UnscaleTransform",
    "chemprop.nn.metrics.MAE",
    "chemprop.nn.metrics.MSE",
    "chemprop.nn.metrics.RMSE",
    "chemprop.nn.metrics.R2Score",
    "chemprop.nn.metrics.MVELoss",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.linear.Identity",
    "torchmetrics.metric.jit_distributed_available",
    "torchmetrics.utilities.data.dim_zero_cat",
    "torchmetrics.utilities.data.dim_zero_sum",
)
ALLOWED: Mapping[str, type] = {
    **{name: _stand_in(name) for name in _CLASSES},
    # plain values that the file wraps in classes of its own
    "lightning.fabric.utilities.data.AttributeDict": OrderedDict,
    "chemprop.nn.utils.Activation": str,
}
"""Every class a file may name -> what takes its place."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a chemprop file holds.

    Attributes
    ----------
    settings : ``hyper_parameters``, classes replaced by stand-ins
    state : name -> weight
    columns : target columns in the order of the tasks; () where the file does not say (Lightning checkpoints)
    """

    file: Path
    settings: Mapping[str, Any]
    state: Mapping[str, Tensor]
    columns: tuple[str, ...]


def read_checkpoint(file: Path) -> Checkpoint:
    """Read a model file (``model.pt``, ``best.pt``) or Lightning checkpoint (``*.ckpt``) of chemprop 2.3.

    Raises
    ------
    InputError : no such file, no checkpoint, or one that names a class outside ``ALLOWED``; nothing was executed
    """
    if not file.is_file():
        raise InputError(f"there is no file {file}; expected a chemprop model, e.g. out/model_0/best.pt")
    _refuse_foreign_classes(file)
    try:
        with safe_globals([(kind, name) for name, kind in ALLOWED.items()]):
            document = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise InputError(f"{file} is damaged or no chemprop file ({_first_line(error)})") from error
    return _checkpoint(file, document)


def _refuse_foreign_classes(file: Path) -> None:
    try:
        named = get_unsafe_globals_in_checkpoint(str(file))
    except Exception as error:
        raise InputError(
            f"{file} is no checkpoint that can be checked before reading ({_first_line(error)}); expected a file "
            "written by chemprop 2.3 (chemprop 1 and 2.0 files: `chemprop convert` first)"
        ) from error
    foreign = sorted(name for name in named if name not in ALLOWED)
    if foreign:
        raise InputError(
            f"{file} names {', '.join(foreign)[:300]}, which heliosc does not read; nothing in it was executed. "
            "Readable are chemprop regression models of bond message passing, mean, norm or sum aggregation, a plain "
            "or mean-variance readout and ReLU"
        )


def _checkpoint(file: Path, document: Any) -> Checkpoint:
    if not isinstance(document, dict) or not {"hyper_parameters", "state_dict"} <= document.keys():
        raise InputError(
            f"{file} holds no hyper_parameters and state_dict; expected a model file or checkpoint of chemprop 2.3"
        )
    settings, state = document["hyper_parameters"], document["state_dict"]
    columns = document.get("output_columns") or ()
    if not isinstance(settings, dict) or not isinstance(state, dict) or not isinstance(columns, (list, tuple)):
        raise InputError(f"{file} is inconsistent: settings, weights or output columns are not of chemprop's form")
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{file} is inconsistent: not all of its weights are tensors")
    return Checkpoint(file, settings, state, tuple(map(str, columns)))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
