"""Gates: what a candidate must meet, with value, limit, margin and verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from heliosc.campaign.records import CandidateRecord
from heliosc.handoff.labels import Number, number, symbol, unit
from heliosc.handoff.structures import CHARGES, ChargedStructure
from heliosc.properties import PropertyKey
from heliosc.selection.objectives import Window
from heliosc.selection.roles import PropertyWindow, Role

PASS, WARN, FAIL, NOT_EVALUATED = "pass", "warn", "fail", "not evaluated"

SA_CORE_PASS = 5.0
SA_CORE_LIMIT = 6.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One criterion applied to one candidate.

    Attributes
    ----------
    margin : distance to the limit in the unit of the value, positive inside
    verdict : ``pass``, ``warn``, ``fail`` or ``not evaluated``
    """

    name: str
    value: Number
    limit: str
    margin: Number
    unit: str
    verdict: str


def candidate_gates(
    candidate: CandidateRecord, *, role: Role | None, values: Mapping[str, float], structures: list[ChargedStructure]
) -> list[Gate]:
    """All gates of a candidate: the windows of its role, connectivity, synthesis, alerts.

    Parameters
    ----------
    role : None when the run's role file no longer names it; its windows are then not evaluated
    values : ``name@level`` -> computed value
    structures : the optimised geometries
    """
    windows = [window_gate(item, values.get(str(item.key))) for item in role.windows] if role else []
    return [*windows, connectivity_gate(structures), synthesis_gate(candidate), alert_gate(candidate)]


def window_gate(item: PropertyWindow, value: float | None) -> Gate:
    """One window of a role; a value closer to the limit than the limit's own error warns."""
    name = f"{symbol(item.key)} ({item.key.level})"
    limit = limit_text(item.window, key=item.key)
    if item.window != item.stated:
        limit += f"; stated {limit_text(item.stated, key=item.key)} ({item.scale})"
    margin = None if value is None else min(value - item.window.lower, item.window.upper - value)
    shown = (number(item.key, value), limit, number(item.key, margin), unit(item.key))
    return Gate(name, *shown, _window_verdict(margin, item.window.limits_std))


def limit_text(window: Window, *, key: PropertyKey) -> str:
    """``≤ 6.80``, ``≥ 2.40`` or ``5.00 to 5.60``."""
    lower, upper = (str(number(key, limit)) for limit in (window.lower, window.upper))
    if math.isinf(window.lower):
        return f"≤ {upper}"
    return f"≥ {lower}" if math.isinf(window.upper) else f"{lower} to {upper}"


def _window_verdict(margin: float | None, limits_std: float) -> str:
    if margin is None:
        return NOT_EVALUATED
    if abs(margin) < limits_std:
        return WARN
    return PASS if margin >= 0 else FAIL


def synthesis_gate(candidate: CandidateRecord) -> Gate:
    """SA score of the core: up to 5 passes, up to 6 a person decides."""
    score = candidate.sa_score_core
    verdict = PASS if score <= SA_CORE_PASS else WARN if score <= SA_CORE_LIMIT else FAIL
    return Gate(
        "SA score of the core",
        Number(score, 1),
        "≤ 5; to 6 a person decides",
        Number(SA_CORE_PASS - score, 1),
        "",
        verdict,
    )


def alert_gate(candidate: CandidateRecord) -> Gate:
    """Structural alerts; candidates with rejecting alerts are never selected, so what is left warns."""
    n_alerts = len(candidate.alerts)
    return Gate("Structural alerts", Number(n_alerts, 0), "none", Number(-n_alerts, 0), "", WARN if n_alerts else PASS)


def connectivity_gate(structures: list[ChargedStructure]) -> Gate:
    """Whether the molecule survives its charge: neutral, cation and anion connected as drawn."""
    changed = [structure.state for structure in structures if structure.molecule is None]
    verdict = NOT_EVALUATED if len(structures) < len(CHARGES) else FAIL if changed else PASS
    limit = f"changed: {', '.join(changed)}" if changed else "as drawn in all charge states"
    return Gate(
        "Connectivity of the ions", Number(len(structures) - len(changed), 0), limit, Number(None), "states", verdict
    )
