"""Gate ledgers of the candidates that have been judged; the dashboard itself computes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliosc.campaign.records import CandidateRecord
from heliosc.dashboard.source import RunSource
from heliosc.errors import ParseError
from heliosc.handoff.labels import MISSING, format_number
from heliosc.handoff.promotion.calibrated import FEATURES_FILE
from heliosc.handoff.promotion.ledger import GateEntry, GateLedger
from heliosc.handoff.promotion.runs import run_ledgers


@dataclass(frozen=True, slots=True)
class Judged:
    """Ledgers by candidate, and how many computed candidates have none yet."""

    ledgers: dict[str, GateLedger]
    n_waiting: int


def judged_candidates(source: RunSource, candidates: Sequence[CandidateRecord]) -> Judged:
    """Candidates whose levels on the CV scale were computed, by ``heliosc promote`` or the hand-off.

    Raises
    ------
    ParseError : a stored geometry or the features of the run are damaged
    """
    computed = [candidate for candidate in candidates if candidate.computed]
    known = _judged_keys(source.folder.path / FEATURES_FILE)
    ready = [candidate for candidate in computed if candidate.calculation_key in known]
    ledgers = run_ledgers(source.folder.path, ready, results=source.results(ready), roles=source.roles)
    return Judged(ledgers, len(computed) - len(ready))


def _judged_keys(file: Path) -> set[str]:
    """Calculation keys that the maps to the CV scale have been applied to."""
    if not file.exists():
        return set()
    try:
        return set(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ParseError(f"{file} is damaged ({error}); remove it and `heliosc promote` computes it again") from error


def entry_cells(entry: GateEntry) -> tuple[str, str, str, str]:
    """Value with its error, level and scale, limit, and the probability of being inside, as they are written."""
    is_count = entry.unit == "" and entry.value is not None and float(entry.value).is_integer()
    value = format_number(entry.value, decimals=0 if is_count else 2)
    if entry.value is not None and entry.std is not None:
        value += f" ± {format_number(entry.std)}"
    unit = "" if entry.unit == "1" else entry.unit
    where = ", ".join(word for word in (entry.level, entry.scale) if word) or MISSING
    return f"{value} {unit}".strip(), where, entry.limit or MISSING, format_number(entry.probability)
