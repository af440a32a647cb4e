"""What users of earlier versions type still works."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heliosc.datasets.library.load import load_library
from heliosc.properties import PropertyKey

REPOSITORY = Path(__file__).parents[2]
KEY = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = load_library().property_table([KEY])
    rows = [
        row for row in zip(table.smiles, table.column(KEY), strict=True) if len(row[0]) < 30 and np.isfinite(row[1])
    ]
    file = tmp_path_factory.mktemp("data") / "mine.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("smiles", str(KEY)), *rows[:300]])
    return file


def _main(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "src" / "main.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_train_surrogate(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "train_conf.yaml"
    config.write_text(f"surrogate: {{data: {data}, out: model, n_members: 1, epochs: 3}}\n")
    done = _main(
        "train-surrogate", "--no-compile", "--no-amp", "--device", "cpu", "--config", str(config), folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "MAE" in done.stdout
    assert (tmp_path / "model" / "metrics.json").exists()


def test_train_generator(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "gen_conf.yaml"
    config.write_text(f"generator: {{data: {data}, out: model, epochs: 1}}\n")
    done = _main("train-generator", "--no-compile", "--config", str(config), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "reconstruction" in done.stdout
    assert (tmp_path / "model").is_dir()


def test_active_loop_explains_what_is_missing(tmp_path: Path) -> None:
    config = tmp_path / "active_learn.yaml"
    config.write_text("surrogate: {weights: nowhere}\n")
    flags = ("--surrogate-device", "cpu", "--generator-device", "cpu", "--compile-mode", "default")
    done = _main("active-loop", "--config", str(config), *flags, folder=tmp_path)
    assert done.returncode == 3
    assert "surrogate.weights = nowhere (written by heliosc train surrogate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_compile_mode_that_there_is_not_is_refused(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "gen_conf.yaml"
    config.write_text(f"generator: {{data: {data}, out: model, epochs: 1}}\n")
    done = _main("train-generator", "--compile", "--compile-mode", "fastest", "--config", str(config), folder=tmp_path)
    assert done.returncode == 2
    assert "generator.compute.compile_mode" in done.stderr
    assert "max-autotune" in done.stderr
    assert not (tmp_path / "model").exists()
