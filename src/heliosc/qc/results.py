"""From what a task returned (JSON) to the vocabulary's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heliosc.errors import ParseError
from heliosc.properties import CalculationResult, PropertyKey, PropertyRecord


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
        values = {PropertyKey.parse(name): float(value) for name, value in outcome["values"].items()}
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


def property_records(result: CalculationResult, *, calculation_key: str | None = None) -> list[PropertyRecord]:
    """One record for each value, with its program as the source."""
    source = f"{result.program} {result.version}"
    return [PropertyRecord(result.smiles, key, value, source, calculation_key) for key, value in result.values.items()]
