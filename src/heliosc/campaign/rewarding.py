"""What a proposed molecule earns in a role, by the surrogate: the reward of policy-gradient fine-tuning.

reward = merit of the predicted values (``heliosc.selection.merit``) * P(inside the role's windows), by the surrogate's
calibrated doubt; 0 for what a hard constraint of the campaign stops. At least 0, where 1 is ideal in everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heliosc.campaign.proposal import constraints_of
from heliosc.config import Config
from heliosc.properties import PropertyTable
from heliosc.selection.constraints import apply_constraints
from heliosc.selection.estimates import SA_SCORE, probability_inside, role_estimates
from heliosc.selection.merit import merit, objective_spans
from heliosc.selection.objectives import FloatArray
from heliosc.selection.roles import Role

if TYPE_CHECKING:
    from heliosc.generation.protocol import PropertyModel

Reward = Callable[[Sequence[str]], FloatArray]


def role_reward(
    role: Role, surrogate: PropertyModel, library: PropertyTable, *, sa_scores: FloatArray, config: Config
) -> Reward:
    """SMILES -> (n,) rewards.

    Parameters
    ----------
    library, sa_scores : known values, by which objectives without goal or bound are scaled
    config : its hard constraints
    """
    known = {key: library.column(key) for key in role.keys if key in library.keys} | {SA_SCORE: sa_scores}
    unknown = np.full(len(library.smiles), np.nan)
    spans = objective_spans(role, {key: known.get(key, unknown) for key in role.keys})
    without_windows, constraints = replace(role, windows=()), constraints_of(config)

    def reward(smiles: Sequence[str]) -> FloatArray:
        kept = apply_constraints(smiles, constraints).kept
        rewards = np.zeros(len(smiles))
        if not kept:
            return rewards
        predictions = surrogate.predict([molecule.smiles for molecule in kept])
        scores = np.array([molecule.core_sa_score for molecule in kept])
        estimates = role_estimates(role, predictions, sa_scores=scores)
        gains = merit(without_windows, {key: mean for key, (mean, _) in estimates.items()}, spans=spans)
        rewards[[molecule.index for molecule in kept]] = gains * probability_inside(role, estimates)
        return rewards

    return reward
