"""Offsets and voltage beside a known partner as a gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.handoff.partners import READING_ERROR_EV, Partner, get_partner, load_partners
from heliosc.handoff.promotion.criteria import BEST_PARTNER, Criteria, Limits, PairCriterion
from heliosc.handoff.promotion.evidence import Evidence, best_reading
from heliosc.handoff.promotion.ledger import GateEntry, Verdict
from heliosc.handoff.promotion.windows import limit_words, verdict_of
from heliosc.selection.objectives import Window
from heliosc.selection.pairs import VOLTAGE_LOSS_V

_IE, _EA = "vertical_ionization_energy", "vertical_electron_affinity"
_ANY = Window(-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Level:
    """IE or EA with its standard error, eV."""

    value: float
    std: float


@dataclass(frozen=True, slots=True)
class PairOffsets:
    """A donor and an acceptor on one scale.

    Attributes
    ----------
    hole, electron : IE (EA) of the acceptor less that of the donor, eV, with standard error
    voltage : Scharber's estimate of Voc, V
    """

    hole: Level
    electron: Level
    voltage: float

    def probability(self, least: float) -> float:
        """That both offsets reach ``least``."""
        window = Window(lower=least)
        both = (float(window.probability_inside(side.value, side.std)) for side in (self.hole, self.electron))
        return math.prod(both)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Where the levels of a pair come from."""

    level: str | None = None
    tier: str | None = None
    is_fallback: bool = False
    note: str = ""


def pair_offsets(donor: tuple[Level, Level], acceptor: tuple[Level, Level]) -> PairOffsets:
    """Offsets of a pair, each given by its IE and EA on one scale."""
    (donor_ie, donor_ea), (acceptor_ie, acceptor_ea) = donor, acceptor
    return PairOffsets(
        _difference(acceptor_ie, donor_ie),
        _difference(acceptor_ea, donor_ea),
        donor_ie.value - acceptor_ea.value - VOLTAGE_LOSS_V,
    )


def judge_pair(
    donor: tuple[Level, Level], acceptor: tuple[Level, Level], *, scale: str, criteria: Criteria
) -> GateEntry:
    """The pair gate for a donor and an acceptor of one's own, IE and EA each, by the criteria of role ``donor``.

    Raises
    ------
    InputError : the criteria have no role ``donor``
    """
    rules = [item for item in criteria.role("donor").criteria if isinstance(item, PairCriterion)]
    offsets = pair_offsets(donor, acceptor)
    least = dict(rules[0].least).get(scale) if rules else None
    if least is None:
        note = f"no pair criterion on the {scale!r} scale"
        return GateEntry("pair", Verdict.NOT_EVALUATED, decides=True, unit="eV", scale=scale, note=note)
    return _entry(rules[0], offsets, scale=scale, least=least, criteria=criteria, facts=_Facts(note="as given"))


def pair_entry(
    criterion: PairCriterion, evidence: Sequence[Evidence], *, criteria: Criteria, kinds: frozenset[str]
) -> GateEntry:
    """The candidate beside the partner of the criterion, or the one that suits it best.

    Raises
    ------
    InputError : the partner is not in the bundled table
    """
    partners = _partners(criterion)
    scale = partners[0].scale
    readings = [
        best_reading(name, [Limits(_ANY, scale=scale)], evidence, criteria=criteria, kinds=kinds) for name in (_IE, _EA)
    ]
    least = dict(criterion.least).get(scale)
    known = [reading for reading in readings if reading is not None]
    if len(known) < len(readings) or least is None:
        why = f"no limit on the {scale} scale" if least is None else "needs IE and EA"
        return GateEntry(
            criterion.name, Verdict.NOT_EVALUATED, not criterion.is_advisory and criterion.is_required,
            unit="eV", scale=scale, kind="vertical", note=why, source=criterion.source,
        )  # fmt: skip
    own = (Level(known[0].value, known[0].std), Level(known[1].value, known[1].std))
    pairs = [(partner, _beside(own, partner, role=criterion.role)) for partner in partners]
    partner, offsets = max(
        pairs, key=lambda pair: (pair[1].voltage >= criterion.least_voltage, pair[1].probability(least))
    )
    worst = max(known, key=lambda reading: reading.rank)
    facts = _Facts(
        level=worst.evidence.key.level,
        tier=worst.evidence.tier,
        is_fallback=any(reading.evidence.is_fallback for reading in known),
        note=f"beside {partner.name} ({partner.doi})",
    )
    return _entry(criterion, offsets, scale=scale, least=least, criteria=criteria, facts=facts)


def _partners(criterion: PairCriterion) -> list[Partner]:
    if criterion.partner != BEST_PARTNER:
        return [get_partner(criterion.partner)]
    return [partner for partner in load_partners().values() if partner.role != criterion.role]


def _beside(own: tuple[Level, Level], partner: Partner, *, role: str) -> PairOffsets:
    other = (
        Level(partner.ionization_energy, READING_ERROR_EV),
        Level(partner.electron_affinity, READING_ERROR_EV),
    )
    return pair_offsets(own, other) if role == "donor" else pair_offsets(other, own)


def _entry(
    criterion: PairCriterion, offsets: PairOffsets, *, scale: str, least: float, criteria: Criteria, facts: _Facts
) -> GateEntry:
    probability = offsets.probability(least)
    verdict = verdict_of(probability, tolerated=None, criteria=criteria)
    if offsets.voltage < criterion.least_voltage:
        verdict = Verdict.FAIL
    if verdict is Verdict.PASS and facts.is_fallback:
        verdict = Verdict.WARN
    if verdict is Verdict.FAIL and criterion.is_advisory:
        verdict = Verdict.WARN
    return GateEntry(
        criterion.name,
        verdict,
        not criterion.is_advisory,
        limit=f"IE and EA {limit_words(Window(lower=least), unit='eV', scale=scale)}, "
        f"Voc at least {criterion.least_voltage:.2f} V",
        property=_IE,
        value=offsets.hole.value,
        std=offsets.hole.std,
        unit="eV",
        level=facts.level,
        tier=facts.tier,
        scale=scale,
        kind="vertical",
        lower=least,
        margin=min(offsets.hole.value, offsets.electron.value) - least,
        probability=probability,
        note=f"{facts.note}: IE offset {offsets.hole.value:.2f}, EA offset {offsets.electron.value:.2f} eV, "
        f"Voc about {offsets.voltage:.2f} V",
        source=criterion.source,
    )


def _difference(first: Level, second: Level) -> Level:
    return Level(first.value - second.value, math.hypot(first.std, second.std))
