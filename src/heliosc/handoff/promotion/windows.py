"""A window applied to what is known of a candidate: probability of lying inside, margin, verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from heliosc.handoff.labels import format_number
from heliosc.handoff.promotion.criteria import Criteria, WindowCriterion
from heliosc.handoff.promotion.evidence import Evidence, Reading, best_reading, own_scale
from heliosc.handoff.promotion.ledger import GateEntry, Verdict
from heliosc.properties.names import property_definition
from heliosc.selection.objectives import Window

_PREFIXES = ("vertical", "adiabatic")
_WORSE_TIER = "fallback value: promotes nothing; compute it at the level that was asked for"


def window_entry(
    criterion: WindowCriterion, evidence: Sequence[Evidence], *, criteria: Criteria, kinds: frozenset[str]
) -> GateEntry:
    """One window of a role applied to a candidate."""
    unit = property_definition(criterion.property).unit
    reading = best_reading(criterion.property, criterion.limits, evidence, criteria=criteria, kinds=kinds)
    if reading is None:
        first = criterion.limits[0]
        return GateEntry(
            criterion.name,
            Verdict.NOT_EVALUATED,
            decides=not criterion.is_advisory and criterion.is_required,
            limit=limit_words(first.window, unit=unit, scale=first.scale),
            property=criterion.property,
            unit=unit,
            kind=kind_of(criterion.property),
            scale=first.scale,
            lower=_finite(first.window.lower),
            upper=_finite(first.window.upper),
            note=_why_not(criterion, evidence),
            source=criterion.source,
        )
    is_advisory = criterion.is_advisory or reading.limits.advisory
    probability = probability_inside(reading.limits.window, reading)
    verdict = _capped(_verdict(reading, criteria), reading, is_advisory=is_advisory)
    window = reading.limits.window
    return GateEntry(
        criterion.name,
        verdict,
        decides=not is_advisory,
        limit=limit_words(window, unit=unit, scale=reading.scale),
        property=criterion.property,
        value=reading.value,
        std=reading.std,
        unit=unit,
        level=reading.evidence.key.level,
        tier=reading.evidence.tier,
        scale=reading.scale,
        kind=kind_of(criterion.property),
        lower=_finite(window.lower),
        upper=_finite(window.upper),
        margin=min(reading.value - window.lower, window.upper - reading.value),
        probability=probability,
        grade=_grade(reading, criteria) if verdict is Verdict.PASS else "",
        note=_notes(reading),
        source=criterion.source,
    )


def probability_inside(window: Window, reading: Reading) -> float:
    """P(the true value lies inside the window)."""
    return float(window.probability_inside(reading.value, reading.std))


def verdict_of(probability: float, *, tolerated: float | None, criteria: Criteria) -> Verdict:
    """Pass, warn or fail by the thresholds of the criteria.

    Parameters
    ----------
    tolerated : probability of lying inside the tolerated limits; None where there are none
    """
    if probability >= criteria.pass_at:
        return Verdict.PASS
    lenient = probability if tolerated is None else tolerated
    return Verdict.WARN if lenient >= criteria.warn_at else Verdict.FAIL


def limit_words(window: Window, *, unit: str, scale: str | None) -> str:
    """``5.00 to 5.60 eV (CV)``, ``at most 6.80 eV (gas phase)``."""
    lower, upper = format_number(window.lower), format_number(window.upper)
    if math.isinf(window.lower):
        words = f"at most {upper}"
    elif math.isinf(window.upper):
        words = f"at least {lower}"
    else:
        words = f"{lower} to {upper}"
    return f"{words} {unit}{f' ({scale})' if scale else ''}"


def kind_of(property_name: str) -> str | None:
    """``vertical``, ``adiabatic`` or None."""
    return next((prefix for prefix in _PREFIXES if property_name.startswith(prefix)), None)


def _verdict(reading: Reading, criteria: Criteria) -> Verdict:
    tolerated = reading.limits.tolerated
    return verdict_of(
        probability_inside(reading.limits.window, reading),
        tolerated=None if tolerated is None else probability_inside(tolerated, reading),
        criteria=criteria,
    )


def _capped(verdict: Verdict, reading: Reading, *, is_advisory: bool) -> Verdict:
    if reading.evidence.is_fallback and verdict is Verdict.PASS:
        return Verdict.WARN
    return Verdict.WARN if is_advisory and verdict is Verdict.FAIL else verdict


def _grade(reading: Reading, criteria: Criteria) -> str:
    better = [name for name, part in reading.limits.grades if probability_inside(part, reading) >= criteria.pass_at]
    if not reading.limits.grades:
        return ""
    return better[0] if better else "possible"


def _notes(reading: Reading) -> str:
    notes = [reading.evidence.note] if reading.evidence.note else []
    if reading.evidence.is_fallback:
        notes.append(_WORSE_TIER)
    origin = own_scale(reading.evidence.key)
    if origin != reading.scale:
        notes.append(f"taken from the {origin} scale{f' {reading.note}' if reading.note else ''}")
    return "; ".join(notes)


def _why_not(criterion: WindowCriterion, evidence: Sequence[Evidence]) -> str:
    levels = sorted({item.key.level for item in evidence if item.key.name == criterion.property})
    if not levels:
        return f"no {criterion.property} was computed or measured"
    return f"no known error or scale for {', '.join(levels)}; add it to level_errors of the criteria"


def _finite(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
