"""One campaign replayed: the first batch at random, then round by round what the arm chooses, labels looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.retrospective.arms import Arm
from heliosc.campaign.retrospective.models import POOL_MODELS, learn_map
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
    derived : column -> columns of the same calculation that it is derived from
    batch_share, labelled_share : of the pool: each batch, the first included, and everything labelled at the end
    """

    pool: Pool
    objectives: tuple[PoolObjective, ...]
    windows: Mapping[str, Window] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batch_share: float = 0.01
    labelled_share: float = 0.10

    def __post_init__(self) -> None:
        if not self.objectives or not 0 < self.batch_share < self.labelled_share <= 1:
            raise InputError(
                f"{len(self.objectives)} objectives, batches of {self.batch_share:g} up to {self.labelled_share:g}; "
                "expected one objective at least, and shares of the pool that grow"
            )
        for objective in self.objectives:
            if not objective.parted(self.exact)[0]:
                raise InputError(f"{objective.text!r} is known of every molecule: there is nothing to choose by")
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
        """(k,) median cost of each objective in the pool, the reference point of the hypervolume.

        From the worst cost the volume would be large already for random molecules, and differences small.
        """
        return np.median(self.costs, axis=0)

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

    Raises
    ------
    InputError : weights of the arm for another number of objectives
    """
    if arm.weights and len(arm.weights) != len(task.objectives):
        raise InputError(f"{len(arm.weights)} weights for {len(task.objectives)} objectives; expected one each")
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
    if arm.max_similarity == 1 and arm.diversity == 0:
        return [int(row) for row in ranked[:size]]
    diversity = Diversity(max_similarity=arm.max_similarity, max_per_scaffold=size, trade_off=arm.diversity)
    picks = pick_diverse([task.pool.smiles[row] for row in ranked], n=size, diversity=diversity)
    return [int(ranked[pick.position]) for pick in picks]


def _promise(
    task: Task, arm: Arm, labelled: NDArray[np.intp], rows: NDArray[np.intp], *, size: int, seed: int
) -> Promise:
    """What the arm's model, fitted to what is labelled, expects of the other rows."""
    columns, n_objectives = task.pool.columns, len(task.objectives)
    exact = task.exact if arm.uses_exact else frozenset()
    parts = [objective.parted(exact) for objective in task.objectives]
    if arm.uses_exact or arm.uses_derived:
        guesses = _guess(task, arm, labelled, rows, {name for learnt, _ in parts for name in learnt}, seed=seed)
        learnt = np.stack([_sum(guesses, learnt) for learnt, _ in parts], axis=2)
    else:
        whole = {o.text: o.cost(columns) for o in task.objectives}  # as one number, whatever it is made of
        guesses = _fit(task, arm, labelled, rows, {**whole, **{name: columns[name] for name in task.windows}}, seed)
        learnt = np.stack([guesses[o.text] for o in task.objectives], axis=2)
        parts = [({}, {}) for _ in parts]
    known = np.column_stack([_sum({n: columns[n][rows] for n in given}, given, len(rows)) for _, given in parts])
    costs = learnt + known
    mean, std = costs.mean(axis=0), costs.std(axis=0)
    inside = np.ones(len(rows))
    for name, window in task.windows.items():
        inside *= window.probability_inside(guesses[name].mean(axis=0), guesses[name].std(axis=0))
    return Promise(
        mean_cost=mean,
        optimistic_cost=mean - arm.beta * std,
        reference_cost=task.costs[labelled].max(axis=0),
        probability_inside=inside,
        weights=np.array(arm.weights or (1.0,) * n_objectives),
        std_cost=std,
        member_costs=costs,
        known_costs=task.costs[labelled[task.is_inside[labelled]]],
        n_batch=size,
        beta=arm.beta,
    )


def _guess(
    task: Task, arm: Arm, labelled: NDArray[np.intp], rows: NDArray[np.intp], wanted: set[str], *, seed: int
) -> dict[str, FloatArray]:
    """Column -> (n_members, n_rows), of those wanted and of the windows; derived ones through what they come from."""
    columns = task.pool.columns
    derived = task.derived if arm.uses_derived else {}
    names = sorted(wanted | set(task.windows))
    direct = dict.fromkeys(source for name in names for source in derived.get(name, (name,)))
    guesses = _fit(task, arm, labelled, rows, {name: columns[name] for name in direct}, seed)
    for name in names:
        if name in derived:
            inputs = np.column_stack([columns[source][labelled] for source in derived[name]])
            apply = learn_map(inputs, columns[name][labelled], seed=seed)
            points = np.stack([guesses[source] for source in derived[name]], axis=2)
            guesses[name] = apply(points.reshape(-1, points.shape[2])).reshape(points.shape[:2])
    return guesses


def _fit(
    task: Task,
    arm: Arm,
    labelled: NDArray[np.intp],
    rows: NDArray[np.intp],
    targets: Mapping[str, FloatArray],
    seed: int,
) -> dict[str, FloatArray]:
    values = np.column_stack([values[labelled] for values in targets.values()])
    members = POOL_MODELS[arm.model](task.pool, labelled, values, seed)[:, rows]
    return {name: members[:, :, column] for column, name in enumerate(targets)}


def _sum(columns: Mapping[str, FloatArray], terms: Mapping[str, float], n: int = 0) -> FloatArray:
    if not terms:
        return np.zeros(n)
    return np.sum([factor * columns[name] for name, factor in terms.items()], axis=0)
