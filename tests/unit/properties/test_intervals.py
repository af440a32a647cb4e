"""Interval widths from tabulated quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.properties.intervals import LEVELS, interval_level, multipliers

GAP = PropertyKey("homo_lumo_gap", "gfn2")
UNIFORM = 2 * LEVELS  # errors spread evenly over +-2 std


def table(**known: object) -> PredictionTable:
    ones = np.ones((1, 1))
    return PredictionTable(("C",), (GAP,), ones, 3 * ones, 4 * ones, "model", **known)


def test_half_width_is_the_quantile_times_the_std() -> None:
    assert table(interval_quantiles=UNIFORM[None]).half_width(0.95) == pytest.approx(5 * 1.9)
    assert table().half_width(0.95) == pytest.approx(5 * 1.959964)  # Gaussian where nothing else is known


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 0.999, 90])
def test_a_probability_that_is_not_tabulated_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="probability"):
        table(interval_quantiles=UNIFORM[None]).half_width(level)


@given(st.floats(0.01, 0.99))
def test_interval_of_a_level_holds_errors_of_that_level(level: float) -> None:
    (width,) = multipliers(UNIFORM[None], level)
    assert interval_level(np.array([width]), UNIFORM) == pytest.approx([level])


def test_level_of_no_error_and_of_a_huge_one() -> None:
    assert interval_level(np.array([0.0, 1e9]), UNIFORM).tolist() == [0.0, 1.0]


def test_outside_the_domain_is_beyond_one() -> None:
    assert table(domain_distance=np.array([1.2])).is_outside_domain.tolist() == [True]
    assert table(domain_distance=np.array([0.9])).rows([0]).is_outside_domain.tolist() == [False]
    with pytest.raises(InputError, match="does not tell"):
        _ = table().is_outside_domain
