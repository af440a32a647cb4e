"""What came back from the laboratory, as the dashboard shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.campaign.records import CandidateRecord
from heliosc.dashboard.source import RunSource
from heliosc.experiments.journal import ASIDE, UNREADABLE, FormEvent
from heliosc.experiments.outcomes import Outcome, outcomes
from heliosc.handoff.labels import format_number, symbol, unit


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The laboratory's book.

    Attributes
    ----------
    touched : candidates that somebody has approved, ordered, made, measured or given up
    problems : forms that could not be used, with the reason
    """

    touched: list[tuple[CandidateRecord, Outcome]]
    problems: list[FormEvent]


def read_laboratory(source: RunSource, candidates: Sequence[CandidateRecord]) -> Laboratory:
    """Everything in the book that concerns the run.

    Raises
    ------
    ParseError : a line of the book is damaged
    """
    events = source.journal.events()
    found = outcomes(events, [candidate.id for candidate in candidates])
    touched = [(candidate, found[candidate.id]) for candidate in candidates if _is_touched(found[candidate.id])]
    problems = [e for e in events if isinstance(e, FormEvent) and e.status in (ASIDE, UNREADABLE)]
    return Laboratory(touched, problems)


def measured_rows(candidate: CandidateRecord, outcome: Outcome) -> list[tuple[str, str, str, str]]:
    """Measured values of a candidate: property, value, replicates, conditions."""
    return [
        (
            f"{symbol(item.key)} ({item.key.level})",
            f"{format_number(item.value)}{f' ± {format_number(item.std)}' if item.std is not None else ''} "
            f"{unit(item.key)}".strip(),
            str(item.n),
            item.conditions + ("" if item.smiles == candidate.smiles else f"; made as {item.smiles}"),
        )
        for item in outcome.measured
    ]


def _is_touched(outcome: Outcome) -> bool:
    return bool(outcome.history or outcome.forms)
