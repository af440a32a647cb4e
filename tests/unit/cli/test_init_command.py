"""A new working folder: a configuration that is understood, and nothing of the user's is replaced."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.cli.commands.init import CONFIG_FILE, FOLDERS, set_up
from heliosc.config import Config, load_config


def test_the_starter_configuration_is_the_default_one(tmp_path: Path) -> None:
    set_up(tmp_path / "project")
    assert load_config(tmp_path / "project" / CONFIG_FILE) == Config()
    assert all((tmp_path / "project" / name).is_dir() for name in FOLDERS)


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / CONFIG_FILE).write_text("seed: 5\n")
    written, kept = set_up(tmp_path)
    assert (written, kept) == ([".gitignore"], [str(CONFIG_FILE)])
    assert (tmp_path / CONFIG_FILE).read_text() == "seed: 5\n"
    assert set_up(tmp_path) == ([], [str(CONFIG_FILE), ".gitignore"])


def test_the_command_says_what_is_next(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "new")])
    assert result.exit_code == 0
    assert "heliosc doctor" in result.stderr
    again = CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--json"])
    assert json.loads(again.stdout)["written"] == []


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "file")])
    assert result.exit_code == 75
    assert "cannot write" in result.stderr
