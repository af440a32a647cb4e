"""``heliosc data sources / fetch / merge`` end to end, on files of a few rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app

OSC_MAP = """
name: osc_data
title: our own sheet
licence: {name: internal}
files: ["osc.csv"]
smiles: [SMILES]
columns:
  - {column: HOMO, property: homo_energy, level: experiment-cv, unit: eV, sign: same}
  - {column: LUMO, property: lumo_energy, level: experiment-cv, unit: eV, sign: same}
  - {column: EA, property: vertical_electron_affinity, level: b3lyp/6-31g(d), unit: meV, sign: opposite}
  - {column: lambda_h, property: lambda_hole, level: b3lyp/6-31g(d), unit: kcal/mol, sign: same}
"""
OSC = "SMILES,HOMO,LUMO,EA,lambda_h\nc1ccsc1,-5.5,-2.0,-1500,5\nCC.CC,-5,-2,0,5\n"


def run(*arguments: str) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.exit_code, outcome.stdout, outcome.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "osc_data.yaml").write_text(OSC_MAP)
    (tmp_path / "osc.csv").write_text(OSC)
    return tmp_path


def test_an_own_sheet_with_a_declared_column_map_is_merged(folder: Path) -> None:
    (folder / "copy.csv").write_text("smiles,PCE\nc1ccsc1,3.5\n")
    code, stdout, stderr = run("data", "merge", "cep=copy.csv", "--map", "osc_data.yaml", "--workers", "1", "--json")
    assert code == 0
    report = json.loads(stdout)
    assert report["sources"] == [
        {"source": "cep", "n_rows": 1, "n_kept": 1, "n_duplicates": 0, "n_quarantined": 0},
        {"source": "osc_data", "n_rows": 2, "n_kept": 1, "n_duplicates": 0, "n_quarantined": 1},
    ]
    assert "rows set aside, with reasons: data/store/quarantine.csv" in stderr.replace("\n", "")
    with (folder / "data/raw/all_mols.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["sources"] == "cep;osc_data"
    assert float(row["homo_energy@experiment-cv"]) == -5.5
    assert float(row["vertical_electron_affinity@b3lyp/6-31g(d)"]) == pytest.approx(1.5)
    assert float(row["lambda_hole@b3lyp/6-31g(d)"]) == pytest.approx(5 * 0.0433641039)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("unit: meV, ", "", "unit: Field required"),
        (", sign: opposite", "", "sign: Field required"),
        ("unit: meV", "unit: volts", "unit 'volts' does not convert to eV; expected one of: eV, meV"),
        ("level: experiment-cv", "level: my-dft", "unknown level of theory"),
        ("homo_energy", "homo", "unknown property 'homo'"),
        ("sign: opposite", "sign: maybe", "same"),
        ("[SMILES]", "[Smiles]", "no column Smiles; its columns are SMILES, HOMO"),
        ("lambda_h, ", "lambda, ", "no column 'lambda'"),
        ("licence: {name: internal}", "licenc: {}", "licence: Field required"),
        ("name: osc_data", "name: [", "is not YAML"),
        ("column: LUMO, property: lumo", "column: LUMO, property: homo", "both homo_energy@experiment-cv"),
        ("column: LUMO", "column: HOMO", "column 'HOMO' is both homo_energy@experiment-cv and lumo_energy"),
    ],
)
def test_nothing_in_a_column_map_is_guessed(folder: Path, old: str, new: str, words: str) -> None:
    (folder / "osc_data.yaml").write_text(OSC_MAP.replace(old, new, 1))
    code, _, stderr = run("data", "merge", "--map", "osc_data.yaml")
    assert code == 3
    assert words in stderr


def test_a_source_of_which_nothing_is_left_ends_with_the_code_of_an_incomplete_result(folder: Path) -> None:
    (folder / "osc_data.yaml").write_text(OSC_MAP.replace("unit: eV", "unit: hartree"))
    code, _, stderr = run("data", "merge", "--map", "osc_data.yaml", "--workers", "1")
    assert code == 5
    assert "not one row of osc_data could be used" in stderr.replace("\n", " ")
    assert (folder / "data/store/quarantine.csv").read_text().count("\n") == 3  # header, two rows


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["merge", "oclot=osc.csv"], 3, "Did you mean ocelot?"),
        (["merge", "ocelot"], 3, "get it with: heliosc data fetch ocelot, or name it: ocelot=FILE"),
        (["merge", "ocelot=absent.csv"], 3, "absent.csv"),
        (["merge", "ocelot=osc.csv"], 3, "no column smiles; its columns are SMILES, HOMO"),
        (["merge", "--map", "absent.yaml"], 3, "absent.yaml"),
        (["merge", "--map", "osc_data.yaml", "--store", "osc.csv/store"], 75, "cannot write"),
        (["fetch", "hopv15"], 3, "--from FILE"),
        (["fetch", "hopv15", "--from", "osc.csv"], 3, "osc.csv is no file name of hopv15"),
        (["fetch", "nowhere"], 3, "no source is called 'nowhere'"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(folder: Path, arguments: list[str], exit_code: int, words: str) -> None:
    code, _, stderr = run("data", *arguments)
    assert code == exit_code
    assert words in stderr
    assert "Traceback" not in stderr


def test_fetching_an_own_copy_shows_the_licence_and_is_found_by_the_next_command(folder: Path) -> None:
    (folder / "compas_1d.csv").write_text("molecule,smiles\n")
    code, stdout, stderr = run("data", "fetch", "compas", "--from", "compas_1d.csv", "--json")
    assert code == 0
    assert "licence: as stated in the COMPAS repository" in stderr
    assert json.loads(stdout)[0]["file"] == "data/downloads/compas/compas_1d.csv"
    _, stdout, _ = run("data", "sources", "--json")
    here = {row["source"] for row in json.loads(stdout) if row["files_here"]}
    assert here - {"qm9pack"} == {"compas"}  # that one is a package, perhaps installed here
