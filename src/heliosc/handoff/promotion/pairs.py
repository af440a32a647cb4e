"""Offsets of a candidate to a known partner as a gate."""

from __future__ import annotations

import math
from collections.abc import Sequence

from heliosc.handoff.partners import READING_ERROR_EV, Partner, get_partner
from heliosc.handoff.promotion.criteria import Criteria, Limits, PairCriterion
from heliosc.handoff.promotion.evidence import Evidence, Reading, best_reading
from heliosc.handoff.promotion.ledger import GateEntry, Verdict
from heliosc.handoff.promotion.windows import limit_words, verdict_of
from heliosc.selection.objectives import Window

_PROPERTY = {"hole": "vertical_ionization_energy", "electron": "vertical_electron_affinity"}
_ANY = Window(-math.inf, math.inf)


def pair_entry(
    criterion: PairCriterion, evidence: Sequence[Evidence], *, criteria: Criteria, kinds: frozenset[str]
) -> GateEntry:
    """The offset to the partner of the criterion, on the partner's scale.

    Raises
    ------
    InputError : the partner is not in the bundled table
    """
    partner = get_partner(criterion.partner)
    least = dict(criterion.least).get(partner.scale)
    property_name = _PROPERTY[criterion.offset]
    limits = [Limits(_ANY, scale=partner.scale)]
    reading = best_reading(property_name, limits, evidence, criteria=criteria, kinds=kinds)
    decides = not criterion.is_advisory
    if reading is None or least is None:
        why = f"no limit on the {partner.scale} scale" if least is None else f"no {property_name} to compare"
        return GateEntry(
            criterion.name, Verdict.NOT_EVALUATED, decides and criterion.is_required, property=property_name,
            unit="eV", scale=partner.scale, kind="vertical", note=f"{why} with {partner.name}", source=criterion.source,
        )  # fmt: skip
    return _judged(criterion, partner, reading, least=least, decides=decides, criteria=criteria)


def _judged(
    criterion: PairCriterion, partner: Partner, reading: Reading, *, least: float, decides: bool, criteria: Criteria
) -> GateEntry:
    level = partner.ionization_energy if criterion.offset == "hole" else partner.electron_affinity
    is_acceptor_candidate = partner.role == "donor"
    offset = reading.value - level if is_acceptor_candidate else level - reading.value
    std = math.hypot(reading.std, READING_ERROR_EV)
    window = Window(lower=least)
    probability = float(window.probability_inside(offset, std))
    verdict = verdict_of(probability, tolerated=None, criteria=criteria)
    if reading.evidence.is_fallback and verdict is Verdict.PASS:
        verdict = Verdict.WARN
    return GateEntry(
        criterion.name,
        Verdict.WARN if criterion.is_advisory and verdict is Verdict.FAIL else verdict,
        decides,
        limit=limit_words(window, unit="eV", scale=partner.scale),
        property=_PROPERTY[criterion.offset],
        value=offset,
        std=std,
        unit="eV",
        level=reading.evidence.key.level,
        tier=reading.evidence.tier,
        scale=partner.scale,
        kind="vertical",
        lower=least,
        margin=offset - least,
        probability=probability,
        note=f"to {partner.name} ({level:.2f} eV, {partner.doi})",
        source=criterion.source,
    )
