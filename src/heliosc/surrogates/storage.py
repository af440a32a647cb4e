"""A model folder: weights, settings, calibration, metrics and the held-out part; nothing in it is ever executed.

``config.json`` (format, date, code version, keys, settings, provenance, checksums of the other files),
``weights.safetensors`` (``<member>.<name>`` as float16, imported weights as float32; float64 scaling; landmarks),
``calibration.json``, ``metrics.json``, ``split.json``, ``held_out.parquet`` (SMILES, part, one column a key).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

import heliosc
from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.files import folder_written_atomically, refuse_to_replace
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.landmarks import Landmarks
from heliosc.surrogates.mpnn.aggregation import make_network
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.outputs import HeldOut
from heliosc.surrogates.scaling import Scaling
from heliosc.surrogates.training_config import TrainingConfig

FORMAT = "heliosc surrogate ensemble"
FORMAT_VERSION = 2

_CONFIG = "config.json"
_WEIGHTS = "weights.safetensors"
_CALIBRATION = "calibration.json"
_METRICS = "metrics.json"
_SPLIT = "split.json"
_HELD_OUT = "held_out.parquet"
_FILES = (_WEIGHTS, _CALIBRATION, _METRICS, _SPLIT, _HELD_OUT)
_SCALING = ("target_mean", "target_std", "descriptor_mean", "descriptor_std")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a folder holds.

    Attributes
    ----------
    name, version : told by ``config.json``
    writer : class whose ``save`` writes it
    """

    name: str
    version: int
    writer: str


MPNN_KIND = Kind(FORMAT, FORMAT_VERSION, "SurrogateEnsemble")


class StoredModel(Protocol):
    """An ensemble of networks that can be written; see ``SurrogateEnsemble`` for the attributes."""

    @property
    def keys(self) -> tuple[PropertyKey, ...]: ...
    @property
    def calibrations(self) -> tuple[KeyCalibration, ...]: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def held_out(self) -> HeldOut: ...
    @property
    def split(self) -> Mapping[str, list[int]]: ...
    @property
    def metrics(self) -> Mapping[str, Any]: ...
    @property
    def provenance(self) -> Mapping[str, Any]: ...
    @property
    def config(self) -> TrainingConfig: ...
    @property
    def networks(self) -> Sequence[torch.nn.Module]: ...
    @property
    def landmarks(self) -> Landmarks | None: ...
    @property
    def model_id(self) -> str: ...


def save_ensemble(ensemble: SurrogateEnsemble, folder: Path) -> Path:
    """Write a model folder, replacing one of the same name only when complete."""
    return write_folder(folder, ensemble, kind=MPNN_KIND)


def write_folder(folder: Path, model: StoredModel, *, kind: Kind, described: Mapping[str, Any] | None = None) -> Path:
    """Write the folder of any ensemble of networks.

    Parameters
    ----------
    described : further entries of ``config.json``
    """
    content = {
        _WEIGHTS: _weights(model),
        _CALIBRATION: _json({str(key): asdict(c) for key, c in zip(model.keys, model.calibrations, strict=True)}),
        _METRICS: _json(model.metrics),
        _SPLIT: json.dumps(model.split).encode(),
        _HELD_OUT: _held_out(model.held_out),
    }
    config = {
        "format": kind.name,
        "format_version": kind.version,
        "heliosc_version": heliosc.__version__,
        "heliosc_commit": source_commit(),
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "model_id": model.model_id,
        "keys": [str(key) for key in model.keys],
        "settings": model.config.to_dict(),
        "provenance": dict(model.provenance),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        **(described or {}),
    }
    with folder_written_atomically(folder) as scratch:
        for name, data in {**content, _CONFIG: _json(config)}.items():
            (scratch / name).write_bytes(data)
    return folder


def refuse_foreign_place(folder: Path) -> None:
    """See to it, before the work begins, that a model may be written here.

    Raises
    ------
    InputError : a folder with other content
    """
    refuse_to_replace(folder, unless=[_CONFIG])


