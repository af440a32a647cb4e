"""Stopping rules and the drift alarm, on histories written by hand."""

from __future__ import annotations

import pytest

from heliosc.campaign.drift import find_drift
from heliosc.campaign.records import RoundRecord
from heliosc.campaign.stopping import reason_to_stop
from heliosc.config import StoppingSettings


def history(*volumes: float, core_seconds: float = 600.0) -> list[RoundRecord]:
    """Rounds of a quarter of an hour each, with the hypervolume of one role."""
    return [
        RoundRecord(
            round=index, funnel={}, rejected={}, timing_s={"generate": 300.0, "compute": 600.0},
            core_seconds=core_seconds, hypervolume={"donor": volume, "acceptor": 1.0}, hypervolume_random={},
            window_share={}, surrogate_error={},
        )
        for index, volume in enumerate(volumes)
    ]  # fmt: skip


def test_nothing_stops_a_campaign_by_default() -> None:
    assert reason_to_stop(StoppingSettings(), history(*[1.0] * 50)) is None


@pytest.mark.parametrize(("n_rounds", "stops"), [(5, False), (6, True)])
def test_the_budget_counts_core_hours_of_calculations(n_rounds: int, stops: bool) -> None:
    reason = reason_to_stop(StoppingSettings(core_hours=1.0), history(*[1.0] * n_rounds))
    assert (reason is not None) == stops
    assert not stops or "1.00 core hours" in str(reason)


@pytest.mark.parametrize(("n_rounds", "stops"), [(3, False), (4, True)])
def test_time_counts_all_stages(n_rounds: int, stops: bool) -> None:
    assert (reason_to_stop(StoppingSettings(hours=1.0), history(*[1.0] * n_rounds)) is not None) == stops


@pytest.mark.parametrize(
    ("volumes", "stops"),
    [
        ((0.0, 1.0, 1.5), False),  # two rounds of growth
        ((1.0, 1.5, 1.5), False),  # one round without growth
        ((1.5, 1.5, 1.51), True),  # less than 1 %
        ((1.5, 1.5, 1.5), True),
        ((0.0, 0.0, 0.0), True),
        ((0.0, 0.0, 0.1), False),
    ],
)
def test_a_plateau_is_no_growth_of_any_role(volumes: tuple[float, ...], stops: bool) -> None:
    settings = StoppingSettings(plateau_rounds=2)
    assert (reason_to_stop(settings, history(*volumes)) is not None) == stops


def test_a_plateau_needs_rounds_before_it() -> None:
    assert reason_to_stop(StoppingSettings(plateau_rounds=2), history(1.0, 1.0)) is None


def test_drift_is_told_from_bad_luck() -> None:
    # binomial, 20 values at 95 %: P(X <= 16) = 0.016, P(X <= 15) = 0.0026
    lucky, unlucky = ({"mae": 0.1, "coverage95": inside / 20, "n": 20} for inside in (16, 15))
    assert find_drift({"a@gfn2": lucky}) == []
    (drift,) = find_drift({"a@gfn2": unlucky})
    assert (drift.inside, drift.n) == (15, 20)
    assert drift.chance == pytest.approx(0.0026, abs=1e-4)
    assert "15 of 20" in str(drift)
    # among four properties such a round is no surprise: .01 / 4 < .0026
    assert find_drift({f"{name}@gfn2": unlucky for name in "abcd"}) == []


def test_the_worst_drift_comes_first() -> None:
    errors = {name: {"mae": 1.0, "coverage95": inside / 30, "n": 30} for name, inside in (("a", 20), ("b", 5))}
    assert [drift.key for drift in find_drift(errors)] == ["b", "a"]
