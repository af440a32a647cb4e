import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.selection.objectives import Objective, Window

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


def test_probability_inside_from_the_normal_table() -> None:
    upper = Window(upper=6.8)
    assert upper.probability_inside(6.8, 0.2) == pytest.approx(0.5)
    assert upper.probability_inside(6.6, 0.2) == pytest.approx(0.8413, abs=1e-4)  # one sigma below
    assert upper.probability_inside(7.2, 0.2) == pytest.approx(0.0228, abs=1e-4)  # two sigma above
    both = Window(5.0, 5.6)
    assert both.probability_inside(5.3, 0.3) == pytest.approx(0.6827, abs=1e-4)
    assert both.probability_inside(5.3, 0.3 / 1.96) == pytest.approx(0.95, abs=1e-4)


def test_an_uncertain_limit_counts_as_doubt() -> None:
    assert Window(upper=6.8, limits_std=0.3).probability_inside(6.3, 0.4) == pytest.approx(0.8413, abs=1e-4)


def test_without_doubt_the_limits_belong_to_the_window() -> None:
    window = Window(5.0, 5.6)
    assert window.probability_inside([4.9, 5.0, 5.3, 5.6, 5.7], 0.0).tolist() == [0, 1, 1, 1, 0]
    assert window.contains([4.9, 5.0, 5.3, 5.6, 5.7]).tolist() == [False, True, True, True, False]
    np.testing.assert_allclose(window.distance([4.9, 5.0, 5.3, 5.6, 5.8]), [0.1, 0, 0, 0, 0.2])


def test_nan_stays_unknown() -> None:
    assert np.isnan(Window(upper=1.0).probability_inside([math.nan, math.nan], [0.0, 0.1])).all()


@pytest.mark.parametrize(("lower", "upper"), [(2.0, 1.0), (math.nan, 1.0)])
def test_empty_window_is_refused(lower: float, upper: float) -> None:
    with pytest.raises(InputError, match="empty"):
        Window(lower, upper)


def test_costs_point_down() -> None:
    assert Objective(LAMBDA, "minimise", 0.6).cost([0.1, 0.2]).tolist() == [0.1, 0.2]
    assert Objective(LAMBDA, "maximise", 0.0).cost([0.1, 0.2]).tolist() == [-0.1, -0.2]
    np.testing.assert_allclose(Objective(IE, "target", 6.3, Window(5.3, 5.3)).cost([5.0, 5.3, 5.4]), [0.3, 0, 0.1])
    np.testing.assert_allclose(Objective(IE, "window", 7.6, Window(5.8, 6.2)).cost([5.5, 6.0, 6.8]), [0.3, 0, 0.6])


def test_reference_cost() -> None:
    assert Objective(IE, "window", 7.6, Window(5.8, 6.2)).reference_cost == pytest.approx(1.4)
    assert Objective(IE, "maximise", 1.6).reference_cost == -1.6


def test_optimism_moves_towards_the_good_side_and_stops_there() -> None:
    down = Objective(LAMBDA, "minimise", 0.6, bound=0.0)
    np.testing.assert_allclose(down.optimistic_value([0.5, 0.1], [0.1, 0.1], beta=2), [0.3, 0.0])
    up = Objective(IE, "maximise", 0.0)
    assert up.optimistic_value(2.0, 0.25, beta=2) == pytest.approx(2.5)
    window = Objective(IE, "window", 7.6, Window(5.8, 6.2))
    np.testing.assert_allclose(window.optimistic_value([5.0, 6.0, 6.3, 7.0], 0.1, beta=2), [5.2, 6.0, 6.2, 6.8])


@given(
    mean=st.floats(-5, 5),
    std=st.floats(0, 2),
    beta=st.floats(0, 4),
    direction=st.sampled_from(["minimise", "maximise"]),
)
@settings(deadline=None)
def test_optimism_never_costs(mean: float, std: float, beta: float, direction: str) -> None:
    for objective in (Objective(IE, direction, 9.0), Objective(IE, "window", 9.0, Window(-1.0, 1.0))):
        optimistic = objective.optimistic_value(mean, std, beta=beta)
        assert objective.cost(optimistic) <= objective.cost(mean) + 1e-12
        assert abs(optimistic - mean) <= beta * std + 1e-9


@pytest.mark.parametrize(
    "arguments",
    [
        {"direction": "window", "reference": 1.0},
        {"direction": "minimise", "reference": 1.0, "goal": Window(0, 1)},
        {"direction": "minimise", "reference": math.inf},
        {"direction": "minimise", "reference": 1.0, "weight": 0.0},
        {"direction": "window", "reference": 0.5, "goal": Window(0, 1)},
        {"direction": "window", "reference": 2.0, "goal": Window(0, 1), "bound": 0.0},
    ],
)
def test_contradictory_objectives_are_refused(arguments: dict) -> None:
    with pytest.raises(InputError, match="lambda_hole@gfn2"):
        Objective(LAMBDA, **arguments)
