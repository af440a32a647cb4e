"""Improvement and sampling: by hand, by integration, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.selection.acquisition import ACQUISITIONS, Promise, get_acquisition
from heliosc.selection.acquisition.improvement import improvement_expected
from heliosc.selection.acquisition.sampling import draw_costs
from heliosc.selection.objectives import Objective, Window


def _promise(mean, std=0.0, **changes) -> Promise:
    mean = np.array(mean, dtype=float)
    k = mean.shape[1]
    stds = np.broadcast_to(np.asarray(std, dtype=float), mean.shape).copy()
    settings = {
        "mean_cost": mean,
        "optimistic_cost": mean - stds,
        "reference_cost": np.full(k, 1.0),
        "probability_inside": np.ones(len(mean)),
        "weights": np.ones(k),
        "std_cost": stds,
        "n_batch": 2,
    }
    return Promise(**{**settings, **changes})


def test_expected_improvement_of_a_standard_normal() -> None:
    # E[max(X, 0)] = 1 / sqrt(2 pi); without doubt it is the step itself
    np.testing.assert_allclose(improvement_expected(np.zeros(1), np.ones(1)), 0.3989423, atol=1e-7)
    np.testing.assert_array_equal(improvement_expected(np.array([2.0, -2.0]), np.zeros(2)), [2.0, 0.0])


@given(step=st.floats(-3, 3), std=st.floats(0.05, 2))
def test_expected_improvement_agrees_with_integration(step: float, std: float) -> None:
    x = np.linspace(step - 10 * std, step + 10 * std, 20_001)
    density = np.exp(-0.5 * ((x - step) / std) ** 2) / (std * np.sqrt(2 * np.pi))
    expected = np.trapezoid(np.maximum(x, 0) * density, x)
    assert improvement_expected(np.array([step]), np.array([std]))[0] == pytest.approx(expected, abs=1e-5)


@given(mean=st.floats(-2, 2), std=st.floats(0.05, 1))
def test_the_doubt_about_the_distance_from_a_goal(mean: float, std: float) -> None:
    key = PropertyKey("lambda_hole", "gfn2")
    objective = Objective(key, "window", 3.0, Window(-0.5, 0.4))
    x = np.linspace(mean - 10 * std, mean + 10 * std, 40_001)
    weight = np.exp(-0.5 * ((x - mean) / std) ** 2)
    distance = objective.cost(x)
    centre = np.average(distance, weights=weight)
    expected = np.sqrt(np.average((distance - centre) ** 2, weights=weight))
    assert objective.cost_std(mean, std) == pytest.approx(expected, abs=1e-4)


def test_probability_of_improvement_counts_what_is_known() -> None:
    promise = _promise([[0.5], [0.2]], 0.1, known_costs=np.array([[0.5]]))
    score = get_acquisition("pi")(promise, np.random.default_rng(0))
    np.testing.assert_allclose(score, [0.5, 0.99865], atol=1e-5)  # 0 and 3 standard deviations beyond the best


def test_greedy_is_certain_where_thompson_is_curious() -> None:
    promise = _promise([[0.50], [0.55]], [[0.0], [0.4]], n_batch=1)
    first = [int(np.argmax(get_acquisition("thompson")(promise, np.random.default_rng(seed)))) for seed in range(200)]
    assert np.mean(first) == pytest.approx(0.45, abs=0.1)  # P(N(0.55, 0.4) < 0.5) = 0.450
    assert np.argmax(get_acquisition("greedy")(promise, np.random.default_rng(0))) == 0


def test_each_member_gives_the_batch_its_own_best() -> None:
    members = np.array([[[0.0], [0.9], [0.5]], [[0.9], [0.0], [0.5]]])
    promise = _promise(members.mean(axis=0), member_costs=members)
    score = get_acquisition("thompson")(promise, np.random.default_rng(0))
    assert set(np.argsort(-score)[:2]) == {0, 1}  # the third has the best mean, and is nobody's best


def test_members_come_in_turn_before_any_comes_twice() -> None:
    members = np.arange(6.0).reshape(3, 2, 1)
    draws = draw_costs(_promise([[0.0], [0.0]], member_costs=members), 6, np.random.default_rng(0))
    assert sorted(draws[:3, 0, 0]) == sorted(draws[3:, 0, 0]) == [0.0, 2.0, 4.0]


def test_front_probability_of_certain_values_is_the_front() -> None:
    promise = _promise([[0.0, 0.6], [0.6, 0.0], [0.7, 0.7], [0.3, 0.3]], known_costs=np.array([[0.2, 0.2]]))
    score = get_acquisition("front_probability")(promise, np.random.default_rng(0))
    assert set(np.flatnonzero(score > 0.9)) == {0, 1}  # what is known dominates (0.3, 0.3)


def test_ucb_of_a_sum_is_less_optimistic_than_the_sum_of_ucbs() -> None:
    promise = _promise([[0.5, 0.5]], 0.2)
    one, many = (get_acquisition(name)(promise, np.random.default_rng(0))[0] for name in ("ucb", "multi_ucb"))
    share = 1 / 0.7  # gains are shares of the best optimistic one
    assert one == pytest.approx((0.5 + 0.5 + 0.2 * 2**0.5) * share)
    assert many == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["pareto_ucb", "ucb", "multi_ucb", "greedy", "ei", "thompson", "parego_ucb"])
def test_a_price_is_what_a_gain_is_divided_by(name: str) -> None:
    promise = _promise([[0.30, 0.30], [0.29, 0.29]], price=np.array([4.0, 1.0]), n_batch=1)
    assert np.argmax(get_acquisition(name)(promise, np.random.default_rng(0))) == 1


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    if name in ("parego", "qlognehvi"):
        pytest.importorskip("botorch", reason="BoTorch is not installed; run: pip install 'heliosc[bo]'")
    rng = np.random.default_rng(3)
    promise = _promise(rng.random((20, 2)), 0.1, known_costs=rng.random((5, 2)))
    first, second = (get_acquisition(name)(promise, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()


@pytest.mark.parametrize("name", ["parego", "qlognehvi"])
def test_botorch_takes_what_enlarges_the_front(name: str) -> None:
    pytest.importorskip("botorch", reason="BoTorch is not installed; run: pip install 'heliosc[bo]'")
    means = [[0.1, 0.5], [0.5, 0.1], [0.6, 0.6], [0.9, 0.9]]
    promise = _promise(means, 0.01, known_costs=np.array([[0.4, 0.4]]))
    score = get_acquisition(name)(promise, np.random.default_rng(0))
    assert set(np.argsort(-score)[:2]) == {0, 1}
    assert np.argmin(score) == 3


def test_hypervolume_of_one_objective_is_refused() -> None:
    pytest.importorskip("botorch", reason="BoTorch is not installed; run: pip install 'heliosc[bo]'")
    with pytest.raises(InputError, match="2 to 4 objectives, got 1"):
        get_acquisition("qlognehvi")(_promise([[0.5]]), np.random.default_rng(0))


def test_botorch_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logei = pytest.importorskip("botorch.acquisition.multi_objective.logei")
    monkeypatch.setattr(logei, "_load_attempted", False)
    monkeypatch.setattr("torch.utils.cpp_extension.load", lambda **_: pytest.fail("a kernel is compiled"))
    promise = _promise([[0.5, 0.5], [0.2, 0.8], [0.9, 0.9]], 0.05)
    assert np.isfinite(get_acquisition("qlognehvi")(promise, np.random.default_rng(0))).any()
