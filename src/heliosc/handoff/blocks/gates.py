"""What the candidate had to meet."""

from __future__ import annotations

from collections.abc import Sequence

from heliosc.handoff.blocks.tables import Table
from heliosc.handoff.gates import Gate
from heliosc.handoff.labels import Number
from heliosc.handoff.promotion.ledger import GateEntry, GateLedger


def gates_table(gates: Sequence[Gate]) -> Table:
    """Windows of the role the campaign searched with; for candidates that were not judged for promotion."""
    rows = tuple((gate.name, gate.value, gate.limit, gate.margin, gate.unit, gate.verdict) for gate in gates)
    return Table(
        "Gates",
        ("Criterion", "Value", "Limit", "Margin", "Unit", "Verdict"),
        rows,
        note=(
            "Draft, xTB level: no gate was confirmed by DFT or experiment. The margin is positive inside the limit. "
            "Windows are first defaults on the gas-phase scale."
        ),
    )


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
