"""chemprop models as a heliosc ensemble.

The weights are taken over as they are. chemprop files carry neither levels of theory nor held-out molecules, so the
user says which property at which level each task is, and gives molecules with known values that the models never saw:
half of them calibrate the uncertainty, the other half measure it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.calibration import MIN_VALUES
from heliosc.surrogates.chemprop_format.checkpoint import ALLOWED, Checkpoint, read_checkpoint
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.identity import table_hash
from heliosc.surrogates.mpnn.aggregation import make_network
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.features import ATOM_FEATURES, BOND_FEATURES
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.outputs import HeldOut
from heliosc.surrogates.scaling import FloatArray, Scaling

_AGGREGATIONS = {"MeanAggregation": "mean", "NormAggregation": "norm", "SumAggregation": "sum"}
_NO_VARIANCE = -200.0  # whose softplus is exactly zero in single precision
_LARGEST_DEPTH = 30  # of any sensible model; a file must not decide how long heliosc computes
_SCALING = ("predictor.output_transform.mean", "predictor.output_transform.scale")
_NOT_WEIGHTS = "task_weights"  # of losses and metrics


@dataclass(frozen=True, slots=True)
class ChempropModel:
    """One chemprop model in our form.

    Attributes
    ----------
    columns : target columns, or ``0``, ``1``, ... where the file does not name them
    target_mean, target_std : (n_tasks,) its unscale transform
    """

    file: Path
    network: Network
    columns: tuple[str, ...]
    target_mean: FloatArray
    target_std: FloatArray


def read_chemprop(file: Path) -> ChempropModel:
    """Read one model.

    Raises
    ------
    InputError : not a chemprop file, one that names foreign classes, or an architecture that heliosc has not
    """
    checkpoint = read_checkpoint(file)
    try:
        return _model(checkpoint)
    except (KeyError, AttributeError, TypeError, RuntimeError, ValueError) as error:
        raise InputError(f"{file} is inconsistent ({error!r:.300}); export it from chemprop again") from error


def import_chemprop(
    files: Sequence[Path], *, targets: Mapping[str, PropertyKey], held_out: PropertyTable, seed: int = 0
) -> SurrogateEnsemble:
    """An ensemble of one or more chemprop models, calibrated and measured on molecules they never saw.

    Parameters
    ----------
    targets : target column (or number of the task) -> property and level, for every task; the models' numbers must be
        in the unit of that property
    held_out : known values of molecules that none of the models was trained on
    seed : of the division of the held-out molecules

    Raises
    ------
    InputError : see ``read_chemprop``; models that differ in architecture, columns or scaling; a task without a target;
        too few held-out values
    """
    if not files:
        raise InputError("no chemprop file was given; expected at least one")
    models = [read_chemprop(file) for file in files]
    for model in models[1:]:
        _refuse_difference(models[0], model)
    keys = _keys_of(models[0], targets)
    known = _aligned(held_out, keys)
    order = np.random.default_rng(seed).permutation(len(known.smiles))
    validation, test = (np.sort(rows) for rows in np.array_split(order, 2))
    for column, key in enumerate(keys):
        n_known = int(np.isfinite(known.values[validation, column]).sum())
        if n_known < MIN_VALUES:
            raise InputError(
                f"{n_known} held-out values of {key} are left for the calibration, expected at least {MIN_VALUES}: "
                f"give some {2 * MIN_VALUES + 10} molecules that the models were not trained on"
            )
    first = models[0]
    return SurrogateEnsemble.calibrated(
        networks=tuple(model.network for model in models),
        keys=keys,
        config=_ensemble_config(first.network.config, n_members=len(models)),
        scaling=Scaling(first.target_mean, first.target_std, np.zeros(0), np.ones(0)),
        held_out=HeldOut(known.rows(validation), known.rows(test)),
        split={"train": [], "validation": validation.tolist(), "test": test.tolist()},
        learnt=(),
        seed=seed,
        provenance={
            "origin": "chemprop",
            "files": [{"name": f.name, "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in files],
            "data_hash": table_hash(known),
            "seed": seed,
            "n_train": None,
            "fine_tuned": 0,
        },
    )


def _model(checkpoint: Checkpoint) -> ChempropModel:
    config, n_tasks = _architecture(checkpoint)
    network = make_network(config, n_keys=n_tasks, n_descriptors=0)
    expected = network.state_dict()
    given = {name: value for name, value in checkpoint.state.items() if _NOT_WEIGHTS not in name}
    mean, std = (given.pop(name, None) for name in _SCALING)
    last = f"predictor.ffn.{config.head_layers}.2"
    if _kind(checkpoint, "predictor") == "RegressionFFN":
        given[f"{last}.weight"] = torch.cat([given[f"{last}.weight"], torch.zeros_like(given[f"{last}.weight"])])
        given[f"{last}.bias"] = torch.cat([given[f"{last}.bias"], torch.full_like(given[f"{last}.bias"], _NO_VARIANCE)])
    if given.keys() != expected.keys():
        odd = sorted(given.keys() ^ expected.keys())
        raise InputError(
            f"{checkpoint.file} has parts that heliosc's network has not ({', '.join(odd)[:200]}), such as batch "
            "normalisation or extra features; train it in chemprop without them"
        )
    network.load_state_dict({name: value.float() for name, value in given.items()})
    columns = checkpoint.columns or tuple(map(str, range(n_tasks)))
    if len(columns) != n_tasks:
        raise InputError(f"{checkpoint.file} names {len(columns)} columns and has {n_tasks} tasks; it is inconsistent")
    return ChempropModel(
        checkpoint.file,
        network.eval(),
        columns,
        np.zeros(n_tasks) if mean is None else _vector(mean, n_tasks),
        np.ones(n_tasks) if std is None else _vector(std, n_tasks),
    )


def _architecture(checkpoint: Checkpoint) -> tuple[MPNNConfig, int]:
    """Our settings of the same network, and its number of tasks."""
    passing, readout = checkpoint.settings["message_passing"], checkpoint.settings["predictor"]
    aggregation = checkpoint.settings["agg"]
    hidden, n_layers, width = passing["d_h"], readout["n_layers"], readout["hidden_dim"]
    if isinstance(width, (list, tuple)):
        n_layers, width = len(width), (width[0] if len(set(width)) == 1 else None)
    _require(checkpoint, "message_passing", _kind(checkpoint, "message_passing") == "BondMessagePassing")
    _require(checkpoint, "bias", not passing["bias"])
    _require(checkpoint, "undirected messages", not passing["undirected"])
    _require(checkpoint, "extra atom descriptors", not passing["d_vd"])
    _require(checkpoint, "batch normalisation", not checkpoint.settings.get("batch_norm"))
    _require(checkpoint, f"depth {passing['depth']}", 1 <= passing["depth"] <= _LARGEST_DEPTH)
    for part in (passing, readout):
        _require(checkpoint, "an activation other than ReLU", _is_relu(part["activation"]))
    _require(
        checkpoint,
        f"{passing['d_v']} atom and {passing['d_e']} bond features (heliosc: {ATOM_FEATURES} and {BOND_FEATURES})",
        (passing["d_v"], passing["d_e"]) == (ATOM_FEATURES, BOND_FEATURES),
    )
    _require(checkpoint, "extra molecule descriptors in the readout", readout["input_dim"] == hidden)
    _require(checkpoint, "readout layers of different widths, or none", n_layers >= 1 and width is not None)
    # what the settings claim must be what the weights are, before anything of that size is made
    n_blocks = sum(name.startswith("predictor.ffn.") and name.endswith(".weight") for name in checkpoint.state)
    sizes = (checkpoint.state["message_passing.W_o.bias"].numel(), n_blocks - 1)
    _require(checkpoint, "weights that differ from its settings", (hidden, n_layers) == sizes)
    config = MPNNConfig(
        n_members=1,
        hidden=hidden,
        depth=passing["depth"],
        aggregation=_AGGREGATIONS[_kind(checkpoint, "agg")],
        aggregation_norm=float(aggregation.get("norm", 100.0)),
        head_hidden=width,
        head_layers=n_layers,
        dropout=readout["dropout"],
        use_descriptors=False,
    )
    return config, int(readout["n_tasks"])


def _require(checkpoint: Checkpoint, part: str, is_met: bool) -> None:
    if not is_met:
        raise InputError(f"{checkpoint.file} uses {part}, which heliosc's network has not; train it without")


def _kind(checkpoint: Checkpoint, part: str) -> str:
    kind = checkpoint.settings[part]["cls"]
    if kind not in ALLOWED.values():
        raise InputError(f"{checkpoint.file} names no class for its {part}; it is not a chemprop 2.3 file")
    return kind.__name__


def _is_relu(activation: Any) -> bool:
    return str(activation).lower() == "relu" or type(activation).__name__ == "ReLU"


def _vector(value: Tensor, n_tasks: int) -> FloatArray:
    return value.double().reshape(n_tasks).numpy()


def _keys_of(model: ChempropModel, targets: Mapping[str, PropertyKey]) -> tuple[PropertyKey, ...]:
    """Keys in the order of the tasks; every task named once, none guessed."""
    if targets.keys() != set(model.columns):
        absent = [name for name in model.columns if name not in targets]
        unknown = [name for name in targets if name not in model.columns]
        raise InputError(
            f"{model.file} predicts {', '.join(model.columns)}; "
            + (f"say what {', '.join(absent)} is, as COLUMN=NAME@LEVEL. " if absent else "")
            + (f"It has no column {', '.join(unknown)}." if unknown else "")
        )
    keys = tuple(targets[name] for name in model.columns)
    if len(set(keys)) < len(keys):
        raise InputError(f"two columns of {model.file} are declared as the same property and level")
    return keys


def _refuse_difference(first: ChempropModel, other: ChempropModel) -> None:
    same = {
        "architecture": first.network.config == other.network.config,
        "target columns": first.columns == other.columns,
        "target scaling": np.array_equal(first.target_mean, other.target_mean)
        and np.array_equal(first.target_std, other.target_std),
    }
    for what, is_same in same.items():
        if not is_same:
            raise InputError(
                f"{first.file} and {other.file} differ in {what}; members of one ensemble must agree "
                "(chemprop's --ensemble-size gives such models). Import them one by one"
            )


def _ensemble_config(config: MPNNConfig, *, n_members: int) -> MPNNConfig:
    return MPNNConfig.from_dict({**config.to_dict(), "n_members": n_members})


def _aligned(table: PropertyTable, keys: tuple[PropertyKey, ...]) -> PropertyTable:
    absent = [str(key) for key in keys if key not in table.keys]
    if absent:
        raise InputError(f"the held-out molecules have no values of {', '.join(absent)}; add the column")
    return PropertyTable(table.smiles, keys, np.stack([table.column(key) for key in keys], axis=1))
