"""Bad input ends with one clear message and the documented exit code, never a traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app


def _run(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    return outcome.exit_code, outcome.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["run", "-o", "campaign.ruonds=2"], 2, ["unknown key", "campaign.ruonds", "did you mean 'rounds'"]),
        (["run", "-c", "absent.yaml"], 3, ["absent.yaml"]),
        (["run", "-o", "qc.engine=gaussain"], 3, ["unknown engine 'gaussain'", "tblite"]),
        (["run", "-o", "selection.roles=[p_dopabel]"], 3, ["p_dopabel", "did you mean 'p_dopable'"]),
        (["run", "-o", "selection.acquisition=ucbb"], 3, ["ucbb"]),
        (["run", "-o", "campaign.runs=blocked/runs"], 75, ["cannot write", "blocked/runs"]),
        (["run", "-o", "surrogate.weights=nowhere"], 3, ["surrogate.weights = nowhere", "heliosc train surrogate"]),
        (["predict", "absent.csv"], 3, ["absent.csv"]),
        (["predict", "empty.csv"], 3, ["empty.csv", "empty"]),
        (["predict", "rowless.csv"], 3, ["no rows"]),
        (["label", "rowless.csv"], 3, ["no rows"]),
        (["predict", "salt.csv"], 3, ["several fragments", "which the models never saw"]),
        (["run", "--id", "../evil"], 2, ["run name '../evil'"]),
        (["run", "-o", "selection.roles=[]"], 2, ["selection.roles"]),
        (["run", "-o", "selection.roles=[donor,donor]"], 2, ["named twice"]),
        (["run", "-o", "selection.elements=[Xx]"], 2, ["no such element as Xx"]),
        (["generate", "--condition", "lambda_hole@gfn2=nan"], 3, ["NAME@LEVEL=NUMBER"]),
        (["predict", "noheader.csv"], 3, ["SMILES column"]),
        (["predict", "bad.csv"], 3, ["no readable molecule", "c1ccs"]),
        (["label", "bad.csv"], 3, ["no readable molecule"]),
        (["label", "good.csv", "--out", "blocked/labels"], 75, ["cannot write"]),
        (["label", "good.csv", "-o", "qc.engine=psi5"], 3, ["unknown engine 'psi5'"]),
        (["generate", "--condition", "lambda_hole=0.1"], 3, ["NAME@LEVEL"]),
        (["generate", "--condition", "lambda_hole@gfn2=low"], 3, ["NAME@LEVEL=NUMBER"]),
        (["train", "surrogate", "--data", "good.csv"], 3, ["no property column"]),
        (["status"], 3, ["no runs in runs", "heliosc run"]),
        (["report", "--id", "none"], 3, ["no runs"]),
        (["frobnicate"], 2, ["No such command"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_message_and_exit_code(folder: Path, arguments: list[str], exit_code: int, words: list[str]) -> None:
    (folder / "blocked").touch()  # a file where a folder should go: fails for root too
    (folder / "empty.csv").touch()
    (folder / "noheader.csv").write_text("name,value\nx,1\n")
    (folder / "rowless.csv").write_text("smiles\n\n")
    (folder / "salt.csv").write_text("smiles\n[Na+].[Cl-]\n*c1ccccc1\n[U]\n")
    (folder / "bad.csv").write_text("smiles\nc1ccs\n")
    (folder / "good.csv").write_text("smiles\nc1ccsc1\n")
    code, output = _run(*arguments)
    flat = " ".join(output.split())
    assert code == exit_code, output
    for word in words:
        assert word in flat
    assert "Traceback" not in output


def test_bad_rows_are_reported_and_the_rest_goes_on(folder: Path) -> None:
    (folder / "mixed.csv").write_text("smiles\nc1ccsc1\nc1ccs\nc1ccoc1\n")
    code, output = _run("predict", "mixed.csv", "--out", "out.csv")
    assert code == 5  # finished with failures
    assert "row 3 left out" in " ".join(output.split())
    assert [line.split(",")[0] for line in (folder / "out.csv").read_text().splitlines()] == [
        "smiles",
        "c1ccsc1",
        "c1ccoc1",
    ]
