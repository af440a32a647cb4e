"""``heliosc models`` on the shipped surrogate, copied, and on a chemprop model."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.campaign.models import SHIPPED_SURROGATE
from heliosc.cli.app import app


def _run(*arguments: str) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.exit_code, outcome.stdout, " ".join(outcome.output.split())


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED_SURROGATE, tmp_path / "models" / "shipped")
    shutil.copytree(SHIPPED_SURROGATE, tmp_path / "models" / "broken")
    (tmp_path / "models" / "broken" / "split.json").write_text("{}")
    return tmp_path / "models"


def test_list_promote_and_list_again(models: Path) -> None:
    code, _, text = _run("models", "list")
    assert code == 0
    assert "left out models/broken" in text
    assert "split.json is damaged" in text
    assert "(promoted)" not in text
    assert _run("models", "promote", "models/shipped")[0] == 0
    code, stdout, _ = _run("models", "list", "--json")
    document = json.loads(stdout)
    assert [entry["promoted"] for entry in document["models"]] == [True]
    assert "lambda_hole@gfn2" in document["models"][0]["test"]
    assert document["refused"][0]["folder"] == "models/broken"


def test_a_model_compared_with_itself_is_equal(models: Path) -> None:
    assert _run("models", "promote", "models/shipped")[0] == 0
    code, stdout, _ = _run("models", "compare", "models/shipped", "models/promoted.json", "--json")
    assert code == 0
    assert all(row["MAE A"] == row["MAE B"] > 0 for row in json.loads(stdout))
    assert {row["lower MAE"] for row in json.loads(stdout)} == {"equal"}


def test_nothing_to_list_is_said(models: Path) -> None:
    (models / "empty").mkdir()
    code, _, text = _run("models", "list", "models/empty")
    assert code == 0
    assert "heliosc train surrogate" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "absent"], "there is no folder absent"),
        (["promote", "models/broken"], "split.json is damaged"),
        (["promote", "models"], "config.json is missing"),
        (["import", "absent.pt", "--target", "a=lambda_hole@gfn2", "--held-out", "h.csv", "--out", "m"], "absent.pt"),
        (["import", "absent.pt", "--target", "a", "--held-out", "h.csv", "--out", "m"], "COLUMN=NAME@LEVEL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_folders_and_files_end_with_a_message(models: Path, arguments: list[str], words: str) -> None:
    Path("h.csv").write_text("smiles,lambda_hole@gfn2\nC,0.3\n")
    code, _, text = _run("models", *arguments)
    assert code == 3
    assert words in text


def test_chemprop_weights_out_and_in(models: Path) -> None:
    rows = [f"{'C' * n}{end},{n / 100 + 0.1:.3f}" for n in range(1, 21) for end in ("O", "N", "c1ccsc1")]
    Path("held_out.csv").write_text("\n".join(["smiles,lambda_hole@gfn2", *rows]) + "\n")
    code, _, text = _run("models", "export", "models/shipped", "--out", "cp", "--descriptors-of", "held_out.csv")
    assert code == 0, text
    assert Path("cp/member_0.pt").exists()
    assert Path("cp/descriptors.npz").exists()
    target = ["--target", "lambda_hole=lambda_hole@gfn2"]
    code, _, text = _run("models", "import", "cp/member_0.pt", *target, "--held-out", "held_out.csv", "--out", "back")
    assert code == 3  # the shipped surrogate uses descriptors, which a chemprop file does not define
    assert "extra molecule descriptors" in text
