"""``heliosc train surrogate --delta-from`` and predictions that start from the cheap level's values."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from heliosc.cli.app import app

DFT, CHEAP = "homo_energy@b3lyp/def2-svp", "homo_energy@gfn2"
N = 150


def run(*arguments: str) -> Result:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file where DFT is linear in the cheap value, one cheap value missing, and what was trained on it."""
    place = tmp_path_factory.mktemp("delta")
    cheap = np.random.default_rng(0).normal(-10, 1, N)
    with (place / "data.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", CHEAP, DFT])
        for n in range(N):
            chain = "C" * (n % 50 + 1) + ("O", "N", "S")[n // 50]
            writer.writerow([chain, "" if n == 4 else cheap[n], 0.5 * cheap[n] - 1])
    arguments = ("-o", "surrogate.epochs=2", "-o", "surrogate.n_members=1", "--json")
    outcome = run("train", "surrogate", "--data", str(place / "data.csv"), "--delta-from", "gfn2", "--out",
                  str(place / "model"), *arguments)  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert "1 molecules without all values of gfn2" in outcome.stderr
    (place / "metrics.json").write_text(outcome.stdout)
    return place


def test_the_gain_is_reported_beside_the_plain_network(folder: Path) -> None:
    reports = json.loads((folder / "metrics.json").read_text())["random split"]
    assert reports["delta"]["all"][DFT]["mae"] < 0.2 * reports["mpnn"]["all"][DFT]["mae"]
    assert CHEAP not in reports["mpnn"]["all"]  # it is known, not predicted
    assert "Gain of delta-learning" in (folder / "model" / "report.html").read_text()


def test_predictions_start_from_the_values_in_the_file(folder: Path) -> None:
    (folder / "new.csv").write_text(f"smiles,{CHEAP}\nCCCO,-9\nCCCCO,\nCCC(,-9\nCCCN,-11\n")
    arguments = ("predict", str(folder / "new.csv"), "--weights", str(folder / "model" / "delta"))
    outcome = run(*arguments, "--out", str(folder / "out.csv"))
    assert outcome.exit_code == 5
    with (folder / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["row"] for row in rows] == ["2", "5"]
    values = [float(row[f"{DFT} mean"]) for row in rows]
    assert values == pytest.approx([-5.5, -6.5], abs=0.3)
    with (folder / "out.quarantine.csv").open() as stream:
        assert [(row["row"], "starts from" in row["reason"]) for row in csv.DictReader(stream)] == [
            ("3", True),
            ("4", False),
        ]


@pytest.mark.parametrize(
    "option", [("--top", "3"), ("--by", f"{DFT}=min"), ("--column", "mol"), ("--precision", "bf16")]
)
def test_options_that_would_change_nothing_are_refused(folder: Path, option: tuple[str, str]) -> None:
    (folder / "new.csv").write_text(f"smiles,{CHEAP}\nCCCO,-9\n")
    outcome = run("predict", str(folder / "new.csv"), "--weights", str(folder / "model" / "delta"), *option)
    assert outcome.exit_code == 2
    assert option[0] in outcome.output


def test_a_file_without_the_cheap_level_is_refused(folder: Path) -> None:
    outcome = run("train", "surrogate", "--data", str(folder / "data.csv"), "--delta-from", "pm7")
    assert outcome.exit_code == 3
    assert "expected columns of that level" in outcome.output
    (folder / "bare.csv").write_text("smiles\nCCO\n")
    outcome = run("predict", str(folder / "bare.csv"), "--weights", str(folder / "model" / "delta"))
    assert outcome.exit_code == 3
    assert f"{CHEAP} is missing" in outcome.output


def test_it_is_listed_compared_and_promoted_like_any_model(folder: Path) -> None:
    outcome = run("models", "list", str(folder), "--json")
    listed = {entry["kind"]: entry for entry in json.loads(outcome.stdout)["models"]}
    assert listed.keys() == {"network", "delta"}
    assert listed["delta"]["test"][DFT]["mae"] < listed["network"]["test"][DFT]["mae"]
    assert listed["delta"]["model_id"] != listed["network"]["model_id"]
    plain, delta = folder / "model", folder / "model" / "delta"
    rows = json.loads(run("models", "compare", str(plain), str(delta), "--json").stdout)
    assert [row["lower MAE"] for row in rows] == ["B"]
    assert run("models", "promote", str(delta)).exit_code == 0
    (folder / "one.csv").write_text(f"smiles,{CHEAP}\nCCCO,-9\n")
    outcome = run("predict", str(folder / "one.csv"), "--weights", str(plain / "promoted.json"))
    assert outcome.exit_code == 0, outcome.output
    assert "CCCO" in outcome.stdout
