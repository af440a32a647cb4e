from pathlib import Path

import pytest

from heliosc.campaign.run_folder import RunFolder, RunState, Stage, find_run
from heliosc.config import load_config
from heliosc.errors import InputError, ParseError, ResourceError, TransientError


def test_state_survives_a_round_trip(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_state() == RunState(0, Stage.PROPOSE)
    folder.write_state(RunState(2, Stage.LEARN))
    assert folder.read_state() == RunState(2, Stage.LEARN)


def test_a_damaged_state_is_explained(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"round": 1, "stage": "le')
    with pytest.raises(ParseError, match="reusing every stored calculation"):
        RunFolder(tmp_path).read_state()


def test_a_folder_belongs_to_one_configuration(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create(load_config())
    folder.create(load_config())
    with pytest.raises(InputError, match="another configuration"):
        folder.create(load_config(overrides=["campaign.batch_size=9"]))


def test_more_rounds_are_the_same_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create(load_config())
    more = load_config(overrides=["campaign.rounds=9"])
    assert more.digest() == load_config().digest()
    folder.create(more)
    assert folder.read_config().campaign.rounds == 9


def test_a_second_start_is_kept_out_until_the_first_ends(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked(), pytest.raises(TransientError, match="already in progress"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="cannot write"):
        RunFolder(tmp_path / "file" / "run").create(load_config())


def test_runs_are_found_by_id_or_newest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no runs"):
        find_run(tmp_path, None)
    for name in ("first", "second"):
        RunFolder(tmp_path / name).create(load_config())
    assert find_run(tmp_path, "first").id == "first"
    with pytest.raises(InputError, match="there are: first, second"):
        find_run(tmp_path, "third")
