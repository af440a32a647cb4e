"""Single values with their origin, and the two outcomes of a calculation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliosc.properties.levels import PropertyKey


@dataclass(frozen=True, slots=True)
class PropertyRecord:
    """One value of one molecule; it never travels without its level, source and parent calculation."""

    smiles: str
    key: PropertyKey
    value: float
    source: str
    calculation_key: str | None = None


@dataclass(frozen=True, slots=True)
class CalculationResult:
    """A finished calculation.

    Attributes
    ----------
    smiles : canonical SMILES asked for
    values : property and level -> value in the key's unit
    geometries : charge state (``neutral``, ``cation``, ``anion``) -> XYZ text, A
    program, version : what computed it
    wall_time_s : wall time of the whole calculation; ``None`` = not known
    details : energies, evaluation counts, flags
    """

    smiles: str
    values: Mapping[PropertyKey, float]
    geometries: Mapping[str, str]
    program: str
    version: str
    wall_time_s: float | None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CalculationFailure:
    """A calculation that gave no result, with its error class (see ``heliosc.errors``) and reason."""

    smiles: str
    error_class: str
    reason: str
