"""What is expected of candidates, in the one form that every acquisition function reads.

References
----------
Schonlau, Welch, Jones, IMS Lect. Notes 1998, 34, 11, 10.1214/lnms/1215456182 (probability of feasibility).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is expected of n candidates under k objectives; costs are minimised.

    Attributes
    ----------
    mean_cost, optimistic_cost : (n, k), finite
    reference_cost : (k,)
    probability_inside : (n,) that the role's windows are met and that the calculation succeeds
    weights : (k,)
    std_cost : (n, k); None = no doubt
    member_costs : (n_members, n, k) costs as each member of an ensemble sees them; None = one model
    known_costs : (n_known, k) of what is measured, and of what is being computed at its expected cost
    price : (n,) expected cost of the calculation, the median candidate 1; None = all alike
    n_batch : candidates to be chosen together
    beta : standard deviations of optimism
    """

    mean_cost: FloatArray
    optimistic_cost: FloatArray
    reference_cost: FloatArray
    probability_inside: FloatArray
    weights: FloatArray
    std_cost: FloatArray | None = None
    member_costs: FloatArray | None = None
    known_costs: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    price: FloatArray | None = None
    n_batch: int = 1
    beta: float = 1.0

    @property
    def n_objectives(self) -> int:
        return len(self.reference_cost)

    @property
    def multiplier(self) -> FloatArray:
        """(n,) what a gain counts for: the probability that it comes to be, for each unit of its price."""
        return self.probability_inside if self.price is None else self.probability_inside / self.price

    @property
    def stds(self) -> FloatArray:
        """(n, k)"""
        return np.zeros_like(self.mean_cost) if self.std_cost is None else self.std_cost

    @property
    def known_front(self) -> FloatArray:
        """(n_known, k); no rows where nothing is known."""
        return self.known_costs.reshape(-1, self.n_objectives)

    def scale(self, costs: FloatArray) -> FloatArray:
        """(k,) largest improvement over the reference among these costs, 1 where there is none."""
        best = np.maximum(self.reference_cost - costs, 0.0).max(axis=0, initial=0.0)
        return np.where(best > 0, best, 1.0)

    def gains(self, costs: FloatArray) -> FloatArray:
        """(n, k) improvement over the reference, as a share of the best in the pool, times the multiplier."""
        improvement = np.maximum(self.reference_cost - costs, 0.0)
        return improvement / self.scale(costs) * self.multiplier[:, None]

    def rows(self, rows: NDArray[np.intp]) -> Promise:
        """The same for some of the candidates."""
        return Promise(
            self.mean_cost[rows],
            self.optimistic_cost[rows],
            self.reference_cost,
            self.probability_inside[rows],
            self.weights,
            None if self.std_cost is None else self.std_cost[rows],
            None if self.member_costs is None else self.member_costs[:, rows],
            self.known_costs,
            None if self.price is None else self.price[rows],
            self.n_batch,
            self.beta,
        )


Acquisition = Callable[[Promise, np.random.Generator], FloatArray]
"""(n,) score of each candidate, higher is better."""
