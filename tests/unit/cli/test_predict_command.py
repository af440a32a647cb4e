"""``heliosc predict`` from file to file."""

import csv
import json

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from heliosc.cli.app import app

KEY = "lambda_hole@gfn2"
ROWS = "id,mol\na,c1ccsc1\nb,c1ccc2ccccc2c1\nc,c1ccs\nd,C[N+](C)(C)C\ne,c1ccoc1\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text(ROWS)
    return tmp_path


def run(*arguments):
    outcome = CliRunner().invoke(app, ["predict", "in.csv", "--column", "mol", "--workers", "1", *arguments])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome


def test_every_row_is_in_the_output_or_in_the_quarantine(folder):
    outcome = run("--out", "out.parquet", "--json")
    assert outcome.exit_code == 5  # finished, with rows left out
    assert json.loads(outcome.stdout) == {"rows": 5, "predicted": 3, "left_out": 2, "out": "out.parquet"}
    assert parquet.read_table("out.parquet")["row"].to_pylist() == [2, 3, 6]
    with (folder / "out.quarantine.csv").open() as stream:
        quarantined = {int(line["row"]): line["reason"] for line in csv.DictReader(stream)}
    assert "parse" in quarantined[4]
    assert "charge +1" in quarantined[5]
    assert not (folder / "out.parquet.parts").exists()


def test_the_best_are_kept_in_order(folder):
    run("--out", "all.csv")
    run("--out", "best.csv", "--top", "2", "--by", f"{KEY}=max")
    with (folder / "all.csv").open() as stream:
        everything = sorted(csv.DictReader(stream), key=lambda line: -float(line[f"{KEY} mean"]))
    with (folder / "best.csv").open() as stream:
        best = list(csv.DictReader(stream))
    assert [line["smiles"] for line in best] == [line["smiles"] for line in everything[:2]]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--top", "3"], 2, "--top and --by belong together"),
        (["--top", "3", "--by", f"{KEY}=best"], 3, "=min, =max or =NUMBER"),
        (["--top", "3", "--by", "singlet_excitation_energy@gfn2=min"], 3, "the model does not predict"),
        (["--precision", "f16"], 3, "unknown precision 'f16'"),
        (["--out", "out.xlsx"], 3, ".csv or .parquet"),
    ],
)
def test_wrong_options_say_why(folder, arguments, exit_code, words):
    outcome = run(*arguments)
    assert outcome.exit_code == exit_code
    assert words in " ".join(outcome.output.split())


def test_an_unfinished_prediction_of_another_input_is_not_mixed_in(folder):
    parts = folder / "out.csv.parts"
    parts.mkdir()
    (parts / "job.json").write_text(json.dumps({"format": 1, "model": "another"}))
    outcome = run("--out", "out.csv")
    assert outcome.exit_code == 3
    assert "model was another" in " ".join(outcome.output.split())
    assert run("--out", "out.csv", "--fresh").exit_code == 5
    assert (folder / "out.csv").exists()
