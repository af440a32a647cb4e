"""One campaign replayed: the first batch at random, then round by round what the arm chooses, labels looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.retrospective.arms import Arm
from heliosc.campaign.retrospective.models import POOL_MODELS
from heliosc.campaign.retrospective.objectives import PoolObjective
from heliosc.campaign.retrospective.pool import Pool
from heliosc.errors import InputError
from heliosc.selection.acquisition import Promise, get_acquisition
from heliosc.selection.diversity import Diversity, pick_diverse
from heliosc.selection.objectives import FloatArray, Window
from heliosc.selection.pareto import hypervolume, non_dominated_mask

_BLIND = "random"
TOP_SHARE = 0.01


@dataclass(frozen=True)
class Task:
    """What is sought in a pool.

    Attributes
    ----------
    windows : column -> window that must be met
    exact : columns that follow from the structure, known of every molecule
    batch_share, labelled_share : of the pool: each batch, the first included, and everything labelled at the end
    """

    pool: Pool
    objectives: tuple[PoolObjective, ...]
    windows: Mapping[str, Window] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()
    batch_share: float = 0.01
    labelled_share: float = 0.10

    def __post_init__(self) -> None:
        if not self.objectives or not 0 < self.batch_share < self.labelled_share <= 1:
            raise InputError(
                f"{len(self.objectives)} objectives, batches of {self.batch_share:g} up to {self.labelled_share:g}; "
                "expected one objective at least, and shares of the pool that grow"
            )
        if not self.is_inside.any():
            raise InputError("no molecule of the pool meets the windows")

    @cached_property
    def costs(self) -> FloatArray:
        """(n, k) true costs."""
        return np.column_stack([objective.cost(self.pool.columns) for objective in self.objectives])

    @cached_property
    def is_inside(self) -> NDArray[np.bool_]:
        """(n,) which molecules meet every window."""
        verdicts = [window.contains(self.pool.columns[name]) for name, window in self.windows.items()]
        return np.logical_and.reduce(verdicts, axis=0) if verdicts else np.ones(len(self.pool.smiles), dtype=bool)

    @cached_property
    def reference(self) -> FloatArray:
        """(k,) worst cost of each objective in the pool, the reference point of the hypervolume."""
        return self.costs.max(axis=0)

    @cached_property
    def best(self) -> NDArray[np.intp]:
        """Rows of the best hundredth by the first objective, of those inside the windows."""
        rows = np.flatnonzero(self.is_inside)
        n_best = max(1, round(TOP_SHARE * len(self.pool.smiles)))
        return rows[np.argsort(self.costs[rows, 0], kind="stable")[:n_best]]

    @cached_property
    def front(self) -> NDArray[np.intp]:
        """Rows of the true front."""
        rows = np.flatnonzero(self.is_inside)
        return rows[non_dominated_mask(self.costs[rows])]

    @cached_property
    def whole_hypervolume(self) -> float:
        return hypervolume(self.costs[self.front], self.reference)

    def measure(self, labelled: Sequence[int]) -> dict[str, float]:
        """What has been found: shares of the best hundredth, or of the hypervolume and of the front."""
        rows = np.asarray(labelled, dtype=np.intp)
        found = {"labelled": len(rows) / len(self.pool.smiles)}
        if len(self.objectives) == 1:
            return found | {"top": float(np.isin(self.best, rows).mean())}
        inside = rows[self.is_inside[rows]]
        reached = hypervolume(self.costs[inside], self.reference) / self.whole_hypervolume
        return found | {"hypervolume": reached, "front": float(np.isin(self.front, rows).mean())}


def replay(task: Task, arm: Arm, *, seed: int) -> list[dict[str, float]]:
    """Replay one campaign; the same task, arm and seed choose the same molecules.

    Returns
    -------
    After each batch but the first: the labelled share and what has been found
    """
    return [task.measure(labelled) for labelled in replay_choices(task, arm, seed=seed)[1:]]


def replay_choices(task: Task, arm: Arm, *, seed: int) -> list[list[int]]:
    """Rows labelled after each batch, in the order chosen."""
    n = len(task.pool.smiles)
    size = max(1, round(task.batch_share * n))
    rng = np.random.default_rng(seed)
    labelled = [int(row) for row in rng.choice(n, size, replace=False)]
    history = [list(labelled)]
    for turn in range(1, round(task.labelled_share / task.batch_share)):
        labelled += _choose(task, arm, labelled, size=size, seed=seed * 1_000 + turn)
        history.append(list(labelled))
    return history


def _choose(task: Task, arm: Arm, labelled: list[int], *, size: int, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    rows = np.setdiff1d(np.arange(len(task.pool.smiles)), labelled)
    if arm.acquisition == _BLIND:
        return [int(row) for row in rng.permutation(rows)[:size]]
    promise = _promise(task, arm, np.asarray(labelled), rows, size=size, seed=seed)
    score = get_acquisition(arm.acquisition)(promise, rng)
    ranked = rows[np.lexsort((rows, -score))]
    if arm.max_similarity == 1:
        return [int(row) for row in ranked[:size]]
    diversity = Diversity(max_similarity=arm.max_similarity, max_per_scaffold=size, trade_off=0.0)
    picks = pick_diverse([task.pool.smiles[row] for row in ranked], n=size, diversity=diversity)
    return [int(ranked[pick.position]) for pick in picks]


def _promise(
    task: Task, arm: Arm, labelled: NDArray[np.intp], rows: NDArray[np.intp], *, size: int, seed: int
) -> Promise:
    """What the arm's model, fitted to what is labelled, expects of the other rows."""
    columns, n_objectives = task.pool.columns, len(task.objectives)
    exact = task.exact if arm.uses_exact else frozenset()
    parts = [objective.parted(exact) for objective in task.objectives]
    targets = [_sum(columns, learnt, labelled) for learnt, _ in parts]
    targets += [columns[name][labelled] for name in task.windows]
    members = POOL_MODELS[arm.model](task.pool, labelled, np.column_stack(targets), seed)[:, rows]
    known = np.column_stack([_sum(columns, given, rows) for _, given in parts])
    costs = members[:, :, :n_objectives] + known
    mean, std = costs.mean(axis=0), costs.std(axis=0)
    inside = np.ones(len(rows))
    for number, window in enumerate(task.windows.values(), start=n_objectives):
        inside *= window.probability_inside(members[:, :, number].mean(axis=0), members[:, :, number].std(axis=0))
    return Promise(
        mean_cost=mean,
        optimistic_cost=mean - arm.beta * std,
        reference_cost=task.costs[labelled].max(axis=0),
        probability_inside=inside,
        weights=np.ones(n_objectives),
        std_cost=std,
        member_costs=costs,
        known_costs=task.costs[labelled[task.is_inside[labelled]]],
        n_batch=size,
        beta=arm.beta,
    )


def _sum(columns: Mapping[str, FloatArray], terms: Mapping[str, float], rows: NDArray[np.intp]) -> FloatArray:
    return np.sum([factor * columns[name][rows] for name, factor in terms.items()], axis=0) + np.zeros(len(rows))
