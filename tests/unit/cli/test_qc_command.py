"""``heliosc qc run``, ``export`` and ``levels``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app

runner = CliRunner()


def test_levels_are_listed_with_cost_and_error() -> None:
    result = runner.invoke(app, ["qc", "levels", "--json"])
    rows = json.loads(result.stdout)
    assert [row["level"] for row in rows] == ["gfn2", "ipea-gfn2", "dft-fast", "dft"]
    assert all(row["cost"] and row["error"] for row in rows)


def test_run_then_export(tmp_path: Path) -> None:
    molecules = tmp_path / "molecules.csv"
    molecules.write_text("smiles\nC=C\n")
    arguments = ["qc", "run", str(molecules), "--level", "gfn2+alpb(toluene)", "--out", str(tmp_path / "out"), "--json"]
    result = runner.invoke(app, [*arguments, "-o", "qc.resources.max_workers=1"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["done"], summary["failed"], summary["level"]) == (1, 0, "gfn2+alpb(toluene)")
    exported = runner.invoke(app, ["qc", "export", summary["store"], "--out", str(tmp_path / "export"), "--json"])
    assert json.loads(exported.stdout)["calculations"] == 1
    assert "lambda_hole,gfn2+alpb(toluene)" in (tmp_path / "export" / "labels.csv").read_text()


@pytest.mark.parametrize(
    ("options", "exit_code", "said"),
    [
        (["--level", "dft;rm -rf"], 3, "presets are gfn2"),
        (["--program", "psi5"], 2, "psi5"),
        (["--level", "dft-fast", "--program", "gaussian"], 4, "qc.fallback=gfn2"),
        (["--level", "dft-fast", "--program", "orca", "-o", 'qc.keywords=["$(rm)"]'], 3, "cannot go into an input"),
        (["-o", "qc.resources.cores_per_task=100000"], 2, "do not fit"),
        (["--level", 'gfn2" x\n'], 3, "presets are gfn2"),
    ],
)
def test_what_cannot_run_is_said_with_its_exit_code(
    tmp_path: Path, options: list[str], exit_code: int, said: str
) -> None:
    molecules = tmp_path / "molecules.csv"
    molecules.write_text("smiles\nC=C\n")
    result = runner.invoke(app, ["qc", "run", str(molecules), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == exit_code
    assert said in result.output
