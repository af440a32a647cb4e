"""Weights to and from the real ``chemprop`` program."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.models import load_surrogate
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.chemprop_format.exporting import descriptor_table, export_chemprop
from heliosc.surrogates.chemprop_format.importing import import_chemprop

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


def _chemprop(*arguments: str, folder: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("chemprop")),
        *arguments,
        "--num-workers",
        "0",
        "--accelerator",
        "cpu",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def _predict(folder: Path, models: Path, *, columns: list[str], more: tuple[str, ...] = ()) -> np.ndarray:
    _chemprop(
        "predict", "-i", "held_out.csv", "--model-paths", str(models), "-o", "predicted.csv", *more, folder=folder
    )
    with (folder / "predicted.csv").open() as stream:
        return np.array([[float(row[name]) for name in columns] for row in csv.DictReader(stream)])


@pytest.mark.slow
def test_a_model_of_the_chemprop_program_goes_through_heliosc_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    smiles = [f"{'C' * n}{end}" for n in range(1, 31) for end in ("O", "N", "F", "c1ccsc1")]
    rows = [(text, 8 - 0.1 * len(text), 0.2 + 0.01 * rng.normal()) for text in smiles]
    for name, part in {"train.csv": rows[:60], "held_out.csv": rows[60:]}.items():
        with (tmp_path / name).open("w", newline="") as stream:
            csv.writer(stream).writerows([("smiles", "gap", "lambda"), *part])
    small = ("--epochs", "3", "--message-hidden-dim", "24", "--ffn-hidden-dim", "16", "--ensemble-size", "2")
    _chemprop("train", "-i", "train.csv", "-o", "trained", *small, folder=tmp_path)
    files = sorted((tmp_path / "trained").glob("model_*/best.pt"))
    assert len(files) == 2
    held_out = PropertyTable(tuple(smiles[60:]), (GAP, LAMBDA), np.array([row[1:] for row in rows[60:]]))
    ensemble = import_chemprop(files, targets={"gap": GAP, "lambda": LAMBDA}, held_out=held_out)
    assert ensemble.config.aggregation == "norm"  # the default of the program
    ours = ensemble.predict(held_out.smiles).mean
    theirs = _predict(tmp_path, tmp_path / "trained", columns=["gap", "lambda"])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    export_chemprop(ensemble, tmp_path / "exported")
    again = _predict(tmp_path, tmp_path / "exported", columns=[str(GAP), str(LAMBDA)])
    np.testing.assert_allclose(again, theirs, atol=1e-5)


@pytest.mark.slow
def test_a_surrogate_with_descriptors_predicts_the_same_in_the_chemprop_program(tmp_path: Path) -> None:
    surrogate = load_surrogate(device="cpu")
    smiles = ("c1ccsc1", "CCO", "N#CC(C#N)=C1c2ccccc2C(=O)C1=Cc1cccs1", "c1ccc(N(c2ccccc2)c2ccccc2)cc1")
    (tmp_path / "held_out.csv").write_text("\n".join(["smiles", *smiles]) + "\n")
    models = tmp_path / "exported"
    export_chemprop(surrogate, models)
    np.savez(tmp_path / "descriptors.npz", descriptor_table(surrogate, smiles))
    columns = [str(key) for key in surrogate.keys]
    more = ("--descriptors-path", "descriptors.npz")
    theirs = _predict(tmp_path, models, columns=columns, more=more)
    np.testing.assert_allclose(surrogate.predict(smiles).mean, theirs, atol=2e-5)
