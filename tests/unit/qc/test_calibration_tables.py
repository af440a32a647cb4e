"""From a table of measured values to samples, without recomputing what is known; the command on top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from rdkit import Chem
from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.errors import ConvergenceError, InputError
from heliosc.qc.calibration import read_calibration, tables
from heliosc.qc.calibration.features import COUNTS, group_counts
from heliosc.qc.calibration.tables import measured_samples, read_measured

ACENES = ["c1ccc2ccccc2c1", "c1ccc2cc3ccccc3cc2c1", "c1ccc2cc3cc4ccccc4cc3cc2c1"]


def _table(path: Path, n: int = 14) -> Path:
    chains = ["C" * size + "c1ccsc1" for size in range(1, n + 1)]
    rows = "".join(f"{smiles},{8.9 - 0.02 * size:.3f},thiophene\n" for size, smiles in enumerate(chains))
    path.write_text(f"smiles,ie,family\n{rows}C1CC1,,other\n")
    return path


def _pretended(property_name: str, molecule: Chem.Mol) -> Mapping[str, float]:
    """Features without a calculation: linear in the number of atoms."""
    n_atoms = float(molecule.GetNumAtoms())
    values = {f"{property_name}@gfn2": 9.0 - 0.02 * n_atoms, f"{property_name}@ipea1//gfn2": 9.1 - 0.02 * n_atoms}
    return values | {"homo_energy@gfn2": -10.0, "lumo_energy@gfn2": -7.0} | group_counts(molecule)


def test_rows_without_a_number_are_left_out(tmp_path: Path) -> None:
    rows = read_measured(_table(tmp_path / "ie.csv"), column="ie", smiles_column="smiles", class_column="family")
    assert len(rows) == 14
    assert rows[0].reference == pytest.approx(8.9)
    assert rows[0].kind == "thiophene"


def test_missing_columns_and_words_are_input_errors(tmp_path: Path) -> None:
    table = _table(tmp_path / "ie.csv")
    with pytest.raises(InputError, match="no column EA"):
        read_measured(table, column="EA", smiles_column="smiles", class_column=None)
    table.write_text("smiles,ie\nc1ccsc1,high\n")
    with pytest.raises(InputError, match="'high'"):
        read_measured(table, column="ie", smiles_column="smiles", class_column=None)
    with pytest.raises(InputError, match="cannot read"):
        read_measured(tmp_path / "none.csv", column="ie", smiles_column="smiles", class_column=None)


def test_finished_molecules_are_not_computed_again(tmp_path: Path) -> None:
    rows = read_measured(_table(tmp_path / "ie.csv"), column="ie", smiles_column="smiles", class_column=None)
    computed: list[str] = []

    def counted(property_name: str, molecule: Chem.Mol) -> Mapping[str, float]:
        computed.append(Chem.MolToSmiles(molecule))
        return _pretended(property_name, molecule)

    for _ in range(2):
        samples, failures = measured_samples(
            rows, property_name="adiabatic_ionization_energy", remembered=tmp_path / "known.json", features=counted
        )
    assert len(samples) == len(computed) == 14
    assert failures == {}
    assert {sample.scaffold for sample in samples} == {"c1ccsc1"}
    (tmp_path / "known.json").write_text("[1]")
    with pytest.raises(InputError, match="damaged"):
        measured_samples(rows, property_name="adiabatic_ionization_energy", remembered=tmp_path / "known.json")


def test_failures_are_reported_with_their_reason(tmp_path: Path) -> None:
    rows = [tables.MeasuredValue(smiles, 8.0) for smiles in (*ACENES, "no molecule")]

    def failing(property_name: str, molecule: Chem.Mol) -> Mapping[str, float]:
        if molecule.GetNumAtoms() == 14:
            raise ConvergenceError("charges oscillate")
        return _pretended(property_name, molecule)

    samples, failures = measured_samples(
        rows, property_name="adiabatic_electron_affinity", remembered=tmp_path / "known.json", features=failing
    )
    assert len(samples) == 2
    assert failures[ACENES[1]] == "charges oscillate"
    assert "no molecule" in failures


def test_only_ie_and_ea(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no calibration of lambda_hole"):
        measured_samples([], property_name="lambda_hole", remembered=tmp_path / "known.json")


def test_command_writes_a_calibration_and_prints_its_errors(tmp_path: Path) -> None:
    table, out = _table(tmp_path / "ie.csv"), tmp_path / "map.json"
    remembered = {}
    for row in read_measured(table, column="ie", smiles_column="smiles", class_column=None):
        molecule = Chem.MolFromSmiles(row.smiles)
        key = f"adiabatic:{Chem.MolToInchiKey(molecule)}"
        remembered[key] = dict(_pretended("adiabatic_ionization_energy", molecule))
    out.with_suffix(".features.json").write_text(json.dumps(remembered))
    arguments = ["qc", "calibrate", str(table), "--property", "adiabatic_ionization_energy", "--column", "ie"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(out), "--json"])
    assert result.exit_code == InputError.exit_code  # one scaffold only: there is no scaffold-out error to claim
    assert not out.exists()
    extra = "".join(f"{smiles},{8.0 - 0.5 * index},acene\n" for index, smiles in enumerate(ACENES))
    table.write_text(table.read_text() + extra)
    for smiles in ACENES:
        molecule = Chem.MolFromSmiles(smiles)
        key = f"adiabatic:{Chem.MolToInchiKey(molecule)}"
        remembered[key] = dict(_pretended("adiabatic_ionization_energy", molecule))
    out.with_suffix(".features.json").write_text(json.dumps(remembered))
    result = CliRunner().invoke(app, [*arguments, "--out", str(out), "--json", "--class-column", "family"])
    assert result.exception is None, result.output
    printed = json.loads(result.stdout)
    assert printed["level"] == "adiabatic_ionization_energy@cal-gas.1//gfn2"
    assert {row["class"] for row in printed["errors_eV"]} == {"all", "thiophene", "acene"}
    assert read_calibration(out).figures.n_molecules == 17
    assert set(COUNTS).isdisjoint(read_calibration(out).inputs)  # no groups in this table, so none is chosen
