"""Hashes that tell data, trainings and models apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from torch import Tensor

from heliosc.properties import PropertyTable
from heliosc.surrogates.calibration import KeyCalibration
from heliosc.surrogates.landmarks import Landmarks
from heliosc.surrogates.protocol import Split
from heliosc.surrogates.scaling import Scaling
from heliosc.surrogates.training_config import TrainingConfig

_DIGITS = 12
# Where and how fast the sums are done, not what is trained.
_NOT_IDENTITY = frozenset({"n_members", "device", "devices"})


def table_hash(table: PropertyTable) -> str:
    """Short hash of molecules, keys and values."""
    digest = hashlib.sha256()
    digest.update("\n".join(table.smiles).encode())
    digest.update("\n".join(map(str, table.keys)).encode())
    digest.update(np.ascontiguousarray(table.values, dtype="<f8").tobytes())
    return digest.hexdigest()[:_DIGITS]


def training_identity(table: PropertyTable, split: Split, config: TrainingConfig, seed: int) -> str:
    """Short hash of everything that decides the weights of a member."""
    settings = {name: value for name, value in config.to_dict().items() if name not in _NOT_IDENTITY}
    rows = {name: part.tolist() for name, part in split._asdict().items()}
    text = json.dumps([table_hash(table), rows, settings, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def model_hash(
    states: Sequence[Mapping[str, Tensor]],
    scaling: Scaling,
    calibrations: Sequence[KeyCalibration],
    landmarks: Landmarks | None,
) -> str:
    """Short hash of all that predictions and their doubt depend on, equal for equal models."""
    digest = hashlib.sha256()
    for state in states:
        for name in sorted(state):
            digest.update(name.encode())
            digest.update(state[name].detach().cpu().numpy().astype("<f4").tobytes())
    for values in (scaling.target_mean, scaling.target_std, scaling.descriptor_mean, scaling.descriptor_std):
        digest.update(values.astype("<f8").tobytes())
    digest.update(json.dumps([asdict(calibration) for calibration in calibrations]).encode())
    if landmarks is not None:
        for single in (landmarks.points, landmarks.centre, landmarks.spread):
            digest.update(single.astype("<f4").tobytes())
        digest.update(repr(landmarks.reach).encode())
    return digest.hexdigest()[:_DIGITS]
