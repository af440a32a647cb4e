"""What the candidate had to meet."""

from __future__ import annotations

from heliosc.handoff.blocks.tables import Table
from heliosc.handoff.labels import Number
from heliosc.handoff.promotion.ledger import GateEntry, GateLedger


def ledger_table(ledger: GateLedger) -> Table:
    """The gate ledger of the promotion."""
    decision = f"{ledger.decision.value} as {ledger.role}" + (f" ({ledger.label})" if ledger.label else "")
    return Table(
        "Gates",
        ("Criterion", "Value", "\N{PLUS-MINUS SIGN} std", "Limit", "Margin", "P inside", "Level, scale", "Verdict"),
        tuple(_ledger_row(entry) for entry in ledger.entries),
        note=(
            f"Decision: {decision}. The margin is positive inside the limit; P inside = probability that the value "
            "lies inside, with the error of its level. Predictions promote nothing."
        ),
    )


def _ledger_row(entry: GateEntry) -> tuple[str | Number, ...]:
    name = entry.criterion if entry.decides else f"{entry.criterion} (advisory)"
    basis = ", ".join(part for part in (entry.level, entry.scale, entry.kind) if part)
    return (
        name,
        Number(entry.value, _decimals(entry)),
        Number(entry.std),
        " ".join(part for part in (entry.limit, entry.grade and f"({entry.grade})") if part),
        Number(entry.margin, _decimals(entry)),
        Number(entry.probability),
        basis,
        entry.verdict.value,
    )


def _decimals(entry: GateEntry) -> int:
    """Counts are whole; reorganisation energies differ in the third digit."""
    if entry.property is None and entry.value is not None and float(entry.value).is_integer():
        return 0
    return 3 if (entry.property or "").startswith("lambda") else 2
