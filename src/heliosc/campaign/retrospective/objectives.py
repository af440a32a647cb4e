"""Objectives on the columns of a labelled file, as text: ``maximise pce_1 - sas``, ``vie in 6.0:6.6``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heliosc.errors import InputError
from heliosc.selection.objectives import FloatArray, Window

_DIRECTIONS = {"minimise": 1.0, "minimize": 1.0, "maximise": -1.0, "maximize": -1.0}
_TERM = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?:(?P<factor>\d+(?:\.\d*)?)\s*\*\s*)?(?P<column>[A-Za-z_][\w@/.\[\]()-]*)\s*"
)


@dataclass(frozen=True, slots=True)
class PoolObjective:
    """A weighted sum of columns that is to be made small.

    Attributes
    ----------
    text : as written
    terms : column -> factor, the sign such that the sum is a cost
    """

    text: str
    terms: Mapping[str, float]

    def cost(self, columns: Mapping[str, FloatArray]) -> FloatArray:
        """(n,) cost of each row."""
        return np.sum([factor * columns[name] for name, factor in self.terms.items()], axis=0)

    def parted(self, exact: frozenset[str]) -> tuple[dict[str, float], dict[str, float]]:
        """Terms that must be learnt, and terms that are known of every molecule."""
        learnt = {name: factor for name, factor in self.terms.items() if name not in exact}
        return learnt, {name: factor for name, factor in self.terms.items() if name in exact}


def parse_objective(text: str, columns: frozenset[str]) -> PoolObjective:
    """Read ``maximise A - 2*B``.

    Raises
    ------
    InputError : not of that form, or a column that the file does not have
    """
    direction, _, expression = text.strip().partition(" ")
    if direction not in _DIRECTIONS or not expression.strip():
        raise InputError(
            f"objective {text!r}: expected 'maximise' or 'minimise' and columns, e.g. 'maximise pce - sas'"
        )
    terms: dict[str, float] = {}
    position = 0
    while position < len(expression):
        match = _TERM.match(expression, position)
        if match is None or (position and not match["sign"]):
            raise InputError(f"objective {text!r}: cannot read {expression[position:]!r}; expected e.g. '- 2*sas'")
        name = match["column"]
        if name not in columns:
            raise InputError(f"objective {text!r}: no numeric column {name!r}; there are {', '.join(sorted(columns))}")
        factor = float(match["factor"] or 1) * (-1 if match["sign"] == "-" else 1)
        terms[name] = terms.get(name, 0.0) + factor * _DIRECTIONS[direction]
        position = match.end()
    return PoolObjective(text.strip(), terms)


def parse_derivation(text: str, columns: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Read ``COLUMN from A, B``.

    Raises
    ------
    InputError : not of that form, or a column that the file does not have
    """
    name, separator, rest = (part.strip() for part in text.partition(" from "))
    sources = tuple(part.strip() for part in rest.split(","))
    if not separator or not {name, *sources} <= columns or name in sources:
        raise InputError(
            f"derived column {text!r}: expected COLUMN from A, B; columns are {', '.join(sorted(columns))}"
        )
    return name, sources


def parse_window(text: str, columns: frozenset[str]) -> tuple[str, Window]:
    """Read ``COLUMN in LOWER:UPPER``; a limit left out is open.

    Raises
    ------
    InputError : not of that form, or a column that the file does not have
    """
    match = re.fullmatch(r"\s*(\S+)\s+in\s+([-+.\deE]*):([-+.\deE]*)\s*", text)
    if match is None or match[1] not in columns or not (match[2] or match[3]):
        raise InputError(
            f"window {text!r}: expected COLUMN in LOWER:UPPER with one limit at least, "
            f"COLUMN one of {', '.join(sorted(columns))}"
        )
    try:
        lower, upper = float(match[2] or -math.inf), float(match[3] or math.inf)
    except ValueError as error:
        raise InputError(f"window {text!r}: a limit is not a number") from error
    return match[1], Window(lower, upper)
