"""Intervals and coverages against published and hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.report.statistics import coverage_band, observed_coverage, wilson_interval


def test_wilson_interval_of_a_published_example() -> None:
    # Newcombe, Stat. Med. 1998, 17, 857, table I: 81 of 263, score method
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    # the same table: 0 of 20
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_nothing_judged_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share(counts: tuple[int, int]) -> None:
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


def test_observed_coverage_of_four_errors() -> None:
    # |z| = 0.5, 1, 1.5, 2.5; half widths of 50 % and 95 % are 0.674 and 1.960
    coverage = observed_coverage(np.array([0.5, -1.0, 1.5, -2.5]), np.array([0.5, 0.95]))
    assert coverage.tolist() == [0.25, 0.75]


def test_coverage_band_narrows_with_numbers() -> None:
    low, high = coverage_band(20, np.array([0.5]))
    # binomial(20, 0.5): 2.5 % and 97.5 % quantiles are 6 and 14
    assert (low[0], high[0]) == (0.3, 0.7)
    wide, narrow = (np.subtract(*coverage_band(n, np.array([0.5]))[::-1])[0] for n in (20, 2000))
    assert narrow < wide / 5
