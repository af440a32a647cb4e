"""``heliosc experiments``: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.campaign.records import read_candidates
from heliosc.cli.app import app
from heliosc.experiments.form import form_rows
from heliosc.handoff.spreadsheets import csv_text

runner = CliRunner()


@pytest.fixture
def run(make_run_folder: Callable[..., Path]) -> Path:
    return make_run_folder(n_rounds=1, batch=2)


def _form(run: Path, **answers: str) -> Path:
    record = read_candidates(run)[0]
    rows = [
        (name, answers.get(name, value), unit, guidance)
        for name, value, unit, guidance in form_rows(record.id, record.smiles, record.inchikey)
    ]
    path = run.parent / "returned.csv"
    path.write_text(csv_text(("field", "value", "unit", "how to fill it in"), rows))
    return path


def _heliosc(*arguments: str) -> tuple[int, str, str]:
    result = runner.invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_an_untouched_run_says_what_to_do_next(run: Path) -> None:
    code, out, err = _heliosc("experiments", "--runs", str(run.parent))
    assert (code, out) == (0, "")
    assert "heliosc experiments import" in err


def test_import_then_show_as_json(run: Path) -> None:
    form = _form(run, made="yes", ie_cv="5.4", voc="900", operator="Grace")
    code, out, _ = _heliosc("experiments", "import", str(form), "--runs", str(run.parent), "--by", "Ada", "--json")
    assert code == 0
    report = json.loads(out)
    assert [f["status"] for f in report["forms"]] == ["imported"]
    assert [a["field"] for a in report["refused_answers"]] == ["voc"]
    code, out, _ = _heliosc("experiments", "--runs", str(run.parent), "--json")
    shown = json.loads(out)
    assert {o["state"] for o in shown["outcomes"]} == {"measured", "proposed"}
    (row,) = [r for r in shown["comparisons"] if r["compared_with"] == "vertical_ionization_energy@ipea1//gfn2"]
    assert row["value"] == 5.4
    assert row["computed"] is not None
    assert row["expected_std"] > 0


def test_states_are_set_by_hand_and_wrong_ones_end_with_bad_input(run: Path) -> None:
    name = read_candidates(run)[0].id
    assert _heliosc("experiments", "set", name, "approved", "--runs", str(run.parent), "--by", "Ada")[0] == 0
    code, _, err = _heliosc("experiments", "set", name, "proposed", "--runs", str(run.parent), "--by", "Ada")
    assert code == 3
    assert "it can become: ordered" in " ".join(err.split())
    code, _, err = _heliosc("experiments", "set", "nobody", "approved", "--runs", str(run.parent))
    assert code == 3
    assert "no candidate 'nobody'" in err


def test_a_missing_file_is_bad_input_and_nothing_is_written(run: Path) -> None:
    code, _, err = _heliosc("experiments", "import", str(run / "none.csv"), "--runs", str(run.parent))
    assert code == 3
    assert "cannot read" in err
    assert not (run.parent / "experiments" / "journal.jsonl").exists()
