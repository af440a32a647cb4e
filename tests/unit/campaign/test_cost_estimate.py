"""Estimates before the work begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.cost_estimate import CostEstimate, estimate_campaign, estimate_tasks, in_words
from heliosc.campaign.records import read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import load_config
from heliosc.execution import QCResultStore, TaskRequest
from heliosc.execution.tasks import AttemptCost


def test_a_campaign_is_estimated_from_the_runs_that_were(make_run_folder: Callable[..., Path], tmp_path: Path) -> None:
    earlier = make_run_folder("runs/earlier", n_rounds=2, batch=8)
    config = load_config(None, [f"campaign.runs={tmp_path / 'runs'}", "campaign.rounds=3", "campaign.batch_size=4",
                                "qc.max_workers=2"])  # fmt: skip
    estimate = estimate_campaign(config, RunFolder(tmp_path / "runs" / "new"))
    times = [record.wall_time_s for record in read_candidates(earlier) if record.wall_time_s]
    assert estimate.n_calculations == 12
    assert estimate.calculations_s == pytest.approx(12 * np.mean(times) / 2)
    assert estimate.other_s == pytest.approx(3 * (21.0 + 7.7 + 33.0))
    assert f"from {len(times)} calculations of the runs here" in str(estimate)


def test_a_first_campaign_is_estimated_from_the_library(tmp_path: Path) -> None:
    config = load_config(None, [f"campaign.runs={tmp_path}", "campaign.rounds=1", "campaign.batch_size=10"])
    estimate = estimate_campaign(config, RunFolder(tmp_path / "new"))
    assert estimate.core_hours > 0
    assert estimate.other_s is None
    assert "on another machine" in str(estimate)


def test_what_is_done_costs_no_more(make_run_folder: Callable[..., Path], tmp_path: Path) -> None:
    done = make_run_folder("runs/done", n_rounds=2, batch=8)
    config = load_config(None, [f"campaign.runs={tmp_path / 'runs'}", "campaign.rounds=2"])
    assert str(estimate_campaign(config, RunFolder(done))) == "Estimate: nothing is left to compute"


def test_tasks_are_estimated_by_measured_times(tmp_path: Path) -> None:
    with QCResultStore(tmp_path / "store.sqlite") as store:
        keys = store.submit_many(TaskRequest("x.y:z", {"n": n}, cost_s=10.0) for n in range(9)).keys
        assert estimate_tasks(store, keys, workers=3).calculations_s == pytest.approx(30)
        for _ in range(5):
            task = store.claim("w", 60.0)
            assert task is not None
            store.complete(task.key, task.token, {}, cost=AttemptCost(wall_s=25.0, cpu_s=20.0))
        estimate = estimate_tasks(store, keys, workers=2)
    assert (estimate.n_calculations, estimate.calculations_s) == (4, pytest.approx(4 * 25 / 2))
    assert "5 calculations measured in this store" in estimate.basis


@pytest.mark.parametrize(("seconds", "words"), [(12.4, "12 s"), (600, "10 min"), (9_000, "2.5 h")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
    assert str(CostEstimate(2, seconds, None, 0.1, "x")) == f"Estimate: 2 calculations, {words} (0.1 core-hours); x"
