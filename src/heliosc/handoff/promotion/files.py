"""Candidates from a CSV file, such as ``candidates.csv`` of a run or a table of one's own.

Columns: ``smiles``; ``id`` or ``name`` (else the row number); ``role``; values as ``NAME@LEVEL`` or ``computed
NAME@LEVEL``, their errors as ``NAME@LEVEL std``; predictions as ``predicted NAME@LEVEL mean`` and ``std``. Empty cells
are values that are not known. Other columns are left alone.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import InputError
from heliosc.handoff.promotion.assessment import assess, facts_of
from heliosc.handoff.promotion.criteria import Criteria
from heliosc.handoff.promotion.evidence import Evidence
from heliosc.handoff.promotion.ledger import GateLedger
from heliosc.properties import PropertyKey

_COMPUTED, _PREDICTED, _STD, _MEAN = "computed ", "predicted ", " std", " mean"


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One row of a file."""

    id: str
    smiles: str
    role: str
    evidence: tuple[Evidence, ...]
    predicted: tuple[Evidence, ...]


def file_ledgers(path: Path, *, role: str | None, criteria: Criteria) -> list[GateLedger]:
    """A ledger for each row of a CSV file.

    Parameters
    ----------
    role : of rows that name none

    Raises
    ------
    InputError : no CSV file, no column ``smiles``, a value that is no number, an unknown property or role
    """
    ledgers = []
    for number, row in enumerate(read_rows(path, role=role), start=1):
        try:
            facts = facts_of(row.id, row.smiles, row.evidence, predicted=row.predicted)
            ledgers.append(assess(facts, criteria.role(row.role), criteria=criteria))
        except InputError as error:
            raise InputError(f"{path}, row {number}: {error}") from error
    return ledgers


def read_rows(path: Path, *, role: str | None) -> list[CandidateRow]:
    """The rows of a CSV file.

    Raises
    ------
    InputError : see ``file_ledgers``
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read candidates from {path}: {error}; expected a CSV file") from error
    if not rows or "smiles" not in rows[0]:
        found = ", ".join(name for name in rows[0] if name) if rows else "no rows"
        raise InputError(f"{path} has no column 'smiles'; found: {found}")
    return [_row(row, number, path=path, role=role) for number, row in enumerate(rows, start=1)]


def _row(row: Mapping[str, str | None], number: int, *, path: Path, role: str | None) -> CandidateRow:
    where = f"{path}, row {number}"
    wanted = (row.get("role") or "").strip() or role
    if not wanted:
        raise InputError(f"{where} names no role; add a column 'role' or give --role")
    name = (row.get("id") or row.get("name") or "").strip() or str(number)
    return CandidateRow(
        name,
        (row["smiles"] or "").strip(),
        wanted,
        tuple(_values(row, prefixes=("", _COMPUTED), suffix="", where=where)),
        tuple(_values(row, prefixes=(_PREDICTED,), suffix=_MEAN, where=where)),
    )


def _values(row: Mapping[str, str | None], *, prefixes: tuple[str, ...], suffix: str, where: str) -> list[Evidence]:
    found = []
    for column in row:
        for prefix in prefixes:
            key = _key(column, prefix=prefix, suffix=suffix)
            if key is None:
                continue
            value = _number(row, column, where=where)
            std = _number(row, f"{prefix}{key}{_STD}", where=where)
            if value is not None:
                found.append(_evidence(key, value, std, where=where))
    return found


def _evidence(key: str, value: float, std: float | None, *, where: str) -> Evidence:
    if not math.isfinite(value) or (std is not None and not 0 <= std < math.inf):
        error_words = "" if std is None else f" with standard error {std}"
        raise InputError(f"{where}: {key} is {value}{error_words}; expected finite numbers, the error not negative")
    try:
        return Evidence(PropertyKey.parse(key), value, std)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _key(column: str | None, *, prefix: str, suffix: str) -> str | None:
    """``NAME@LEVEL`` of a column of values, None for other columns."""
    if not column or not column.startswith(prefix) or not column.endswith(suffix):
        return None
    key = column[len(prefix) : len(column) - len(suffix)]
    return key if "@" in key and " " not in key else None


def _number(row: Mapping[str, str | None], column: str, *, where: str) -> float | None:
    text = (row.get(column) or "").strip()
    if not text or text.lower() == "nan":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{where}: {column} is {text!r}, expected a number") from error
