"""Calibrations as versioned JSON files, and those that come with heliosc."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from heliosc.errors import InputError, ParseError
from heliosc.files import write_atomically
from heliosc.qc.calibration.model import Calibration, ErrorFigures

FORMAT = "heliosc-calibration-1"
SHIPPED = Path(__file__).parent / "shipped"


class _FiguresFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    n_molecules: int
    mae_raw: float
    mae_one_out: float
    rmse_one_out: float
    mae_scaffold_out: float


class _CalibrationFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["heliosc-calibration-1"]
    name: str
    version: int
    property_name: str
    base_level: str
    inputs: list[str]
    means: list[float]
    spreads: list[float]
    weights: list[float]
    intercept: float
    ridge: float
    covariance: list[list[float]]
    lowest: list[float]
    highest: list[float]
    figures: _FiguresFile
    by_class: dict[str, _FiguresFile]
    reference: str


_ARRAYS = ("means", "spreads", "weights", "covariance", "lowest", "highest")


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration; numbers keep all their digits.

    Raises
    ------
    ResourceError : the folder is read-only or the disk is full
    """
    content = {
        "format": FORMAT,
        **{name: getattr(calibration, name) for name in _CalibrationFile.model_fields if name != "format"},
        **{name: getattr(calibration, name).tolist() for name in _ARRAYS},
        "inputs": list(calibration.inputs),
        "figures": _plain(calibration.figures),
        "by_class": {kind: _plain(figures) for kind, figures in calibration.by_class.items()},
    }
    write_atomically(path, json.dumps(content, indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Read what ``write_calibration`` wrote.

    Raises
    ------
    InputError : no such file
    ParseError : not a calibration of this format, or its arrays do not fit together
    """
    try:
        content = _CalibrationFile.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"no calibration at {path}; make one with `heliosc qc calibrate`") from error
    except (OSError, ValidationError) as error:
        raise ParseError(
            f"{path} is not a calibration of format {FORMAT}: {' '.join(str(error).split())[:300]}"
        ) from error
    fields = content.model_dump(exclude={"format"})
    arrays = {name: np.array(fields[name], dtype=np.float64) for name in _ARRAYS}
    n = len(content.inputs)
    wrong = [name for name in _ARRAYS if arrays[name].shape != ((n, n) if name == "covariance" else (n,))]
    if wrong or not all(np.isfinite(array).all() for array in arrays.values()):
        raise ParseError(
            f"{path}: {', '.join(wrong) or 'numbers'} do not fit its {n} inputs; the file was changed by hand"
        )
    return Calibration(
        **{
            **fields,
            **arrays,
            "inputs": tuple(content.inputs),
            "figures": ErrorFigures(**fields["figures"]),
            "by_class": {kind: ErrorFigures(**figures) for kind, figures in fields["by_class"].items()},
        }
    )


def shipped_names() -> tuple[str, ...]:
    """``PROPERTY.NAME`` of the calibrations that come with heliosc."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.json")))


def shipped_calibration(property_name: str, name: str) -> Calibration:
    """The newest calibration of a property to ``gas`` or ``cv`` that comes with heliosc.

    Raises
    ------
    InputError : there is none
    """
    path = SHIPPED / f"{property_name}.{name}.json"
    if f"{property_name}.{name}" not in shipped_names():
        there = ", ".join(shipped_names())
        raise InputError(f"no calibration of {property_name!r} to {name!r} comes with heliosc; there are: {there}")
    return read_calibration(path)


def _plain(figures: ErrorFigures) -> dict[str, float]:
    return {name: getattr(figures, name) for name in _FiguresFile.model_fields}
