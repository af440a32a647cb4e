"""What is being computed while the next batch is chosen: it counts as known at its expected value.

The expected value changes no mean, but it takes doubt away from what is like it, as in batches of Gaussian processes:
with similarity as the kernel, the variance left beside one known value is 1 - similarity^2.

References
----------
Desautels, Krause, Burdick, J. Mach. Learn. Res. 2014, 15, 4053 (hallucinated observations in batches).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliosc.chemistry.fingerprints import max_similarity, morgan_fingerprints
from heliosc.properties import PredictionTable
from heliosc.selection.estimates import role_estimates
from heliosc.selection.objectives import FloatArray
from heliosc.selection.roles import Role


@dataclass(frozen=True, slots=True)
class Pending:
    """Molecules being computed.

    Attributes
    ----------
    smiles : (n,) as in the predictions they were chosen from
    costs : (n_expected, n_objectives) expected costs of those that the model can predict
    """

    smiles: tuple[str, ...]
    costs: FloatArray


def pending_at_mean(predictions: PredictionTable, role: Role, *, sa_scores: FloatArray | None = None) -> Pending:
    """Molecules being computed, their outcomes taken to be what is predicted.

    Raises
    ------
    InputError : see ``role_estimates``
    """
    estimates = role_estimates(role, predictions, sa_scores=sa_scores)
    costs = np.column_stack([objective.cost(estimates[objective.key][0]) for objective in role.objectives])
    return Pending(predictions.smiles, costs[np.isfinite(costs).all(axis=1)])


def doubt_left(smiles: Sequence[str], pending: Pending) -> FloatArray:
    """(n,) share of each standard deviation that is left once the pending molecules are computed.

    Raises
    ------
    InputError : a SMILES cannot be read
    """
    nearest = max_similarity(morgan_fingerprints(smiles), morgan_fingerprints(pending.smiles)).astype(np.float64)
    return np.sqrt(np.maximum(1.0 - nearest**2, 0.0))
