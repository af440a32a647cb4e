from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from heliosc.surrogates import metrics

Y = np.array([1.0, 2.0, 4.0])
MEAN = np.array([1.0, 3.0, 2.0])
STD = np.array([1.0, 0.5, 2.0])


def test_errors_by_hand():
    assert metrics.mae(Y, MEAN) == pytest.approx(1.0)  # 0, 1, 2
    assert metrics.rmse(Y, MEAN) == pytest.approx(np.sqrt(5 / 3))
    assert metrics.r2(Y, MEAN) == pytest.approx(1 - 5 / (14 / 3))  # spread about 7/3: 16/9 + 1/9 + 25/9
    assert np.isnan(metrics.r2(np.ones(3), MEAN))


def test_likelihood_by_hand():
    # z = 0, -2, 1; log std = 0, -log 2, log 2
    assert metrics.nll(Y, MEAN, STD) == pytest.approx((0 + 4 + 1) / 6 + 0.5 * np.log(2 * np.pi))


@settings(deadline=None, max_examples=40)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.05, 3))
def test_crps_is_the_integral_of_its_definition(y, mean, std):
    def integrand(x):
        return (stats.norm.cdf(x, mean, std) - (x >= y)) ** 2

    low, high = min(y, mean) - 12 * std, max(y, mean) + 12 * std
    parts = sorted({low, y, mean, high})
    expected = sum(integrate.quad(integrand, a, b)[0] for a, b in pairwise(parts))
    assert metrics.crps(np.array([y]), np.array([mean]), np.array([std])) == pytest.approx(expected, abs=1e-6)


def test_crps_of_a_sharp_prediction_is_the_absolute_error():
    assert metrics.crps(Y, MEAN, np.full(3, 1e-9)) == pytest.approx(metrics.mae(Y, MEAN))


def test_coverage_counts():
    assert metrics.coverage(Y, MEAN, STD, z=1.0) == pytest.approx(2 / 3)  # |z| = 0, 2, 1
    assert metrics.coverage(Y, MEAN, STD, z=1.96) == pytest.approx(2 / 3)


def test_miscalibration_of_true_and_of_overconfident_predictions():
    y = np.random.default_rng(0).normal(size=20_000)
    zero, one = np.zeros_like(y), np.ones_like(y)
    assert metrics.miscalibration_area(y, zero, one) < 0.01
    # a vanishing std covers nothing at any level: the area under the diagonal
    assert metrics.miscalibration_area(y, zero, 1e-12 * one) == pytest.approx(0.5, abs=0.01)


def test_ence_by_hand():
    y, mean = np.array([1.0, -1.0, 4.0, -4.0]), np.zeros(4)
    std = np.array([1.0, 1.0, 2.0, 2.0])
    # bins {1, 1} and {2, 2}: |1 - 1| / 1 = 0 and |2 - 4| / 2 = 1
    assert metrics.ence(y, mean, std, n_bins=2) == pytest.approx(0.5)


def test_rank_correlation():
    y, mean = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    assert metrics.error_rank_correlation(y, mean, np.array([0.1, 0.2, 0.3])) == pytest.approx(1)
    assert metrics.error_rank_correlation(y, mean, np.array([0.3, 0.2, 0.1])) == pytest.approx(-1)
    assert np.isnan(metrics.error_rank_correlation(y, mean, np.ones(3)))
