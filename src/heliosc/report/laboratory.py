"""What came back from the laboratory, beside what was predicted and computed."""

from __future__ import annotations

from heliosc.campaign.laboratory import Comparison
from heliosc.handoff.labels import MISSING, format_number, level_label, number, symbol, unit
from heliosc.report.run_view import RunView
from heliosc.report.tables import ValueTable


def state_table(run: RunView) -> ValueTable:
    """Where each candidate stands that somebody has taken up, and why attempts failed."""
    rows = []
    for name, outcome in run.outcomes.items():
        last = outcome.history[-1] if outcome.history else None
        words = "; ".join([*outcome.failure_reasons, *([last.why] if last and last.why else [])])
        rows.append((name, outcome.state.value, last.when[:10] if last else MISSING, words or MISSING))
    return ValueTable(
        "Candidates in the laboratory", ("Candidate", "State", "Since", "In the laboratory's words"), rows
    )


def comparison_table(run: RunView) -> ValueTable:
    """Predicted, computed, expected and measured values in one row; the levels stay apart."""
    header = ("Candidate", "Measured", "Value", "Conditions", "Computed at", "Predicted", "Computed", "Expected")
    return ValueTable("From prediction to measurement", header, [_row(item) for item in run.comparisons])


def measured_levels(run: RunView) -> list[str]:
    """What the measured levels mean."""
    return [level_label(name) for name in dict.fromkeys(item.measured.key.level for item in run.comparisons)]


def _row(item: Comparison) -> tuple[str, ...]:
    measured, basis = item.measured, item.basis
    shown = str(number(measured.key, measured.value)) + _plus_minus(measured.std)
    beside = (
        (MISSING, MISSING) if basis is None else tuple(str(number(basis, v)) for v in (item.predicted, item.computed))
    )
    expected = str(number(measured.key, item.expected)) + _plus_minus(item.expected_std)
    return (
        item.candidate_id,
        f"{symbol(measured.key)} ({measured.key.level})",
        f"{shown} {unit(measured.key)}".strip(),
        measured.conditions or MISSING,
        MISSING if basis is None else basis.level,
        *beside,
        expected,
    )


def _plus_minus(std: float | None) -> str:
    return "" if std is None else f" ± {format_number(std)}"
