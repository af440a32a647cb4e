"""Forks of a run: what they keep, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heliosc.campaign.forking import FORK_FILE, find_origin, fork
from heliosc.campaign.records import RoundRecord, read_history
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.config import Config, load_config
from heliosc.errors import InputError
from heliosc.execution import QCResultStore, TaskRequest

CONFIG = load_config(overrides=["campaign.rounds=3"])


def record(index: int) -> RoundRecord:
    return RoundRecord(index, {}, {}, {}, 1.0, {}, {}, {}, {})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Three finished rounds, each with a model, and a store of one task."""
    folder = RunFolder(tmp_path / "first")
    folder.create(CONFIG)
    for index in range(3):
        model = folder.round(index) / "surrogate"
        model.mkdir(parents=True)
        (model / "weights").write_text(f"weights {index}")
    folder.write_history([record(index) for index in range(3)])
    folder.write_state(RunState(2, Stage.FINISHED))
    with QCResultStore(folder.store) as store:
        store.submit_many([TaskRequest("fake:task", {"x": 1})])
    return folder


def test_a_fork_keeps_the_rounds_before_it_and_goes_on_with_other_settings(run: RunFolder, tmp_path: Path) -> None:
    config = load_config(overrides=["campaign.rounds=3", "selection.beta=3"])
    target = RunFolder(tmp_path / "second")
    fork(run, target, config, round_number=3)
    assert target.read_state() == RunState(2, Stage.PROPOSE)
    assert [kept.round for kept in read_history(target.path)] == [0, 1]
    assert (target.round(1) / "surrogate" / "weights").read_text() == "weights 1"
    assert not target.round(2).exists()
    assert target.read_config() == config
    with QCResultStore(target.store) as store:
        assert store.counts().queued == 1
    origin = json.loads((target.path / FORK_FILE).read_text())
    assert (origin["run"], origin["round"]) == ("first", 3)
    assert [kept.round for kept in read_history(run.path)] == [0, 1, 2]  # the first run is as it was


def test_the_same_fork_again_goes_on_and_another_one_is_refused(run: RunFolder, tmp_path: Path) -> None:
    target = RunFolder(tmp_path / "second")
    fork(run, target, CONFIG, round_number=2)
    target.write_state(RunState(2, Stage.COMPUTE))
    fork(run, target, CONFIG, round_number=2)
    assert target.read_state() == RunState(2, Stage.COMPUTE)
    with pytest.raises(InputError, match="exists already"):
        fork(run, target, CONFIG, round_number=3)


@pytest.mark.parametrize("number", [-1, 0, 1, 5])
def test_rounds_that_were_not_reached_are_refused(run: RunFolder, tmp_path: Path, number: int) -> None:
    with pytest.raises(InputError, match="expected 2 to 4"):
        fork(run, RunFolder(tmp_path / "second"), load_config(overrides=["campaign.rounds=9"]), round_number=number)
    assert not (tmp_path / "second").exists()


def test_a_fork_must_have_a_round_to_do_and_the_same_store(run: RunFolder, tmp_path: Path) -> None:
    target = RunFolder(tmp_path / "second")
    with pytest.raises(InputError, match=r"set campaign.rounds to 4 or more"):
        fork(run, target, CONFIG, round_number=4)
    elsewhere = load_config(overrides=["campaign.rounds=3", f"execution.store={tmp_path / 'other.sqlite'}"])
    with pytest.raises(InputError, match=r"keeps its calculations in its own folder"):
        fork(run, target, elsewhere, round_number=3)
    assert not target.path.exists()


def test_the_newest_run_that_is_no_fork_is_the_origin(run: RunFolder, tmp_path: Path) -> None:
    target = RunFolder(tmp_path / "second")
    fork(run, target, Config(), round_number=2)
    assert find_origin([run, target], None) == run
    assert find_origin([run, target], "second") == target
    with pytest.raises(InputError, match="no run third; the runs are: first, second"):
        find_origin([run, target], "third")
