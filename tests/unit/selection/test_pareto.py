import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliosc.errors import InputError
from heliosc.selection.pareto import (
    crowding_distance,
    hypervolume,
    hypervolume_contributions,
    non_dominated_mask,
    non_dominated_rank,
    spread_in_front,
)

#   front 0: (0,3) (1,1) (3,0); front 1: (2,2) (1,3); front 2: (3,3)
POINTS = np.array([[0, 3], [1, 1], [3, 0], [2, 2], [3, 3], [1, 3]], dtype=float)

# whole numbers make ties and equal rows common
tables = st.integers(1, 4).flatmap(
    lambda k: st.integers(1, 14).flatmap(lambda n: arrays(np.float64, (n, k), elements=st.integers(0, 5).map(float)))
)


def _dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def _brute_force_rank(costs: np.ndarray) -> np.ndarray:
    rank = np.full(len(costs), -1)
    front = 0
    while (rank < 0).any():
        left = np.flatnonzero(rank < 0)
        rank[[i for i in left if not any(_dominates(costs[j], costs[i]) for j in left)]] = front
        front += 1
    return rank


def _grid_volume(costs: np.ndarray, reference: int) -> int:
    """Unit cells between the points and the reference, counted one by one."""
    axes = np.meshgrid(*[np.arange(reference)] * costs.shape[1], indexing="ij")
    cells = np.stack([axis.ravel() for axis in axes], axis=1)
    return int((costs[None] <= cells[:, None]).all(axis=2).any(axis=1).sum())


def test_hand_worked_fronts() -> None:
    assert non_dominated_mask(POINTS).tolist() == [True, True, True, False, False, False]
    assert non_dominated_rank(POINTS).tolist() == [0, 0, 0, 1, 2, 1]


def test_hand_worked_hypervolume() -> None:
    # reference (4, 4): strips of width 1, 2 and 1 and height 1, 3 and 4
    assert hypervolume(POINTS[:3], (4, 4)) == pytest.approx(1 * 1 + 2 * 3 + 1 * 4)
    # (0,3) alone owns x 0-1, y 3-4; (1,1) alone x 1-3, y 1-3; (3,0) alone x 3-4, y 0-1
    assert hypervolume_contributions(POINTS[:3], (4, 4)).tolist() == [1, 4, 1]
    assert hypervolume(POINTS, (4, 4)) == pytest.approx(11)
    assert hypervolume_contributions(POINTS, (4, 4))[3:].tolist() == [0, 0, 0]


def test_points_beyond_the_reference_add_nothing() -> None:
    assert hypervolume([[5.0, 0.0]], (4, 4)) == 0
    assert hypervolume(np.zeros((0, 2)), (4, 4)) == 0


@given(tables)
@settings(deadline=None)
def test_rank_and_mask_equal_brute_force(costs: np.ndarray) -> None:
    expected = _brute_force_rank(costs)
    np.testing.assert_array_equal(non_dominated_rank(costs), expected)
    np.testing.assert_array_equal(non_dominated_mask(costs), expected == 0)


@given(tables)
@settings(deadline=None, max_examples=50)
def test_hypervolume_and_contributions_equal_counted_cells(costs: np.ndarray) -> None:
    reference = [6.0] * costs.shape[1]
    assert hypervolume(costs, reference) == pytest.approx(_grid_volume(costs, 6))
    front = costs[_brute_force_rank(costs) == 0]
    lost = [_grid_volume(front, 6) - _grid_volume(np.delete(front, i, axis=0), 6) for i in range(len(front))]
    np.testing.assert_allclose(hypervolume_contributions(front, reference), lost, atol=1e-9)


def test_one_objective_is_a_plain_sort() -> None:
    column = [[3.0], [1.0], [2.0]]
    assert non_dominated_rank(column).tolist() == [2, 0, 1]
    assert hypervolume(column, [4.0]) == 3
    assert hypervolume_contributions(column[1:2], [4.0]).tolist() == [3]


def test_crowding_of_an_even_front() -> None:
    front = np.array([[0, 4], [1, 3], [2, 2], [4, 0]], dtype=float)
    assert crowding_distance(front).tolist() == [np.inf, 2 / 4 + 2 / 4, 3 / 4 + 3 / 4, np.inf]
    assert crowding_distance(np.ones((3, 2))).tolist() == [0, 0, 0]


@given(tables)
@settings(deadline=None)
def test_spread_never_lifts_a_point_over_its_front(costs: np.ndarray) -> None:
    spread = spread_in_front(costs, [6.0] * costs.shape[1])
    assert ((spread >= 0) & (spread < 1)).all()


def test_unusable_costs_are_refused() -> None:
    for costs in ([[np.nan, 1.0]], [1.0, 2.0], np.zeros((3, 0))):
        with pytest.raises(InputError, match="finite"):
            non_dominated_rank(costs)
    with pytest.raises(InputError, match="reference"):
        hypervolume([[1.0, 2.0]], [3.0])
    assert len(non_dominated_rank(np.zeros((0, 2)))) == len(non_dominated_mask(np.zeros((0, 2)))) == 0