def load_ensemble(folder: Path, *, device: str) -> SurrogateEnsemble:
    """Read a model folder after checking every file in it."""
    config, content = read_folder(folder)
    with consistent(folder):
        return _assemble(config, content, device=device)


@contextmanager
def consistent(folder: Path) -> Iterator[None]:
    """Files that are whole but do not fit together raise ``InputError``."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, pa.ArrowInvalid, safetensors.SafetensorError) as error:
        raise InputError(f"model folder {folder} is inconsistent ({error!r}); train or download it again") from error


def read_folder(folder: Path, *, kind: Kind | None = None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """``config.json`` and the other files by name, each checked against its checksum.

    Raises
    ------
    InputError : the folder holds no surrogate, a damaged one, or one of another format
    """
    config = _read_config(folder, kind or MPNN_KIND)
    return config, {name: _read_checked(folder, name, config["sha256"]) for name in _FILES}


def source_commit() -> str | None:
    """Commit of the checkout that this code runs from, with ``-dirty`` where it was changed; None when installed."""
    package = Path(heliosc.__file__).parent
    checkout = package.parents[1]
    if not (checkout / ".git").exists() or not (checkout / "src" / package.name).samefile(package):
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):  # no git here, or a checkout that git refuses: the version remains
        return None
    return done.stdout.strip()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


def _weights(ensemble: StoredModel) -> bytes:
    tensors = {
        f"{member}.{name}": _halved_if_exact(value.detach().cpu()).contiguous()
        for member, network in enumerate(ensemble.networks)
        for name, value in network.state_dict().items()
    }
    if ensemble.landmarks is not None:
        tensors["landmarks.points"] = torch.from_numpy(ensemble.landmarks.points).half()
        tensors["landmarks.centre"] = torch.from_numpy(ensemble.landmarks.centre)
        tensors["landmarks.spread"] = torch.from_numpy(ensemble.landmarks.spread)
        tensors["landmarks.reach"] = torch.tensor(ensemble.landmarks.reach, dtype=torch.float64)
    for name in _SCALING:
        tensors[name] = torch.from_numpy(np.array(getattr(ensemble.scaling, name), dtype=np.float64))
    return save_tensors(tensors)


def _halved_if_exact(value: torch.Tensor) -> torch.Tensor:
    """Our own trainings round to half precision; imported weights must not change when they are saved."""
    half = value.half()
    return half if torch.equal(half.float(), value) else value


def _held_out(held_out: HeldOut) -> bytes:
    parts = {"validation": held_out.validation, "test": held_out.test}
    columns: dict[str, Any] = {
        "smiles": [text for table in parts.values() for text in table.smiles],
        "part": [name for name, table in parts.items() for _ in table.smiles],
    }
    values = np.concatenate([table.values for table in parts.values()])
    for column, key in enumerate(held_out.validation.keys):
        columns[str(key)] = values[:, column]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _read_config(folder: Path, kind: Kind) -> dict[str, Any]:
    path = folder / _CONFIG
    if not path.is_file():
        raise InputError(f"{folder} holds no surrogate: {_CONFIG} is missing; expected a folder written by save()")
    try:
        config = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); train or download the model again") from error
    if not isinstance(config, dict) or config.get("format") != kind.name:
        raise InputError(f"{path} does not describe a {kind.name}; expected a folder written by {kind.writer}.save")
    if config.get("format_version") != kind.version:
        raise InputError(
            f"{folder} is of format version {config.get('format_version')}, this heliosc reads {kind.version}; "
            f"it was written by heliosc {config.get('heliosc_version')}: use that version or train again"
        )
    if not isinstance(config.get("sha256"), dict):
        raise InputError(f"{path} lists no checksums; the file is damaged, train or download the model again")
    return config


def _read_checked(folder: Path, name: str, checksums: dict[str, str]) -> bytes:
    path = folder / name
    if not path.is_file():
        raise InputError(f"model folder {folder} is incomplete: {name} is missing; train or download it again")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != checksums.get(name):
        raise InputError(f"{path} is damaged: its checksum is not the one in {_CONFIG}; train or download it again")
    return data


def _assemble(config: dict[str, Any], content: dict[str, bytes], *, device: str) -> SurrogateEnsemble:
    keys = tuple(PropertyKey.parse(text) for text in config["keys"])
    settings = MPNNConfig.from_dict({**config["settings"], "device": device})
    place = choose_device(device)
    parts = read_parts(config, content, keys)
    networks = []
    for state in parts.states(settings.n_members):
        network = make_network(settings, n_keys=len(keys), n_descriptors=len(parts.scaling.descriptor_mean))
        network.load_state_dict(state)
        networks.append(network.to(place).eval())
    ensemble = SurrogateEnsemble(
        keys=keys,
        config=settings,
        networks=tuple(networks),
        landmarks=parts.landmarks,
        device=place,
        **parts.common,
    )
    check_model_id(ensemble, config)
    return ensemble


@dataclass(frozen=True, slots=True)
class StoredParts:
    """What the files of a folder hold.

    Attributes
    ----------
    tensors : name -> weights of the members
    common : scaling, calibrations, held_out, split, metrics and provenance, by name
    """

    tensors: Mapping[str, torch.Tensor]
    scaling: Scaling
    landmarks: Landmarks | None
    common: Mapping[str, Any]

    def states(self, n_members: int) -> Iterator[dict[str, torch.Tensor]]:
        """The weights of each member."""
        for member in range(n_members):
            prefix = f"{member}."
            yield {n.removeprefix(prefix): t.float() for n, t in self.tensors.items() if n.startswith(prefix)}


def read_parts(config: dict[str, Any], content: dict[str, bytes], keys: tuple[PropertyKey, ...]) -> StoredParts:
    """Decode the files of a checked folder."""
    tensors = load_tensors(content[_WEIGHTS])
    scaling = Scaling(**{name: tensors.pop(name).numpy() for name in _SCALING})
    calibration = json.loads(content[_CALIBRATION])
    common = {
        "scaling": scaling,
        "calibrations": tuple(_read_calibration(calibration[str(key)]) for key in keys),
        "held_out": _read_held_out(content[_HELD_OUT], keys),
        "split": json.loads(content[_SPLIT]),
        "metrics": json.loads(content[_METRICS]),
        "provenance": config["provenance"],
    }
    return StoredParts(tensors, scaling, _read_landmarks(tensors), common)


def check_model_id(model: StoredModel, config: dict[str, Any]) -> None:
    """Refuse weights that are not those of ``config.json``; a ``ValueError`` for ``consistent`` to explain."""
    if model.model_id != config["model_id"]:
        raise ValueError(f"weights are of model {model.model_id}, {_CONFIG} of {config['model_id']}")


def _read_calibration(values: dict[str, Any]) -> KeyCalibration:
    return KeyCalibration(**{**values, "quantiles": tuple(values["quantiles"])})


def _read_landmarks(tensors: dict[str, torch.Tensor]) -> Landmarks | None:
    if "landmarks.points" not in tensors:
        return None
    points, centre, spread = (tensors[f"landmarks.{name}"].float().numpy() for name in ("points", "centre", "spread"))
    return Landmarks(points, centre, spread, float(tensors["landmarks.reach"]))


def _read_held_out(data: bytes, keys: tuple[PropertyKey, ...]) -> HeldOut:
    table = pq.read_table(pa.BufferReader(data))
    smiles = table.column("smiles").to_pylist()
    values = np.stack([table.column(str(key)).to_numpy() for key in keys], axis=1)
    whole = PropertyTable(tuple(smiles), keys, values)
    part = np.array(table.column("part").to_pylist())
    return HeldOut(whole.rows(np.flatnonzero(part == "validation")), whole.rows(np.flatnonzero(part == "test")))
