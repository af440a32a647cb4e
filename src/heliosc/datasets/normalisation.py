"""Mean and spread of each target on the training side, stored with the split and checked whenever they are used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey, PropertyTable


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Statistics of the training side, in each key's unit.

    Attributes
    ----------
    mean, std : of the known values, sample standard deviation
    n_known : number of them
    fingerprint : of the molecules and values that they were taken from
    """

    keys: tuple[PropertyKey, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_known: tuple[int, ...]
    fingerprint: str


def normalisation_of(training: PropertyTable) -> Normalisation:
    """Statistics of a table.

    Raises
    ------
    InputError : a target with fewer than two known values, or with only one value
    """
    known = [training.column(key)[np.isfinite(training.column(key))] for key in training.keys]
    for key, values in zip(training.keys, known, strict=True):
        if len(values) < 2 or np.ptp(values) == 0:
            raise InputError(
                f"{key}: {len(values)} known value(s) in the training side, all equal or too few to learn from; "
                "leave this target out or choose another split"
            )
    return Normalisation(
        training.keys,
        tuple(float(np.mean(values)) for values in known),
        tuple(float(np.std(values, ddof=1)) for values in known),
        tuple(len(values) for values in known),
        _fingerprint(training),
    )


def write_normalisation(normalisation: Normalisation, file: Path) -> None:
    """Write it as JSON.

    Raises
    ------
    ResourceError : the file cannot be written
    """
    targets = {
        str(key): {"mean": mean, "std": std, "n_known": n, "unit": key.unit}
        for key, mean, std, n in zip(
            normalisation.keys, normalisation.mean, normalisation.std, normalisation.n_known, strict=True
        )
    }
    document = {"fingerprint": normalisation.fingerprint, "targets": targets}
    write_atomically(file, json.dumps(document, indent=1) + "\n")


def read_normalisation(file: Path, training: PropertyTable) -> Normalisation:
    """Read it, and make sure that it belongs to this training side.

    Raises
    ------
    InputError : the file is missing or damaged, or was made from other molecules or values
    """
    try:
        document = json.loads(file.read_text())
        targets = document["targets"]
        stored = Normalisation(
            tuple(map(PropertyKey.parse, targets)),
            tuple(float(target["mean"]) for target in targets.values()),
            tuple(float(target["std"]) for target in targets.values()),
            tuple(int(target["n_known"]) for target in targets.values()),
            str(document["fingerprint"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} cannot be read ({error}); write it with: heliosc data split") from error
    if stored != normalisation_of(training):
        raise InputError(
            f"{file} was not made from this training side: molecules, values or statistics differ; split again with: "
            "heliosc data split"
        )
    return stored


def _fingerprint(table: PropertyTable) -> str:
    digest = hashlib.sha256("\n".join([*table.smiles, *map(str, table.keys)]).encode())
    digest.update(np.ascontiguousarray(table.values, dtype=np.float64).tobytes())
    return digest.hexdigest()
