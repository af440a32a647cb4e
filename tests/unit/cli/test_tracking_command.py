"""``heliosc tracking`` and ``heliosc data verify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.campaign.manifest import write_manifest
from heliosc.cli.app import app
from heliosc.tracking import TrackingSettings, open_tracker


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "one" / "tracking"
    with open_tracker(folder, TrackingSettings(), name="one", kind="campaign") as tracker:
        for step in range(3):
            tracker.metrics({"loss": 1.0 / (step + 1)}, step=step)
    return folder


def test_what_was_not_sent_is_sent_once(journal: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed; run: pip install 'heliosc[tracking]'")
    place = ["-o", f"tracking.tensorboard={tmp_path / 'tb'}", "--json"]
    runs = str(tmp_path / "runs")
    (listed,) = json.loads(CliRunner().invoke(app, ["tracking", "list", runs, *place]).stdout)
    assert (listed["run"], listed["entries"], list(listed["not_sent"].values())) == ("one", 3, [3])
    for expected in (3, 0):
        (sent,) = json.loads(CliRunner().invoke(app, ["tracking", "send", runs, *place]).stdout)
        assert sent["sent"] == expected
    assert len(list((tmp_path / "tb").glob("one-*/events.*"))) == 1


def test_a_place_that_does_not_answer_is_a_message(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, folder: Path) -> None:
        raise ConnectionRefusedError("nobody at http://ann:s3cret@host/")

    monkeypatch.setattr("heliosc.tracking.tensorboard_place.TensorBoardPlace.__init__", refuse)
    place = ["-o", f"tracking.tensorboard={tmp_path / 'tb'}", "--json"]
    ended = CliRunner().invoke(app, ["tracking", "send", str(tmp_path / "runs"), *place])
    assert ended.exit_code == 75
    assert "ConnectionRefusedError: nobody at http://host/" in ended.stderr
    assert [(row["sent"], row["left"]) for row in json.loads(ended.stdout)] == [(0, 3)]


def test_sending_needs_a_place_and_a_journal(journal: Path, tmp_path: Path) -> None:
    without = CliRunner().invoke(app, ["tracking", "send", str(journal)])
    assert without.exit_code == 2
    assert "tracking.mlflow=sqlite:///mlflow.db" in without.stderr
    (tmp_path / "empty").mkdir()
    empty = CliRunner().invoke(app, ["tracking", "list", str(tmp_path / "empty")])
    assert empty.exit_code == 3
    assert "no journal" in empty.stderr


def test_changed_data_end_with_the_code_of_an_incomplete_result(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    write_manifest(tmp_path)
    assert CliRunner().invoke(app, ["data", "verify", str(tmp_path)]).exit_code == 0
    (tmp_path / "a.csv").write_text("2")
    changed = CliRunner().invoke(app, ["data", "verify", str(tmp_path), "--json"])
    assert changed.exit_code == 5
    assert json.loads(changed.stdout)[0]["changed"] == ["a.csv"]
    assert "dvc checkout" in changed.stderr
