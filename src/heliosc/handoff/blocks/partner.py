"""Which known material may go with the candidate, and what Scharber's model gives for the pair."""

from __future__ import annotations

from heliosc.handoff.blocks.tables import NOT_EVALUATED, Cell, Table, facts_table
from heliosc.handoff.device import DeviceContext, PartnerEstimate
from heliosc.handoff.labels import format_number

_TITLE = "Partner and device"


def partner_table(context: DeviceContext | None) -> Table:
    """Partners, offsets, Voc, Scharber's value with its warning; says so where nothing was evaluated."""
    if context is None:
        return facts_table(_TITLE, {"Partner, offsets, Voc": f"{NOT_EVALUATED}: no donor or acceptor role"})
    note = " ".join(note if note.endswith(".") else f"{note[:1].upper()}{note[1:]}." for note in context.notes)
    if context.levels is None:
        return facts_table(_TITLE, {"Partner, offsets, Voc": f"{NOT_EVALUATED}: IE and EA are not known"}, note=note)
    levels = context.levels
    facts: dict[str, Cell] = {
        f"As {context.role}": (
            f"IE {_number(levels.ionization_energy, levels.ionization_energy_std)}, "
            f"EA {_number(levels.electron_affinity, levels.electron_affinity_std)} eV "
            f"({levels.scale} scale; {context.level_of_theory})"
        )
    }
    facts |= {f"With {item.suggestion.partner.name}": _pair(item) for item in context.partners}
    return facts_table(_TITLE, facts, note=note)


def _pair(item: PartnerEstimate) -> str:
    suggestion = item.suggestion
    text = (
        f"offsets IE {format_number(suggestion.hole_offset)}, EA {format_number(suggestion.electron_offset)} eV; "
        f"Voc {_number(suggestion.voltage, suggestion.voltage_std)} V"
    )
    if item.estimate is None:
        return f"{text}; Scharber {NOT_EVALUATED}"
    return f"{text}; Scharber PCE {format_number(item.estimate.efficiency, decimals=1)} %"


def _number(value: float, std: float) -> str:
    return f"{format_number(value)} ± {format_number(std)}"
