"""The journal: what is tracked is on disk in order, whatever kills the writer."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import pytest

from heliosc.errors import ParseError
from heliosc.tracking import Journal, TrackingSettings, open_tracker
from heliosc.tracking.journal import entry_now, read_entries

LOCAL = TrackingSettings()


def _entries(folder: Path) -> list[tuple[str, object]]:
    return [(entry.kind, dict(entry.values)) for entry in Journal(folder, name="a", kind="test").entries()]


def test_what_is_told_is_read_back_in_order(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    with open_tracker(tmp_path / "t", LOCAL, name="a", kind="test") as tracker:
        tracker.parameters({"seed": 3, "rounds": 2})
        tracker.metrics({"loss": 0.5, "unknown": math.nan, "endless": math.inf}, step=1)
        tracker.image(picture, name="samples", step=1)
    assert _entries(tmp_path / "t")[:2] == [("parameters", {"seed": "3", "rounds": "2"}), ("metrics", {"loss": 0.5})]
    assert Journal(tmp_path / "t", name="a", kind="test").entries()[2].path == str(picture)


def test_a_second_process_goes_on_and_says_what_changed(tmp_path: Path) -> None:
    for rounds in (2, 3):
        with open_tracker(tmp_path / "t", LOCAL, name="a", kind="test") as tracker:
            tracker.parameters({"seed": 3, "rounds": rounds})
            tracker.metrics({"loss": 1.0 / rounds}, step=rounds)
    assert [tracker.has("loss", step=step) for step in range(1, 5)] == [False, True, True, False]
    assert [kind for kind, _ in _entries(tmp_path / "t")] == ["parameters", "metrics", "tags", "metrics"]
    assert _entries(tmp_path / "t")[2] == ("tags", {"now.rounds": "3"})


def test_a_torn_line_is_passed_over_and_what_follows_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path, name="a", kind="test")
    journal.append(entry_now("metrics", values={"x": 1.0}, step=0))
    with journal.file.open("ab") as stream:
        stream.write(b'{"kind": "metr')
    assert len(journal.entries()) == 1
    again = Journal(tmp_path, name="a", kind="test")
    again.append(entry_now("metrics", values={"x": 2.0}, step=1))
    assert [entry.values["x"] for entry in again.entries()] == [1.0, 2.0]
    offsets = [offset for _, offset in read_entries(again.file, offset=0)]
    assert [entry.values["x"] for entry, _ in read_entries(again.file, offset=offsets[0])] == [2.0]


def test_a_folder_that_cannot_be_written_ends_tracking_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "t").write_text("a file where the folder should be")
    with (
        caplog.at_level(logging.WARNING, "heliosc.tracking"),
        open_tracker(tmp_path / "t", LOCAL, name="a", kind="test") as tracker,
    ):
        tracker.metrics({"loss": 1.0}, step=0)
    assert "nothing is tracked" in caplog.text


def test_a_journal_that_becomes_unwritable_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_tracker(tmp_path / "t", LOCAL, name="a", kind="test") as tracker:
        tracker.metrics({"loss": 1.0}, step=0)
        (tmp_path / "t" / "events.jsonl").unlink()
        (tmp_path / "t" / "events.jsonl").mkdir()
        tracker.metrics({"loss": 1.0}, step=1)
        tracker.metrics({"loss": 1.0}, step=2)
    assert caplog.text.count("nothing more is tracked") == 1


def test_a_damaged_identity_says_what_to_remove(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ParseError, match=r"run\.json.*remove the folder"):
        Journal(tmp_path, name="a", kind="test")
