"""Selects the batch that deserves a calculation: predictions and a role in, picks with their reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.fingerprints import PackedFingerprints
from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, property_definition
from heliosc.selection.acquisition import DEFAULT_BETA, Acquisition, Promise, get_acquisition
from heliosc.selection.acquisition.bounds import front_of_score, multi_ucb, optimistic_front, pareto_ucb, random
from heliosc.selection.diversity import Diversity, Pick, pick_diverse
from heliosc.selection.estimates import Estimates, member_costs, probability_inside, role_estimates
from heliosc.selection.objectives import FloatArray
from heliosc.selection.pending import Pending, doubt_left
from heliosc.selection.roles import Role

_JUDGED_BESIDE_PENDING = 2_000  # candidates compared with what is being computed
_JUDGED_A_PICK = 40


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the predictions; each part may be absent.

    Attributes
    ----------
    success : (n_molecules,) probability that the calculation gives a result
    price : (n_molecules,) expected cost of the calculation, in any unit: scores are then per unit of cost
    known_costs : (n_known, n_objectives) costs of what is measured, for acquisitions by improvement
    pending : what is being computed: never chosen again, and it leaves less doubt about what is like it
    """

    success: FloatArray | None = None
    price: FloatArray | None = None
    known_costs: FloatArray | None = None
    pending: Pending | None = None

    def check(self, *, n_molecules: int, n_objectives: int) -> None:
        """Refuse what does not fit the predictions.

        Raises
        ------
        InputError : a wrong length, a probability outside [0, 1], a price that is not positive
        """
        for name, column in (("success", self.success), ("price", self.price)):
            if column is not None and column.shape != (n_molecules,):
                raise InputError(f"{name} has shape {column.shape}; expected one number a molecule, ({n_molecules},)")
        if self.success is not None and not ((self.success >= 0) & (self.success <= 1)).all():
            raise InputError("success holds numbers outside [0, 1]; expected probabilities")
        if self.price is not None and not ((self.price > 0) & np.isfinite(self.price)).all():
            raise InputError("price holds numbers that are not positive; expected the cost of each calculation")
        if self.known_costs is not None and self.known_costs.shape[1:] != (n_objectives,):
            raise InputError(f"known_costs has shape {self.known_costs.shape}; expected (n_known, {n_objectives})")


