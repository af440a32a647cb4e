"""``heliosc train generator --evaluate`` on a genetic generator, which needs no training."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.generation import GeneticGenerator

SMILES = ("c1ccc2c(c1)[nH]c1ccccc12", "c1csc(-c2cccs2)c1", "c1ccc(N(c2ccccc2)c2ccccc2)cc1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    GeneticGenerator.of(SMILES).save(tmp_path / "g")
    lines = [f"{text},{gap}" for text, gap in zip(SMILES, (3.1, 3.3, 3.5), strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["smiles,homo_lumo_gap@gfn2", *lines]))
    return tmp_path


def _evaluate(folder: Path, *more: str) -> tuple[int, str]:
    command = ["train", "generator", "--evaluate", "--out", str(folder / "g"), "--data", str(folder / "data.csv")]
    outcome = CliRunner().invoke(app, [*command, "--samples", "12", *more])
    return outcome.exit_code, outcome.stdout


def test_json_has_every_figure_and_null_for_what_is_missing(folder: Path) -> None:
    code, text = _evaluate(folder, "--json")
    assert code == 0
    found = json.loads(text)
    assert found["n_samples"] == 12
    assert found["validity"] == 1.0
    assert found["reconstruction"] is None
    assert found["property_distances"]["molecular_weight"]["training_std"] > 0


def test_tables_show_a_dash_for_what_is_missing(folder: Path) -> None:
    code, text = _evaluate(folder)
    assert code == 0
    lines = {line.split("│")[1].strip(): line for line in text.splitlines() if line.startswith("│")}
    assert "-" in lines["reconstruction"].split("│")[2]
    assert lines["alert rate"].split("│")[2].strip() == "0.000"


def test_a_folder_without_a_generator_is_named(folder: Path) -> None:
    outcome = CliRunner().invoke(app, ["train", "generator", "--evaluate", "--out", str(folder / "none")])
    assert outcome.exit_code == 3
    assert "none" in outcome.output


def test_a_refreshed_model_is_no_longer_vouched_for(folder: Path) -> None:
    from heliosc.generation.jtvae import JTVAE, JTVAEConfig

    small = {"hidden": 8, "word_size": 8, "place_size": 8, "tree_latent": 2, "graph_latent": 2, "epochs": 1}
    model = JTVAE.train(SMILES, config=JTVAEConfig.of(**small, held_out=0.0), n_evaluation_samples=0, device="cpu")
    command = ["train", "generator", "--evaluate", "--out", str(folder / "m"), "--data", str(folder / "data.csv"),
               "--samples", "2"]  # fmt: skip
    for n_refreshes in (0, 1):
        model.save(folder / "m")
        outcome = CliRunner().invoke(app, command)
        assert outcome.exit_code == 0
        assert ("refreshed 1 times since its training" in outcome.stderr) == bool(n_refreshes)
        model.fine_tune(SMILES[:1], epochs=1)
    assert JTVAE.load(folder / "m", device="cpu").n_refreshes == 1
