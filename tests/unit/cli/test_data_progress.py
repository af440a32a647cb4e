"""Progress of a merge where no terminal is: lines whose speed and time left are those of this run."""

from __future__ import annotations

import pytest

from heliosc.cli import data_progress
from heliosc.datasets.merge import MergeProgress


def test_a_resumed_stage_does_not_count_what_was_there_as_its_own_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.0, 10.0, 10.0])
    monkeypatch.setattr(data_progress.time, "perf_counter", lambda: next(clock))
    listener = data_progress._plain_listener()
    listener(MergeProgress("convert", 500, 1000, 5_000))  # of an earlier run
    listener(MergeProgress("convert", 600, 1000, 6_000))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "convert  50 %  5,000 rows"
    assert second == "convert  60 %  6,000 rows, 100 rows/s, 0.7 min left"  # 100 of 1000 in 10 s, 400 to go