@dataclass(frozen=True, slots=True)
class Selection:
    """One molecule of the batch and why it was taken.

    Attributes
    ----------
    index : row in the predictions
    score : of the acquisition function, higher is better
    front : of the optimistic gains, 0 the best
    probability_inside : that the windows of the role are met
    optimistic : value of each objective within beta standard deviations of its mean
    similarity_to_batch : Tanimoto to the nearest earlier pick; None for the first
    similarity_to_known : Tanimoto to the nearest known molecule; None where no known fingerprints were given
    reason : the same in a sentence
    """

    index: int
    smiles: str
    score: float
    front: int
    probability_inside: float
    optimistic: Mapping[PropertyKey, float]
    scaffold: str
    similarity_to_batch: float | None
    similarity_to_known: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The rows that can be judged, best first, with what they are ranked by.

    Attributes
    ----------
    rows : (m,) rows of the predictions
    score, front, probability_inside : (m,)
    estimates : columns of (m,)
    """

    rows: NDArray[np.intp]
    score: FloatArray
    front: NDArray[np.intp]
    probability_inside: FloatArray
    estimates: Estimates


def select_batch(
    predictions: PredictionTable,
    *,
    role: Role,
    n: int,
    seed: int,
    acquisition: str = "pareto_ucb",
    beta: float = DEFAULT_BETA,
    diversity: Diversity | None = None,
    known_fingerprints: PackedFingerprints | None = None,
    sa_scores: FloatArray | None = None,
    circumstances: Circumstances | None = None,
) -> list[Selection]:
    """Choose up to ``n`` molecules, in the order picked; the same arguments give the same batch.

    Rows without a finite prediction of every property that the role needs are never chosen. Fewer than ``n`` come back
    when there are no more such rows, or when the diversity caps allow no more.

    Parameters
    ----------
    beta, acquisition, sa_scores, circumstances : see ``rank_pool``
    known_fingerprints : (n_known, 256) packed, of everything already known

    Raises
    ------
    InputError : see ``rank_pool``
    """
    ranking = rank_pool(
        predictions, role=role, n=n, seed=seed, acquisition=acquisition, beta=beta, sa_scores=sa_scores,
        circumstances=circumstances,
    )  # fmt: skip
    return pick_batch(
        ranking, predictions.smiles, role=role, n=n, beta=beta, diversity=diversity,
        known_fingerprints=known_fingerprints,
    )  # fmt: skip


def rank_pool(
    predictions: PredictionTable,
    *,
    role: Role,
    n: int,
    seed: int,
    acquisition: str = "pareto_ucb",
    beta: float = DEFAULT_BETA,
    sa_scores: FloatArray | None = None,
    circumstances: Circumstances | None = None,
) -> Ranking:
    """Score every molecule that can be judged for a role, as if ``n`` of them were to be chosen.

    Parameters
    ----------
    beta : standard deviations of optimism
    sa_scores : (n_molecules,) SA scores of the cores, for objectives on ``sa_score@structure``
    circumstances : prices, chances of success, what is known and what is pending

    Raises
    ------
    InputError : unknown acquisition, a property the model does not predict, missing SA scores, n < 1 or beta < 0,
        circumstances that do not fit
    """
    if n < 1 or not 0 <= beta < np.inf:
        raise InputError(f"cannot select {n} molecules with beta {beta}; expected n >= 1 and a finite beta >= 0")
    around = circumstances or Circumstances()
    around.check(n_molecules=len(predictions.smiles), n_objectives=len(role.objectives))
    task = _Task(predictions, role, around, get_acquisition(acquisition), n=n, beta=beta, seed=seed)
    return task.rank(role_estimates(role, predictions, sa_scores=sa_scores))


def pick_batch(
    ranking: Ranking,
    smiles: Sequence[str],
    *,
    role: Role,
    n: int,
    beta: float,
    diversity: Diversity | None = None,
    known_fingerprints: PackedFingerprints | None = None,
    beside: Sequence[str] = (),
) -> list[Selection]:
    """The best of a ranking that are unlike each other and what is known, see ``select_batch``.

    Parameters
    ----------
    smiles : of the predictions that were ranked
    beta : as in the ranking, for the reasons given
    beside : molecules that are in the batch already; the caps of diversity count them
    """
    picks = pick_diverse(
        [smiles[row] for row in ranking.rows],
        n=n,
        diversity=diversity or Diversity(),
        known=known_fingerprints,
        beside=beside,
    )
    return [_selection(pick, ranking, smiles=smiles, role=role, beta=beta) for pick in picks]


@dataclass(frozen=True, slots=True)
class _Task:
    """Ranking of candidates for one role."""

    predictions: PredictionTable
    role: Role
    around: Circumstances
    score_of: Acquisition
    n: int
    beta: float
    seed: int

    def rank(self, estimates: Estimates) -> Ranking:
        rows = self._judged(estimates)
        estimates = {key: (mean[rows], std[rows]) for key, (mean, std) in estimates.items()}
        left = None
        if self.around.pending is not None and self.score_of is not random:  # which no doubt can sway
            rows, estimates, left = self._beside_pending(rows, estimates, self.around.pending)
        promise = self._promise(rows, estimates, left)
        score = self.score_of(promise, np.random.default_rng(self.seed))
        front = front_of_score(score) if self.score_of is pareto_ucb else optimistic_front(promise)
        inside = probability_inside(self.role, estimates)
        order = np.lexsort((rows, -inside, -score))
        ordered = {key: (mean[order], std[order]) for key, (mean, std) in estimates.items()}
        return Ranking(rows[order], score[order], front[order], inside[order], ordered)

    def _judged(self, estimates: Estimates) -> NDArray[np.intp]:
        """Rows with every estimate, less those being computed."""
        is_open = np.logical_and.reduce([np.isfinite(m) & np.isfinite(s) for m, s in estimates.values()])
        if self.around.pending is not None:
            is_open &= ~np.isin(np.array(self.predictions.smiles, dtype=object), list(self.around.pending.smiles))
        return np.flatnonzero(is_open)

    def _beside_pending(
        self, rows: NDArray[np.intp], estimates: Estimates, pending: Pending
    ) -> tuple[NDArray[np.intp], Estimates, FloatArray]:
        """The most promising rows, with the doubt that pending calculations will leave about them, and its share."""
        best = np.argsort(-multi_ucb(self._promise(rows, estimates), np.random.default_rng(self.seed)), kind="stable")
        best = np.sort(best[: max(_JUDGED_BESIDE_PENDING, _JUDGED_A_PICK * self.n)])
        left = doubt_left([self.predictions.smiles[row] for row in rows[best]], pending)
        return rows[best], {key: (mean[best], std[best] * left) for key, (mean, std) in estimates.items()}, left

    def _promise(self, rows: NDArray[np.intp], estimates: Estimates, left: FloatArray | None = None) -> Promise:
        """``left`` : (n_rows,) share of the doubt of each member that pending calculations leave; None = all of it."""
        objectives, around = self.role.objectives, self.around
        chance = probability_inside(self.role, estimates)
        known = [] if around.known_costs is None else [around.known_costs]
        if around.pending is not None:
            known.append(around.pending.costs)
        price = None if around.price is None else around.price[rows] / np.median(around.price)
        return Promise(
            mean_cost=np.column_stack([o.cost(estimates[o.key][0]) for o in objectives]),
            optimistic_cost=np.column_stack(
                [o.cost(o.optimistic_value(*estimates[o.key], beta=self.beta)) for o in objectives]
            ),
            reference_cost=self.role.reference_costs,
            probability_inside=chance if around.success is None else chance * around.success[rows],
            weights=np.array([o.weight for o in objectives]),
            std_cost=np.column_stack([o.cost_std(*estimates[o.key]) for o in objectives]),
            member_costs=member_costs(self.role, self.predictions, estimates, rows=rows, left=left),
            known_costs=np.vstack(known) if known else np.zeros((0, len(objectives))),
            price=price,
            n_batch=self.n,
            beta=self.beta,
        )


def _selection(pick: Pick, ranking: Ranking, *, smiles: Sequence[str], role: Role, beta: float) -> Selection:
    at, row = pick.position, int(ranking.rows[pick.position])
    estimates = {o.key: tuple(float(part[at]) for part in ranking.estimates[o.key]) for o in role.objectives}
    optimistic = {o.key: float(o.optimistic_value(*estimates[o.key], beta=beta)) for o in role.objectives}
    front, inside = int(ranking.front[at]), float(ranking.probability_inside[at])
    sentence = [
        f"front {front + 1}",
        f"P(inside {role.name} window) {inside:.2f}",
        *(_describe(key, estimates[key], value, beta=beta) for key, value in optimistic.items()),
    ]
    if pick.similarity_to_batch is not None:
        sentence.append(f"similarity {pick.similarity_to_batch:.2f} to the batch")
    if pick.similarity_to_known is not None:
        sentence.append(f"{pick.similarity_to_known:.2f} to what is known")
    return Selection(
        index=row,
        smiles=smiles[row],
        score=float(ranking.score[at]),
        front=front,
        probability_inside=inside,
        optimistic=optimistic,
        scaffold=pick.scaffold,
        similarity_to_batch=pick.similarity_to_batch,
        similarity_to_known=pick.similarity_to_known,
        reason="; ".join(sentence),
    )


def _describe(key: PropertyKey, estimate: tuple[float, ...], optimistic: float, *, beta: float) -> str:
    symbol, unit = property_definition(key.name).symbol, "" if key.unit == "1" else f" {key.unit}"
    mean, std = estimate
    if std == 0:
        return f"{symbol} {mean:.2f}{unit}"
    return f"{symbol} {mean:.2f} +- {std:.2f}{unit} (at best {optimistic:.2f}, beta {beta:g})"
