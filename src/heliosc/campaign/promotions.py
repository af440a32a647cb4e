"""Promotion of candidates to a better level inside the loop: chosen, submitted, read back, summed up.

The values stay at their own level, in ``promotions.jsonl`` of the round that computed them, and never enter models or
fronts of the first level. The calculations are those of ``heliosc qc run`` at that level and share its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliosc.campaign.calculations import read_outcome
from heliosc.campaign.level_choice import LevelPlan, plan_levels
from heliosc.campaign.level_prices import level_prices
from heliosc.campaign.records import (
    CandidateRecord,
    PromotionRecord,
    format_lines,
    read_candidates,
    read_json_lines,
    read_promotions,
)
from heliosc.campaign.run_folder import RunFolder
from heliosc.campaign.workflows import check_program, submit_calculations
from heliosc.config import Config, QCSettings
from heliosc.errors import UsageError
from heliosc.execution import QCResultStore
from heliosc.files import write_atomically
from heliosc.properties import CalculationResult
from heliosc.qc.levels import level_scheme
from heliosc.selection.roles import Role

_HOUR_S = 3600.0


def promotes(config: Config) -> bool:
    """Whether the campaign computes at a second level."""
    return len(config.campaign.levels) > 1


def first_level_settings(config: Config) -> QCSettings:
    """Quantum chemistry of the first level; with a second one, program and keywords are meant for that."""
    return config.qc.model_copy(update={"program": "auto", "keywords": ()}) if promotes(config) else config.qc


def promotion_settings(config: Config) -> QCSettings:
    """Quantum chemistry of the last level; all else as configured."""
    return config.qc.model_copy(update={"level": config.campaign.levels[-1]}) if promotes(config) else config.qc


def check_promotion(config: Config) -> None:
    """Refuse, before the first round, a second level that is none or cannot be computed here.

    Raises
    ------
    UsageError : the level is one of xTB
    InputError, MissingDependencyError : the level or its program cannot be used
    """
    if not promotes(config):
        return
    scheme = level_scheme(config.campaign.levels[1])
    if scheme.single_points.is_xtb:
        raise UsageError(f"campaign.levels: {scheme.name} is no better level than gfn2; name one of DFT, e.g. dft-fast")
    check_program(scheme, promotion_settings(config))


def plan_round(
    fresh: Sequence[CandidateRecord],
    folder: RunFolder,
    store: QCResultStore,
    *,
    index: int,
    roles: Sequence[Role],
    config: Config,
    seed: int,
) -> LevelPlan:
    """Choose levels for a round's batch and for the candidates of earlier rounds; the second level's are submitted."""
    earlier, promoted = read_candidates(folder.path, before=index), read_promotions(folder.path, before=index)
    first, second = config.campaign.levels
    cap = config.campaign.core_hours_a_round or 0.0
    plan = plan_levels(
        fresh,
        earlier,
        promoted,
        roles=roles,
        prices=(
            level_prices(first, [(r.smiles, r.calculation_key) for r in earlier], store, config),
            level_prices(second, [(p.smiles, p.calculation_key) for p in promoted], store, config),
        ),
        budget_s=cap * _HOUR_S,
        seed=seed,
    )
    settings = promotion_settings(config)
    submission = submit_calculations(
        store, [p.smiles for p in plan.promotions], settings, asks_memory=config.execution.transport != "local"
    )
    keyed = [replace(p, calculation_key=submission.keys[p.smiles]) for p in plan.promotions]
    write_promotions(folder, index, keyed)
    return replace(plan, promotions=keyed)


def write_promotions(folder: RunFolder, index: int, promotions: Sequence[PromotionRecord]) -> None:
    write_atomically(folder.round(index) / "promotions.jsonl", format_lines(promotions))


def promotions_of_round(folder: RunFolder, index: int) -> list[PromotionRecord]:
    """What a round promotes; nothing in a campaign of one level."""
    file = folder.round(index) / "promotions.jsonl"
    return read_json_lines(file, lambda fields: PromotionRecord(**fields)) if file.exists() else []


def with_promotion_outcome(promotion: PromotionRecord, store: QCResultStore) -> PromotionRecord:
    """A promotion and what came of it; unchanged while it is unfinished."""
    outcome = read_outcome(store, promotion.smiles, promotion.calculation_key)
    if outcome is None:
        return promotion
    if isinstance(outcome, CalculationResult):
        values = {str(key): value for key, value in outcome.values.items()}
        return replace(promotion, computed=values, wall_time_s=outcome.wall_time_s)
    return replace(promotion, failure={"error_class": outcome.error_class, "reason": outcome.reason})


def level_notes(plan: LevelPlan, config: Config) -> dict[str, Any]:
    """What is written down of a choice of levels."""
    first, second = config.campaign.levels
    offsets = {
        str(key): {"offset": item.offset, "std": item.std, "source": item.source} for key, item in plan.offsets.items()
    }
    return {
        first: {"chosen": len(plan.records), "passed_over": plan.passed_over},
        second: {
            "chosen": len(plan.promotions),
            "why": {promotion.candidate: promotion.reason for promotion in plan.promotions},
            "offsets_from_first": offsets,
        },
    }


def level_summary(
    notes: Mapping[str, Mapping[str, Any]], promotions: Sequence[PromotionRecord], store: QCResultStore
) -> dict[str, dict[str, Any]]:
    """The notes of a round with what came of its promotions, by level; empty with one level."""
    summary = {level: dict(entries) for level, entries in notes.items()}
    for level in {promotion.level for promotion in promotions}:
        summary[level]["computed"] = sum(bool(promotion.computed) for promotion in promotions)
        summary[level]["failed"] = sum(promotion.failure is not None for promotion in promotions)
        summary[level]["core_seconds"] = sum(
            attempt.cpu_s or 0.0 for promotion in promotions for attempt in store.attempts(promotion.calculation_key)
        )
    return summary


def better_values(run_folder: Path) -> dict[str, dict[str, float]]:
    """Candidate id -> ``name@level`` -> value, of what was promoted and computed."""
    found: dict[str, dict[str, float]] = {}
    for promotion in read_promotions(run_folder):
        found.setdefault(promotion.candidate, {}).update(promotion.computed)
    return found


def with_better_values(result: Mapping[str, Any], better: Mapping[str, float] | None) -> dict[str, Any]:
    """A result with the values of the better level beside its own, each under its level, for the hand-off.

    Parameters
    ----------
    better : of this candidate; None = never promoted
    """
    return {**result, "values": {**(better or {}), **result["values"]}}
