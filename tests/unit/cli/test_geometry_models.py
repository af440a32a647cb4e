"""``heliosc train surrogate --model schnet`` and predictions with it; the optimiser is replaced by a cheap stand-in."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner, Result

from heliosc.chemistry.identity import parse_smiles
from heliosc.cli.app import app
from heliosc.surrogates.schnet import MissingGeometry, MolecularGeometry

KEY = "homo_energy@gfn2"
ENDS = ("O", "N", "S", "Cl", "Br", "C#N", "C=O", "C=C", "C#C", "OC=O", "SC=O", "NC=O")

pytest.importorskip("torch_geometric", reason="pip install 'heliosc[3d]'")


class StandIn:
    """Atoms on a line, and no geometry of anything with fluorine."""

    level = "gfn2"
    n_asked = 0

    def __init__(self, settings: object) -> None:
        self.settings = settings

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        StandIn.n_asked += len(smiles)
        return [self._find(text, states) for text in smiles]

    @staticmethod
    def _find(smiles: str, states: Sequence[str]) -> MolecularGeometry | MissingGeometry:
        if "F" in smiles:
            return MissingGeometry(smiles, "the stand-in has no fluorine")
        numbers = np.array([atom.GetAtomicNum() for atom in Chem.AddHs(parse_smiles(smiles)).GetAtoms()])
        line = np.arange(len(numbers))[:, None] * np.array([1.1, 0.0, 0.0])
        return MolecularGeometry(numbers, dict.fromkeys(states, line))


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliosc.campaign.geometry_training.XtbGeometries", StandIn)


def run(*arguments: str) -> Result:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("schnet")
    with (place / "data.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", KEY])
        for n in range(168):
            chain = "C" * (n % 14 + 1) + ENDS[n // 14]
            writer.writerow([chain, -9 + 0.02 * (n % 14) + 0.3 * (n // 14)])
        writer.writerow(["CCF", -10])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heliosc.campaign.geometry_training.XtbGeometries", StandIn)
        outcome = run("train", "surrogate", "--model", "schnet", "--data", str(place / "data.csv"), "--out",
                      str(place / "model"), "-o", "surrogate.epochs=2", "-o", "surrogate.n_members=1",
                      "-o", "surrogate.network={interactions: 2}", "--json")  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert "left out: CCF: the stand-in has no fluorine" in outcome.stderr
    assert json.loads(outcome.stdout)[KEY]["n"] > 5
    return place


def test_the_network_is_built_as_the_configuration_says(folder: Path) -> None:
    settings = json.loads((folder / "model" / "config.json").read_text())["settings"]
    assert (settings["interactions"], settings["n_members"], settings["epochs"]) == (2, 1, 2)


@pytest.mark.parametrize("unused", ["surrogate.start_from=model", "surrogate.delta_level=gfn2"])
def test_settings_of_another_kind_of_model_are_refused(folder: Path, unused: str) -> None:
    StandIn.n_asked = 0
    outcome = run("train", "surrogate", "--model", "schnet", "--data", str(folder / "data.csv"), "--out",
                  str(folder / "other"), "-o", unused)  # fmt: skip
    assert outcome.exit_code == 3
    assert "is for the message-passing network" in outcome.stderr
    assert StandIn.n_asked == 0
    assert not (folder / "other").exists()


def test_predictions_compute_each_geometry_once(folder: Path) -> None:
    (folder / "new.csv").write_text("smiles\nCCCO\nCF\nCCC(\nCCCN\n")
    arguments = ("predict", str(folder / "new.csv"), "--weights", str(folder / "model"), "--out")
    StandIn.n_asked = 0
    outcome = run(*arguments, str(folder / "out.csv"))
    assert outcome.exit_code == 5
    with (folder / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["smiles"] for row in rows] == ["CCCO", "CCCN"]
    assert [row["row"] for row in rows] == ["2", "5"]
    assert all(float(row[f"{KEY} std"]) > 0 for row in rows)
    quarantine = (folder / "out.quarantine.csv").read_text()
    assert "cannot parse" in quarantine
    assert "no fluorine" in quarantine
    asked = StandIn.n_asked
    run(*arguments, str(folder / "out.csv"))
    assert StandIn.n_asked - asked < asked  # only the one that failed is tried again


def test_a_file_without_any_geometry_is_an_error(folder: Path) -> None:
    (folder / "bad.csv").write_text("smiles\nCF\n")
    outcome = run("predict", str(folder / "bad.csv"), "--weights", str(folder / "model"))
    assert outcome.exit_code == 3
    assert "no molecule with a gfn2 geometry" in outcome.stderr


@pytest.mark.parametrize("option", [("--scaffold",), ("--delta-from", "gfn2")])
def test_options_of_the_other_model_are_refused(folder: Path, option: tuple[str, ...]) -> None:
    outcome = run("train", "surrogate", "--model", "schnet", "--data", str(folder / "data.csv"), *option)
    assert outcome.exit_code == 2
    assert "are for --model mpnn" in outcome.stderr


def test_best_first_is_for_models_of_the_structure(folder: Path) -> None:
    (folder / "new.csv").write_text("smiles\nCCCO\n")
    outcome = run("predict", str(folder / "new.csv"), "--weights", str(folder / "model"), "--top", "1", "--by",
                  f"{KEY}=min")  # fmt: skip
    assert outcome.exit_code == 2


def test_too_few_geometries_are_refused(folder: Path) -> None:
    rows = [f"{'C' * n}F,{-n / 10}" for n in range(1, 151)]
    (folder / "fluorides.csv").write_text("\n".join([f"smiles,{KEY}", *rows]) + "\n")
    outcome = run("train", "surrogate", "--model", "schnet", "--data", str(folder / "fluorides.csv"), "--out",
                  str(folder / "none"))  # fmt: skip
    assert outcome.exit_code == 3
    assert "0 of 150 molecules have a geometry, e.g. " in outcome.stderr.replace("\n", " ")
