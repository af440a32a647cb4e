"""The package: complete, verifiable, harmless, equal when its content is equal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.chemistry.identity import canonical_smiles
from heliosc.errors import InputError, ParseError
from heliosc.handoff.package import PackageContext, write_package
from heliosc.handoff.ranking import best_of_run
from heliosc.selection.roles import load_roles

MakeRun = Callable[..., Path]
MakeResult = Callable[[CandidateRecord], dict[str, Any]]


@pytest.fixture
def run(make_run_folder: MakeRun) -> Path:
    return make_run_folder(n_rounds=1, batch=8)


@pytest.fixture
def results(run: Path, make_result: MakeResult) -> dict[str, dict[str, Any]]:
    return {c.calculation_key: make_result(c) for c in read_candidates(run) if c.computed}


def _files(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _one(files: dict[str, bytes], ending: str) -> bytes:
    (name,) = [name for name in files if name.endswith(ending)]
    return files[name]


def _first(run: Path) -> CandidateRecord:
    return best_of_run(read_candidates(run), load_roles())[0]


def test_holds_everything_the_laboratory_needs(run: Path, results: dict[str, Any]) -> None:
    folder = write_package(run, results=results, best=2)
    archives = sorted(file.name for file in folder.glob("fixture-run-r0-*.zip"))
    assert len(archives) == 2
    files = _files(folder / archives[0])
    documents = (".pdf", ".xlsx", ".sdf", "_calculations.json", "_return_form.csv", "README.txt", "manifest.sha256")
    geometries = ("_neutral.xyz", "_cation.xyz", "_anion.xyz")
    for ending in (*documents, *geometries, "run/config.yaml", "run/environment.json"):
        assert _one(files, ending)
    everything = _files(folder / "fixture-run-handoff.zip")
    expected = {Path(name).stem for name in archives} | {"overview.xlsx"}
    assert {name.split("/")[0] for name in everything} >= expected


def test_manifest_verifies(run: Path, results: dict[str, Any]) -> None:
    folder = write_package(run, results=results, best=1)
    for archive in folder.glob("*.zip"):
        files = _files(archive)
        lines = files.pop("manifest.sha256").decode().splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_equal_runs_give_equal_archives(run: Path, results: dict[str, Any]) -> None:
    folder = write_package(run, results=results, best=1)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    write_package(run, results=results, best=1)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_pdf_has_two_pages(run: Path, results: dict[str, Any]) -> None:
    references = {f"material {i}": dict.fromkeys(_first(run).computed, 1.0) for i in range(12)}
    folder = write_package(run, [_first(run).id], results=results, context=PackageContext(references=references))
    pdf = _one(_files(folder / f"{_first(run).id}.zip"), ".pdf")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2


def test_sdf_is_the_molecule_in_its_three_charge_states(run: Path, results: dict[str, Any]) -> None:
    candidate = _first(run)
    folder = write_package(run, [candidate.id], results=results)
    sdf = _one(_files(folder / f"{candidate.id}.zip"), ".sdf")
    molecules = list(Chem.ForwardSDMolSupplier(io.BytesIO(sdf)))
    assert b"V3000" in sdf
    assert [m.GetProp("charge") for m in molecules] == ["0", "1", "-1"]
    assert [m.GetProp("multiplicity") for m in molecules] == ["1", "2", "2"]
    for molecule in molecules:
        assert Chem.MolToSmiles(molecule, isomericSmiles=False) == canonical_smiles(candidate.smiles, stereo=False)
        assert molecule.GetConformer().Is3D()


def test_calculations_are_read_back_with_unit_level_and_bohr(run: Path, results: dict[str, Any]) -> None:
    candidate = _first(run)
    folder = write_package(run, [candidate.id], results=results)
    files = _files(folder / f"{candidate.id}.zip")
    document = json.loads(_one(files, "_calculations.json"))
    value = document["properties"]["lambda_hole@gfn2"]
    assert value["value"] == candidate.computed["lambda_hole@gfn2"]
    assert (value["unit"], value["level_of_theory"]) == ("eV", "gfn2")
    assert "not a QCSchema AtomicResult" in document["statement"]
    cation = document["molecules"]["cation"]
    assert (cation["molecular_charge"], cation["molecular_multiplicity"]) == (1, 2)
    first_atom = _one(files, "_cation.xyz").decode().splitlines()[2].split()
    assert cation["symbols"][0] == first_atom[0]
    assert cation["geometry"][0] * 0.529177210903 == pytest.approx(float(first_atom[1]), abs=1e-6)


def test_return_form_knows_the_candidate_and_asks_the_rest(run: Path, results: dict[str, Any]) -> None:
    candidate = _first(run)
    folder = write_package(run, [candidate.id], results=results)
    text = _one(_files(folder / f"{candidate.id}.zip"), "_return_form.csv").decode()
    values = {row["field"]: row["value"] for row in csv.DictReader(io.StringIO(text))}
    assert values["inchikey"] == candidate.inchikey
    assert {"made", "failure_reason", "pce_mean", "pce_sd", "n_devices", "purity"} <= set(values)
    assert not any(value for field, value in values.items() if field not in {"candidate_id", "smiles", "inchikey"})


def test_ids_cannot_leave_the_folder(run: Path, results: dict[str, Any], tmp_path: Path) -> None:
    records = read_candidates(run)
    hostile = "../../=cmd|'/C calc'!A0"
    RunFolder(run).write_candidates(0, [replace(records[0], id=hostile), *records[1:]])
    outside = {path for path in tmp_path.rglob("*") if path.is_file()}
    folder = write_package(run, [hostile], results=results)
    fresh = {path for path in tmp_path.rglob("*") if path.is_file()} - outside
    assert fresh
    assert all(path.is_relative_to(folder) for path in fresh)
    for archive in folder.glob("*.zip"):
        assert not [name for name in _files(archive) if name.startswith("/") or ".." in name.split("/")]


def test_spreadsheets_hold_no_formula(run: Path, results: dict[str, Any]) -> None:
    records = read_candidates(run)
    attack = '=HYPERLINK("x")'
    RunFolder(run).write_candidates(0, [replace(records[0], id=attack, reason=attack, source="@x"), *records[1:]])
    folder = write_package(run, [attack], results=results)
    (archive,) = [file for file in folder.glob("*.zip") if not file.name.endswith("-handoff.zip")]
    files = _files(archive)
    assert "\n'=HYPERLINK" not in _one(files, "_return_form.csv").decode()
    assert "\"'=HYPERLINK" in _one(files, "_return_form.csv").decode()
    for book in (_one(files, ".xlsx"), (folder / "overview.xlsx").read_bytes()):
        with zipfile.ZipFile(io.BytesIO(book)) as opened:
            sheets = [opened.read(name).decode() for name in opened.namelist() if "worksheets/sheet" in name]
            strings = opened.read("xl/sharedStrings.xml").decode()
        assert not any("<f>" in sheet for sheet in sheets)
        assert ">=HYPERLINK" not in strings


def test_workbook_shows_numbers_as_numbers_and_the_drawing(run: Path, results: dict[str, Any]) -> None:
    candidate = _first(run)
    folder = write_package(run, [candidate.id], results=results)
    with zipfile.ZipFile(io.BytesIO(_one(_files(folder / f"{candidate.id}.zip"), ".xlsx"))) as book:
        assert [name for name in book.namelist() if name.startswith("xl/media/")]
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
        electronics = book.read("xl/worksheets/sheet2.xml").decode()
    assert names == ["Summary", "Electronics", "Laboratory", "Synthesis", "Provenance", "Return form"]
    value = candidate.computed["vertical_ionization_energy@ipea1//gfn2"]
    cells = [float(text) for text in re.findall(r"<c [^>]*><v>([^<]+)</v>", electronics)]
    assert any(cell == pytest.approx(value) for cell in cells)


def test_best_candidates_are_those_inside_their_windows(run: Path, results: dict[str, Any]) -> None:
    ranked = best_of_run(read_candidates(run), load_roles())
    verdicts = [candidate.meets_window for candidate in ranked]
    assert verdicts == sorted(verdicts, reverse=True)
    folder = write_package(run, results=results, best=2)
    assert {file.stem for file in folder.glob("fixture-run-r0-*.zip")} == {candidate.id for candidate in ranked[:2]}


def test_failed_and_unknown_candidates_are_refused_with_the_reason(run: Path, results: dict[str, Any]) -> None:
    failed = next(c for c in read_candidates(run) if c.failure)
    with pytest.raises(InputError, match="did not converge"):
        write_package(run, [failed.id], results=results)
    with pytest.raises(InputError, match="no candidate 'nobody'"):
        write_package(run, ["nobody"], results=results)
    with pytest.raises(InputError, match="no computed candidate"):
        write_package(run, results={})


def test_a_result_of_another_molecule_is_refused(run: Path, results: dict[str, Any]) -> None:
    candidate = _first(run)
    results[candidate.calculation_key]["geometries"]["cation"] = "1\n\nH 0 0 0\n"
    with pytest.raises(ParseError, match="belongs to another molecule"):
        write_package(run, [candidate.id], results=results)
