"""``heliosc generate`` through the command line, on a small model trained here."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.cli.commands.generation import Wishes
from heliosc.errors import HelioscError
from heliosc.properties import PropertyKey, PropertyTable

GAP = PropertyKey("homo_lumo_gap", "gfn2")
SMILES = ("c1csc(-c2cccs2)c1", "Cc1ccc(-c2cccs2)cc1", "CC=Cc1ccccc1", "CC(F)c1cccs1", "Fc1ccccc1", "c1ccc2sccc2c1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig

    config = JTVAEConfig(
        ModelConfig(hidden=48, word_size=16, place_size=8, tree_latent=8, graph_latent=8),
        TrainingConfig(epochs=64, batch_size=8, learning_rate=8e-3, held_out=0.0, beta=1e-4, word_dropout=0.0),
    )
    table = PropertyTable(SMILES, (GAP,), np.array([[float(len(text))] for text in SMILES]))
    model = JTVAE.train(SMILES, properties=table, config=config, seed=0, device="cpu", n_evaluation_samples=0)
    path = tmp_path_factory.mktemp("generate") / "model"
    model.save(path)
    return path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["generate", "--weights", str(folder), "--device", "cpu", *arguments])
    return outcome.exit_code, outcome.output


def rows_of(folder: Path, *arguments: str) -> list[dict]:
    code, text = run(folder, *arguments, "--json")
    assert code == 0, text
    return json.loads(text)


def test_seeds_decide_and_csv_equals_json(folder: Path, tmp_path: Path) -> None:
    first = rows_of(folder, "-n", "6", "--seed", "4")
    assert len(first) == 6
    assert rows_of(folder, "-n", "6", "--seed", "4") == first
    assert rows_of(folder, "-n", "6", "--seed", "5") != first
    file = tmp_path / "out.csv"
    code, _ = run(folder, "-n", "6", "--seed", "4", "--out", str(file))
    assert code == 0
    assert list(csv.DictReader(io.StringIO(file.read_text()))) == first


def test_likeliest_of_one_latent_vector_repeat(folder: Path) -> None:
    found = [row["smiles"] for row in rows_of(folder, "-n", "6", "--per-latent", "3", "--temperature", "0")]
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4] == found[5]
    greedy = rows_of(folder, "-n", "6", "--per-latent", "3", "--temperature", "0", "--top-k", "1")
    assert greedy == [{"smiles": text} for text in found]
    assert rows_of(folder, "-n", "9", "--top-k", "1", "--temperature", "3") != rows_of(
        folder, "-n", "9", "--temperature", "3"
    )


def test_every_molecule_keeps_the_core(folder: Path) -> None:
    found = rows_of(folder, "-n", "20", "--core", "c1ccsc1", "--temperature", "2")
    pattern = Chem.MolFromSmiles("c1ccsc1")
    assert found
    assert all(Chem.MolFromSmiles(row["smiles"]).HasSubstructMatch(pattern) for row in found)


def test_neighbours_at_no_distance_are_reconstructions(folder: Path) -> None:
    near = ["--near", SMILES[0], "--near", SMILES[4]]
    found = [row["smiles"] for row in rows_of(folder, "-n", "4", *near, "--radius", "0")]
    assert found[:2] == found[2:]
    assert found[0] == Chem.CanonSmiles(SMILES[0])
    assert rows_of(folder, "-n", "8", *near, "--radius", "3") != rows_of(folder, "-n", "8", *near, "--radius", "0")


def test_the_way_between_two_starts_and_ends_there(folder: Path) -> None:
    found = rows_of(folder, "-n", "9", "--between", SMILES[0], SMILES[4])
    assert found[0] == {"smiles": Chem.CanonSmiles(SMILES[0]), "position": 0.0}
    assert found[-1]["smiles"] == Chem.CanonSmiles(SMILES[4])


def test_stereoisomers_stand_beside_their_constitution(folder: Path) -> None:
    found = rows_of(folder, "-n", "1", "--near", "CC=Cc1ccccc1", "--radius", "0", "--stereo")
    assert [row["smiles"] for row in found] == ["C/C=C/c1ccccc1", "C/C=C\\c1ccccc1"]
    assert {(row["constitution"], row["n_isomers"]) for row in found} == {("CC=Cc1ccccc1", 2)}


def test_values_and_windows_are_asked_for(folder: Path) -> None:
    free = rows_of(folder, "-n", "10")
    assert rows_of(folder, "-n", "10", "--condition", f"{GAP}=9") != free
    assert rows_of(folder, "-n", "10", "--condition", f"{GAP}=..10") != free
    wishes = Wishes.of([f"{GAP}=0.05..0.12", "lambda_hole@gfn2=-.5..", "dipole_moment@gfn2=2"])
    assert wishes.windows == {GAP: (0.05, 0.12), PropertyKey("lambda_hole", "gfn2"): (-0.5, float("inf"))}
    assert wishes.values == {PropertyKey("dipole_moment", "gfn2"): 2.0}


@pytest.mark.parametrize(
    "text", ["homo_lumo_gap@gfn2=..", "homo_lumo_gap@gfn2=2..1", "homo_lumo_gap@gfn2=nan..1", "homo_lumo_gap@gfn2=1..x"]
)
def test_windows_that_make_no_sense(text: str) -> None:
    with pytest.raises(HelioscError, match="condition"):
        Wishes.of([text])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--core", "c1ccsc1", "--near", "c1ccsc1"], 2, "--core and --near exclude each other"),
        (["--radius", "1"], 2, "--radius has no meaning with sampling of the prior"),
        (["--near", "c1ccsc1", "--top-k", "3"], 2, "--top-k has no meaning with --near"),
        (["--between", "C", "CC", "--condition", f"{GAP}=2"], 2, "--condition has no meaning with --between"),
        (["--near", "c1ccsc1", "--condition", f"{GAP}=1..2"], 2, "a window in --condition"),
        (["--condition", f"{GAP}=1", "--condition", f"{GAP}=2"], 2, "asked for twice"),
        (["--core", "C1CCCCCCC1"], 3, "vocabulary lacks"),
        (["--near", "nonsense("], 3, "cannot"),
        (["--between", "c1ccsc1", "C1CCCCCCC1"], 3, "fragments it lacks"),
        (["--condition", "lambda_hole@gfn2=0.1"], 3, "cannot be asked for lambda_hole"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, arguments: list[str], code: int, said: str) -> None:
    ended, text = run(folder, "-n", "2", *arguments)
    assert ended == code
    assert said in " ".join(text.split())


@pytest.mark.parametrize(("text", "is_far"), [("=500", True), ("=500..600", True), ("=15..600", False), ("=20", False)])
def test_values_that_nothing_learnt_from_has_are_warned_of(folder: Path, text: str, is_far: bool) -> None:
    code, said = run(folder, "-n", "3", "--condition", f"{GAP}{text}")
    assert code == 0
    assert ("is far from the molecules learnt from" in said) == is_far


def test_a_seed_too_large_for_the_decoder_is_a_wrong_option() -> None:
    assert CliRunner().invoke(app, ["generate", "-n", "1", "--seed", str(2**63)]).exit_code == 2
