"""Which molecule at which level in a round: new ones at the first, the best of earlier rounds at the better one.

Every pair of molecule and level is worth the expected gain of the role's merit for its price
(``heliosc.selection.fidelity``). The incumbent of a role is the best merit that is computed or expected, so nothing is
chosen twice for what is known. Values of the better level are seen from the first: less the offset that molecules
known at both have in common, so that windows and references, which stand at the first level, hold for them. They are
stored as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heliosc.campaign.level_prices import LevelPrices
from heliosc.campaign.records import CandidateRecord, PromotionRecord
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.selection.estimates import SA_SCORE
from heliosc.selection.failures import FailureModel
from heliosc.selection.fidelity import Assignment, Fidelity, choose_levels
from heliosc.selection.level_offsets import DEFAULT_SPREADS, LevelOffset, fit_offset
from heliosc.selection.merit import MeritMoments, merit, merit_moments, objective_spans
from heliosc.selection.objectives import FloatArray
from heliosc.selection.roles import Role

Offsets = Mapping[PropertyKey, LevelOffset]
"""Key at the first level -> what the better level makes of its value."""


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """What a round computes.

    Attributes
    ----------
    records : new candidates at the first level
    promotions : candidates of this or earlier rounds at the better level
    passed_over : new candidates that the budget left out
    offsets : what was known of the levels when it was chosen
    """

    records: list[CandidateRecord]
    promotions: list[PromotionRecord]
    passed_over: int
    offsets: Offsets


@dataclass(frozen=True, slots=True)
class _Option:
    """A candidate with what is expected of its merit, its gain counted from the incumbent of its role."""

    record: CandidateRecord
    is_new: bool
    mean: float
    std: float
    residual_std: float
    incumbent: float


def plan_levels(
    fresh: Sequence[CandidateRecord],
    earlier: Sequence[CandidateRecord],
    promoted: Sequence[PromotionRecord],
    *,
    roles: Sequence[Role],
    prices: tuple[LevelPrices, LevelPrices],
    budget_s: float,
    seed: int,
) -> LevelPlan:
    """Choose levels of a round until its budget is spent; one new candidate is always computed, to learn from.

    Parameters
    ----------
    fresh : the round's batch, best first
    earlier : candidates of earlier rounds, values of the better level beside the others
    promoted : every promotion of earlier rounds; what was promoted is not chosen again, whatever came of it
    prices : of the first and the better level
    budget_s : core seconds
    """
    offsets = {key: _offset(key, earlier) for role in roles for key in role.keys if key.name in DEFAULT_SPREADS}
    tried = {promotion.candidate for promotion in promoted}
    options = [
        option
        for number, role in enumerate(roles)
        for option in _options(role, fresh, earlier, tried=tried, offsets=offsets, seed=seed + number)
    ]
    chosen = _assign(options, prices, success=_success(options, earlier), budget_s=budget_s) if options else []
    by_id = {options[item.index].record.id: item for item in chosen}
    left = budget_s - sum(item.cost for item in chosen)
    kept = _affordable(fresh, set(by_id), prices[0], left_s=left)
    option_of = {option.record.id: option for option in options}
    records = [_said(record, by_id.get(record.id), option_of[record.id], prices) for record in kept]
    better = [item for item in chosen if item.level == prices[1].level]
    promotions = [_promotion(options[item.index], item, prices, round_=fresh[0].round) for item in better]
    return LevelPlan(records, promotions, len(fresh) - len(records), offsets)


def _affordable(
    fresh: Sequence[CandidateRecord], chosen: set[str], price: LevelPrices, *, left_s: float
) -> list[CandidateRecord]:
    """New candidates that are computed: those chosen by gain, then in their order what the rest pays, one at least."""
    costs = price.core_seconds([record.smiles for record in fresh])
    kept = []
    for record, cost in zip(fresh, costs, strict=True):
        if record.id not in chosen and cost <= left_s:
            left_s -= float(cost)
            kept.append(record.id)
    return [record for record in fresh if record.id in chosen or record.id in kept] or list(fresh[:1])


def better_value(record: CandidateRecord, name: str) -> float | None:
    """The value of a property at the DFT level that the campaign promotes to; None where there is none."""
    found = (PropertyKey.parse(text) for text in record.computed)
    key = next((key for key in found if key.name == name and level_of_theory(key.level).tier == "dft"), None)
    return None if key is None else record.computed[str(key)]


def _offset(key: PropertyKey, records: Sequence[CandidateRecord]) -> LevelOffset:
    pairs = [
        (record.computed[str(key)], value)
        for record in records
        if str(key) in record.computed and (value := better_value(record, key.name)) is not None
    ]
    cheap, better = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return fit_offset(cheap, better, prior_spread=DEFAULT_SPREADS[key.name])


def _options(
    role: Role,
    fresh: Sequence[CandidateRecord],
    earlier: Sequence[CandidateRecord],
    *,
    tried: set[str],
    offsets: Offsets,
    seed: int,
) -> list[_Option]:
    """Candidates of a role that can be computed: new ones, and computed ones that were never promoted.

    What the better level says of a promoted one has taken the place of what was expected of it.
    """
    new = [record for record in fresh if record.role == role.name]
    known = [record for record in earlier if record.role == role.name and _is_complete(record, role)]
    records = [*new, *(record for record in known if record.id not in tried)]
    if not records:
        return []
    means, stds = _estimates(role, new, records[len(new) :])
    spans = objective_spans(role, means)
    spreads = {key: offset.std for key, offset in offsets.items()}
    moments = merit_moments(role, means, stds, spreads=spreads, spans=spans, seed=seed)
    incumbent = max(float(moments.mean.max()), _best_at_better_level(role, known, offsets, spans))
    return [
        _option(record, moments, row, is_new=row < len(new), incumbent=incumbent) for row, record in enumerate(records)
    ]


def _option(record: CandidateRecord, moments: MeritMoments, row: int, *, is_new: bool, incumbent: float) -> _Option:
    mean, std, left = (float(part[row]) for part in (moments.mean, moments.std, moments.residual_std))
    return _Option(record, is_new, mean, std, left, incumbent)


def _is_complete(record: CandidateRecord, role: Role) -> bool:
    return all(key == SA_SCORE or str(key) in record.computed for key in role.keys)


def _estimates(
    role: Role, new: Sequence[CandidateRecord], known: Sequence[CandidateRecord]
) -> tuple[dict[PropertyKey, FloatArray], dict[PropertyKey, FloatArray]]:
    """Mean and standard deviation at the first level, predictions of the new and values of the known."""
    means, stds = {}, {}
    for key in role.keys:
        if key == SA_SCORE:
            means[key] = np.array([record.sa_score_core for record in [*new, *known]])
            stds[key] = np.zeros(len(means[key]))
            continue
        guesses = [record.predicted[str(key)] for record in new]
        means[key] = np.array([guess.mean for guess in guesses] + [record.computed[str(key)] for record in known])
        stds[key] = np.array([guess.std for guess in guesses] + [0.0] * len(known))
    return means, stds


def _best_at_better_level(role: Role, known: Sequence[CandidateRecord], offsets: Offsets, spans: FloatArray) -> float:
    """Largest merit of what is computed at the better level, seen from the first; 0 where nothing is."""
    seen = [_seen_from_first_level(record, role, offsets) for record in known]
    both = [values for values in seen if values is not None]
    if not both:
        return 0.0
    return float(merit(role, {key: np.array([v[key] for v in both]) for key in role.keys}, spans=spans).max())


def _seen_from_first_level(record: CandidateRecord, role: Role, offsets: Offsets) -> dict[PropertyKey, float] | None:
    """Values of the better level less its offset, those of the first where it has none; None without any."""
    values: dict[PropertyKey, float] = {}
    is_better = False
    for key in role.keys:
        value = better_value(record, key.name) if key in offsets else None
        offset = offsets[key].offset if value is not None else None
        if value is not None and offset is not None:
            values[key], is_better = value - offset, True
        else:
            values[key] = record.sa_score_core if key == SA_SCORE else record.computed[str(key)]
    return values if is_better else None


def _success(options: Sequence[_Option], earlier: Sequence[CandidateRecord]) -> FloatArray:
    """(n_options,) chance that new molecules give a result, from earlier failures; 1 for what has given one already."""
    finished = [record for record in earlier if record.computed or record.failure is not None]
    model = FailureModel.fit([record.smiles for record in finished], [not record.computed for record in finished])
    if model.classifier is None:
        return np.ones(len(options))
    failing = model.probability([option.record.smiles for option in options])
    return np.where([option.is_new for option in options], 1.0 - failing, 1.0)


def _assign(
    options: Sequence[_Option], prices: tuple[LevelPrices, LevelPrices], *, success: FloatArray, budget_s: float
) -> list[Assignment]:
    smiles = [option.record.smiles for option in options]
    cheap, better = (price.core_seconds(smiles) for price in prices)
    is_new = np.array([option.is_new for option in options])
    return choose_levels(
        np.array([option.mean - option.incumbent for option in options]),
        np.array([option.std for option in options]),
        levels=[
            Fidelity(prices[0].level, np.array([option.residual_std for option in options]), cheap),
            Fidelity(prices[1].level, 0.0, better + np.where(is_new, cheap, 0.0)),  # a new one is computed at both
        ],
        best_known=0.0,
        budget=budget_s,
        success=success,
    )


def _said(
    record: CandidateRecord, item: Assignment | None, option: _Option, prices: tuple[LevelPrices, LevelPrices]
) -> CandidateRecord:
    if item is None:
        return replace(
            record, reason=f"{record.reason}; {prices[0].level}: no gain to be expected, computed to learn from"
        )
    return replace(record, reason=f"{record.reason}; {_why(item, option, prices)}")


def _promotion(
    option: _Option, item: Assignment, prices: tuple[LevelPrices, LevelPrices], *, round_: int
) -> PromotionRecord:
    record = option.record
    return PromotionRecord(
        record.id, record.smiles, record.role, round_, item.level, item.expected_gain, item.cost, prices[1].source,
        _why(item, option, prices),
    )  # fmt: skip


def _why(item: Assignment, option: _Option, prices: tuple[LevelPrices, LevelPrices]) -> str:
    source = next(price.source for price in prices if price.level == item.level)
    told = "predicted" if option.is_new else f"at {prices[0].level}"
    return (
        f"{item.level}: expected gain {item.expected_gain:.2g} for {item.cost:.3g} core s ({source}); merit "
        f"{option.mean:.3f} +- {option.std:.3f} {told}, best of the role {option.incumbent:.3f}"
    )
