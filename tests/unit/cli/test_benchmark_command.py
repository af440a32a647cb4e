"""``heliosc benchmark al`` and ``heliosc tune`` on a small pool of invented values."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app

_LEFT = [f"{'C' * n}c1ccc(" for n in range(1, 7)]
_RIGHT = [f"{end}{'C' * n})s1" for end in ("", "O", "N", "S", "c2ccsc2") for n in range(1, 3)]


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    file = tmp_path / "pool.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "gap", "pce", "sas"])
        for text in (left + right for left in _LEFT for right in _RIGHT):
            gap = 3.0 - 0.05 * len(text) - 0.2 * text.count("O")
            writer.writerow([text, gap, 10 - (gap - 1.6) ** 2, 0.1 * len(text)])
    return file


def _run(*words: str) -> list[dict]:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_replays_stand_beside_the_baselines(pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = _run(
        "benchmark", "al", "--pool", str(pool), "--objective", "maximise pce - sas", "--exact", "sas",
        "--derived", "pce from gap", "--seeds", "1", "--batch", "0.1", "--labelled", "0.3", "--out", str(out),
    )  # fmt: skip
    assert [row["arm"] for row in rows] == ["trees-pareto_ucb", "random", "forest-greedy", "forest-UCB"]
    assert all(0 <= row["top at 30%"] <= 1 for row in rows)
    results = json.loads((out / "results.json").read_text())
    assert results["molecules"] == 60
    assert len(results["curves"]) == 4
    assert (out / "curves.svg").read_text().startswith("<?xml")


def test_the_settings_that_are_shipped_are_tried_first(pool: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed; run: pip install 'heliosc[tune]'")
    rows = _run(
        "tune", "--pool", str(pool), "--objective", "maximise pce", "--trials", "1", "--batch", "0.1",
        "--labelled", "0.2", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert len(rows) == 1
    assert (rows[0]["acquisition"], rows[0]["beta"], rows[0]["max_similarity"]) == ("pareto_ucb", 1.5, 1.0)


@pytest.mark.parametrize("words", [["--objective", "maximise pce - lambda"], ["--exact", "lambda"]])
def test_a_column_that_is_not_there_is_named(pool: Path, words: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["benchmark", "al", "--pool", str(pool), "--objective", "maximise pce", "--out", str(tmp_path), *words]
    )
    assert result.exit_code != 0
    assert "lambda" in result.output + str(result.exception)
