"""Ways of choosing that are compared: a model, an acquisition function and what goes with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from heliosc.campaign.retrospective.models import POOL_MODELS
from heliosc.errors import InputError
from heliosc.selection.acquisition import DEFAULT_BETA, get_acquisition


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of choosing.

    Attributes
    ----------
    model : one of ``POOL_MODELS``
    beta : standard deviations of optimism
    max_similarity : Tanimoto cap within a batch, 1 = none
    diversity : 0 follows the ranking, 1 takes what is least like the batch
    weights : of the objectives, where an acquisition sums them; none = all alike
    uses_exact : whether columns that follow from the structure are taken as known rather than learnt
    uses_derived : whether columns that are derived from others are predicted through those
    """

    name: str
    model: str = "trees"
    acquisition: str = "pareto_ucb"
    beta: float = DEFAULT_BETA
    max_similarity: float = 1.0
    uses_exact: bool = True
    uses_derived: bool = True
    diversity: float = 0.0
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.model not in POOL_MODELS:
            raise InputError(f"unknown model {self.model!r} of a pool; expected one of: {', '.join(POOL_MODELS)}")
        if not 0 <= self.beta < float("inf") or not 0 < self.max_similarity <= 1:
            raise InputError(f"{self}: expected a finite beta >= 0 and a similarity above 0, up to 1")
        if not 0 <= self.diversity <= 1 or not all(0 < weight < float("inf") for weight in self.weights):
            raise InputError(f"{self}: expected a diversity from 0 to 1 and positive weights")
        get_acquisition(self.acquisition)

    def settings(self) -> dict[str, Any]:
        """Everything that changes the outcome; what came later only where it differs, so that earlier replays count."""
        settings = {name: value for name, value in asdict(self).items() if name != "name"}
        return {name: value for name, value in settings.items() if value or name not in ("diversity", "weights")}


DEFAULT_ARM = Arm("heliosc")
BASELINES = (
    Arm("random", model="forest", acquisition="random", beta=2.0, uses_exact=False, uses_derived=False),
    Arm("forest-greedy", model="forest", acquisition="greedy", beta=2.0, uses_exact=False, uses_derived=False),
    Arm("forest-UCB", model="forest", acquisition="pareto_ucb", beta=2.0, uses_exact=False, uses_derived=False),
)
