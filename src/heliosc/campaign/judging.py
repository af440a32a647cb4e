"""How good computed molecules are for a role: window shares, ranking, hypervolume, and the random baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.records import CandidateRecord
from heliosc.properties import PropertyKey, PropertyTable, level_of_theory
from heliosc.selection.estimates import SA_SCORE
from heliosc.selection.objectives import FloatArray
from heliosc.selection.pareto import hypervolume, non_dominated_mask, non_dominated_rank
from heliosc.selection.partners import with_pair_values
from heliosc.selection.roles import Role, meets_window

_N_BASELINES = 50


@dataclass(frozen=True, slots=True)
class Judged:
    """Computed molecules seen through one role.

    Attributes
    ----------
    costs : (n_molecules, n_objectives), lower is better, NaN = not known
    meets : (n_molecules,) True, False or None where a needed value is missing
    """

    role: Role
    costs: FloatArray
    meets: tuple[bool | None, ...]

    @property
    def window_share(self) -> list[int]:
        """[molecules that meet the window, molecules that could be judged]."""
        verdicts = [verdict for verdict in self.meets if verdict is not None]
        return [sum(verdicts), len(verdicts)]

    def hypervolume(self) -> float:
        """Of the molecules whose every objective is known, against the role's reference point."""
        return hypervolume(self.costs[self._is_complete()], self.role.reference_costs)

    def front_share(self, others: Judged) -> float:
        """Share of the front of these molecules and others together that is these."""
        mine, theirs = self.costs[self._is_complete()], others.costs[others._is_complete()]
        on_front = non_dominated_mask(np.vstack([mine, theirs]))
        return float(on_front[: len(mine)].sum() / max(on_front.sum(), 1))

    def best_first(self) -> NDArray[np.intp]:
        """Rows with every objective known: window met first, then by front, then by summed relative cost."""
        rows = np.flatnonzero(self._is_complete())
        if not len(rows):
            return rows
        costs = self.costs[rows]
        fronts = non_dominated_rank(costs)
        misses = np.array([self.meets[row] is not True for row in rows])
        relative = costs - self.role.reference_costs
        return rows[np.lexsort((relative.sum(axis=1), fronts, misses))]

    def random_hypervolume(self, size: int, *, seed: int) -> float:
        """Mean hypervolume of ``size`` molecules drawn from these."""
        complete = self.costs[self._is_complete()]
        rng = np.random.default_rng(seed)
        draws = (rng.choice(len(complete), min(size, len(complete)), replace=False) for _ in range(_N_BASELINES))
        return float(np.mean([hypervolume(complete[rows], self.role.reference_costs) for rows in draws]))

    def _is_complete(self) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.costs).all(axis=1))


def judge(role: Role, table: PropertyTable, *, sa_scores: FloatArray) -> Judged:
    """Look at computed molecules through a role.

    Parameters
    ----------
    sa_scores : (n_molecules,) SA scores of the cores
    """
    values = with_pair_values(role.partner, {key: _column(table, key, sa_scores) for key in role.keys})
    costs = np.column_stack([objective.cost(values[objective.key]) for objective in role.objectives])
    return Judged(role, costs, tuple(meets_window(role, values) for values in _rows(table)))


def table_of(
    smiles: Sequence[str], values: Sequence[Mapping[PropertyKey, float]], keys: Sequence[PropertyKey]
) -> PropertyTable:
    """Records as a table; what a record does not know is NaN."""
    array = np.array([[record.get(key, np.nan) for key in keys] for record in values], dtype=np.float64)
    return PropertyTable(tuple(smiles), tuple(keys), array.reshape(len(smiles), len(keys)))


def judgeable_table(records: Sequence[CandidateRecord], keys: Sequence[PropertyKey]) -> PropertyTable:
    """Computed values, and predictions of what only a laboratory can measure; for judging, never to learn from."""
    values = []
    for record in records:
        predicted = {PropertyKey.parse(name): value.mean for name, value in record.predicted.items()}
        computed = {PropertyKey.parse(name): value for name, value in record.computed.items()}
        values.append({key: value for key, value in predicted.items() if is_measured_only(key)} | computed)
    return table_of([record.smiles for record in records], values, keys)


def is_measured_only(key: PropertyKey) -> bool:
    """Whether no calculation gives it."""
    return level_of_theory(key.level).tier == "experiment"


def _column(table: PropertyTable, key: PropertyKey, sa_scores: FloatArray) -> FloatArray:
    if key == SA_SCORE:
        return sa_scores
    return table.column(key) if key in table.keys else np.full(len(table.smiles), np.nan)


def _rows(table: PropertyTable) -> list[dict[PropertyKey, float]]:
    return [dict(zip(table.keys, map(float, row), strict=True)) for row in table.values]
