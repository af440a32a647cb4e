"""From what a task returned (JSON) to the vocabulary's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heliosc.errors import ParseError
from heliosc.properties import CalculationResult, PropertyKey, PropertyRecord
from heliosc.qc.qcschema import grid_of


def calculation_result(outcome: Mapping[str, Any], *, wall_time_s: float | None = None) -> CalculationResult:
    """The result of a finished task.

    Parameters
    ----------
    wall_time_s : of the attempt that gave it; the task itself does not say

    Raises
    ------
    ParseError : a field is missing, or a value is not a finite number
    """
    try:
        grid = grid_of(outcome["details"])
        values = {_on_grid(PropertyKey.parse(name), grid): float(value) for name, value in outcome["values"].items()}
        result = CalculationResult(
            outcome["smiles"],
            values,
            dict(outcome["geometries"]),
            outcome["program"],
            outcome["version"],
            wall_time_s,
            dict(outcome["details"]),
        )
    except KeyError as error:
        raise ParseError(f"stored result has no field {error}; it was not written by this version's tasks") from error
    bad = [str(key) for key, value in values.items() if not np.isfinite(value)]
    if bad:
        raise ParseError(f"stored result of {result.smiles} holds values that are not finite: {', '.join(bad)}")
    return result


def _on_grid(key: PropertyKey, grid: str | None) -> PropertyKey:
    """The key with its grid: levels of results stored by early versions do not name it, their details do."""
    single_points, separator, geometries = key.level.partition("//")
    functional, slash, basis = single_points.partition("/")
    if grid in (None, "normal") or not slash or functional.endswith("grid"):
        return key
    return PropertyKey(key.name, f"{functional}-{grid}grid/{basis}{separator}{geometries}")


def property_records(result: CalculationResult, *, calculation_key: str | None = None) -> list[PropertyRecord]:
    """One record for each value, with its program as the source."""
    source = f"{result.program} {result.version}"
    return [PropertyRecord(result.smiles, key, value, source, calculation_key) for key, value in result.values.items()]
