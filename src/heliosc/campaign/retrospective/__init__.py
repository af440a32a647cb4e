"""Campaigns replayed on pools whose every value is known: which way of choosing finds more with less."""

from heliosc.campaign.retrospective.arms import BASELINES, DEFAULT_ARM, Arm
from heliosc.campaign.retrospective.benchmark import Curve, replay_all, summarise
from heliosc.campaign.retrospective.objectives import (
    PoolObjective,
    parse_derivation,
    parse_objective,
    parse_window,
)
from heliosc.campaign.retrospective.pool import Pool, read_pool
from heliosc.campaign.retrospective.replay import Task, replay

__all__ = [
    "BASELINES",
    "DEFAULT_ARM",
    "Arm",
    "Curve",
    "Pool",
    "PoolObjective",
    "Task",
    "parse_derivation",
    "parse_objective",
    "parse_window",
    "read_pool",
    "replay",
    "replay_all",
    "summarise",
]
