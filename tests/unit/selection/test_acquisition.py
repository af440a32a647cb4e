import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.selection.acquisition import ACQUISITIONS, Promise, get_acquisition

RNG = np.random.default_rng(0)


def _promise(mean: list, *, optimistic: list | None = None, inside: list | None = None, weights=(1.0, 1.0)) -> Promise:
    return Promise(
        mean_cost=np.array(mean, dtype=float),
        optimistic_cost=np.array(mean if optimistic is None else optimistic, dtype=float),
        reference_cost=np.array([4.0, 4.0]),
        probability_inside=np.ones(len(mean)) if inside is None else np.array(inside, dtype=float),
        weights=np.array(weights),
    )


def test_pareto_ucb_ranks_by_front_then_by_contribution() -> None:
    score = get_acquisition("pareto_ucb")(_promise([[0, 3], [1, 1], [3, 0], [2, 2], [3, 3]]), RNG)
    assert np.argsort(-score, kind="stable").tolist() == [1, 0, 2, 3, 4]  # (1, 1) owns the largest piece of front 0
    assert np.ceil(-score).astype(int).tolist() == [0, 0, 0, 1, 2]


def test_pareto_ucb_believes_in_the_optimistic_values() -> None:
    promise = _promise([[1, 1], [2, 2]], optimistic=[[1, 1], [0, 0]])
    assert np.argmax(get_acquisition("pareto_ucb")(promise, RNG)) == 1
    assert np.argmax(get_acquisition("multi_ucb")(promise, RNG)) == 1
    assert np.argmax(get_acquisition("greedy")(promise, RNG)) == 0


@pytest.mark.parametrize("name", ["pareto_ucb", "ucb", "greedy"])
def test_a_candidate_that_misses_the_window_is_put_last(name: str) -> None:
    score = get_acquisition(name)(_promise([[0, 0], [2, 2], [1, 3]], inside=[0.01, 0.9, 0.9]), RNG)
    assert np.argmin(score) == 0


def test_weighted_sum_by_hand() -> None:
    # gains over the reference 4: (4, 1), (2, 3); best of the pool 4 and 3
    score = get_acquisition("greedy")(_promise([[0, 3], [2, 1]], weights=(1.0, 3.0)), RNG)
    np.testing.assert_allclose(score, [1 + 3 * 1 / 3, 0.5 + 3])


def test_beyond_the_reference_nothing_is_gained() -> None:
    np.testing.assert_array_equal(get_acquisition("ucb")(_promise([[5, 5], [4, 9]]), RNG), [0, 0])


def test_random_ignores_predictions_and_follows_the_seed() -> None:
    first = get_acquisition("random")(_promise([[0, 0], [3, 3]]), np.random.default_rng(7))
    other = get_acquisition("random")(_promise([[3, 3], [0, 0]]), np.random.default_rng(7))
    np.testing.assert_array_equal(first, other)


def test_every_acquisition_takes_an_empty_pool() -> None:
    empty = _promise(np.zeros((0, 2)).tolist() or np.zeros((0, 2)))
    assert all(len(score_of(empty, RNG)) == 0 for score_of in ACQUISITIONS.values())


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'pareto_ucb'"):
        get_acquisition("pareto-ucb")
