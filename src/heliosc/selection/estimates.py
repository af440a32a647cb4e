"""Mean and standard deviation of what a role needs, from predictions and from the structure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.objectives import FloatArray
from heliosc.selection.partners import pair_estimates, with_pair_values
from heliosc.selection.roles import Role

SA_SCORE = PropertyKey("sa_score", "structure")

Estimates = Mapping[PropertyKey, tuple[FloatArray, FloatArray]]
"""Key -> mean and standard deviation, each (n_molecules,)."""


def role_estimates(role: Role, predictions: PredictionTable, *, sa_scores: FloatArray | None = None) -> Estimates:
    """Every property that the role's windows and objectives need, those of a pair with the role's partner included.

    Raises
    ------
    InputError : the model does not predict one of them, or SA scores are needed and absent or of another length
    """
    own = {key: _estimate(key, predictions, sa_scores) for key in role.keys}
    if role.partner is None:
        return own
    return own | pair_estimates(role.partner, own[role.partner.ionization_key], own[role.partner.affinity_key])


def probability_inside(role: Role, estimates: Estimates) -> FloatArray:
    """(n_molecules,) probability that all windows of the role are met, their errors taken as independent."""
    n_molecules = len(next(iter(estimates.values()))[0])
    probability = np.ones(n_molecules)
    for window in role.windows:
        probability *= window.window.probability_inside(*estimates[window.key])
    return probability


def member_costs(
    role: Role,
    predictions: PredictionTable,
    estimates: Estimates,
    *,
    rows: NDArray[np.intp],
    left: FloatArray | None = None,
) -> FloatArray | None:
    """(n_members, n_rows, n_objectives) costs as each member sees them; None where the model keeps no members.

    What is exact is the same for all members.

    Parameters
    ----------
    left : (n_rows,) share of what sets the members apart that is left once pending calculations are done; None = all
    """
    members = predictions.members
    if members is None:
        return None
    shape = (len(members), len(rows))
    values = {
        key: np.broadcast_to(estimates[key][0], shape)
        if key == SA_SCORE
        else _drawn_together(members[:, rows, predictions.column(key)], left)
        for key in role.keys
    }
    values = dict(with_pair_values(role.partner, values))
    return np.stack([objective.cost(values[objective.key]) for objective in role.objectives], axis=2)


def _drawn_together(values: FloatArray, left: FloatArray | None) -> FloatArray:
    """(n_members, n_rows) with the share ``left`` of their distance from their mean."""
    if left is None:
        return values
    mean = values.mean(axis=0)
    return np.asarray(mean + (values - mean) * left, dtype=np.float64)


def _estimate(
    key: PropertyKey, predictions: PredictionTable, sa_scores: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    if key == SA_SCORE:
        return _exact(sa_scores, n_molecules=len(predictions.smiles))
    column = predictions.column(key)
    return predictions.mean[:, column], predictions.std[:, column]


def _exact(sa_scores: FloatArray | None, *, n_molecules: int) -> tuple[FloatArray, FloatArray]:
    if sa_scores is None or np.shape(sa_scores) != (n_molecules,):
        found = "none" if sa_scores is None else f"shape {np.shape(sa_scores)}"
        raise InputError(
            f"the role needs the SA score of each core, expected ({n_molecules},), got {found}; "
            "pass sa_scores, e.g. from heliosc.chemistry.synthesizability.core_sa_score"
        )
    return np.asarray(sa_scores, dtype=np.float64), np.zeros(n_molecules)
