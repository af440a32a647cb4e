"""What is checked of a table before any ensemble learns from it, and what is recorded afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliosc.errors import InputError
from heliosc.properties import PropertyTable
from heliosc.surrogates.calibration import MIN_VALUES
from heliosc.surrogates.protocol import Split


def check_columns(table: PropertyTable, parts: Split, *, target_weights: Sequence[float]) -> None:
    """Refuse a table that cannot be learnt or calibrated.

    Raises
    ------
    InputError : a key with too few values in a part, or another number of weights than of keys
    """
    if target_weights and len(target_weights) != len(table.keys):
        raise InputError(f"{len(target_weights)} target weights for {len(table.keys)} targets; expected one each")
    wanted = {"train": 1, "validation": MIN_VALUES, "test": 0}
    for column, key in enumerate(table.keys):
        for name, rows in parts._asdict().items():
            known = int(np.isfinite(table.values[rows, column]).sum())
            if known < wanted[name]:
                raise InputError(
                    f"the {name} part has {known} values of {key}, expected at least {wanted[name]}; "
                    "add molecules, change the split, or drop the column"
                )


def count_known(table: PropertyTable, parts: Split) -> dict[str, dict[str, int]]:
    """Key -> part -> known values."""
    return {
        str(key): {name: int(np.isfinite(table.values[rows, k]).sum()) for name, rows in parts._asdict().items()}
        for k, key in enumerate(table.keys)
    }


def learning_curves(curves: Sequence[Sequence[tuple[float, float]]]) -> dict[str, dict[str, list[float]]]:
    """Member -> half squared error of standardised values, epoch by epoch."""
    return {
        f"member {member}": {
            "train": [train for train, _ in curve],
            "validation": [validation for _, validation in curve],
        }
        for member, curve in enumerate(curves)
    }
