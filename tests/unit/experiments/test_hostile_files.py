"""Files of strangers: refused with a reason or read as plain text; nothing leaves the folder, nothing is calculated."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.campaign.laboratory import import_returned, laboratory_journal, outcomes_of_run
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.errors import InputError
from heliosc.experiments import reading
from heliosc.experiments.journal import FormEvent
from heliosc.experiments.reading import archives
from heliosc.experiments.reading.files import read_forms

FORM = b"field,value,unit\ncandidate_id,x,\nmade,yes,\n"
XML = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def _zip(entries: dict[str, bytes], *, links: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFLNK | 0o777 if name in links else 0o644) << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def _crate(**entries: bytes) -> dict[str, bytes]:
    metadata = json.dumps({"@graph": []}).encode()
    return {"x/ro-crate-metadata.json": metadata, **{f"x/{n}_return_form.csv": c for n, c in entries.items()}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_zip(_crate(a=FORM) | {"../../evil.csv": b"x"}), "leaves its folder"),
        (_zip(_crate(a=FORM) | {"/etc/cron.d/x": b"x"}), "leaves its folder"),
        (_zip(_crate(a=FORM) | {"x/..\\..\\evil.csv": b"x"}), "leaves its folder"),
        (_zip(_crate(a=FORM) | {"x/link_return_form.csv": b"/etc/passwd"}, links=("x/link_return_form.csv",)), "link"),
        (_zip({"x/other.json": b"{}"}), "workbook"),
        (_zip({"x/ro-crate-metadata.json": b"[" * 100_000}), "RO-Crate"),
        (_zip({"x/ro-crate-metadata.json": b'{"@graph": 3}'}), "RO-Crate"),
        (_zip({"xl/workbook.xml": XML, "[Content_Types].xml": XML}), "document type"),
        (b"PK\x03\x04 not really", "zip"),
        (b"\x00\x01\x02", "not text"),
        (b"name,smiles\nx,C\n", "field, value"),
        (b"", "field, value"),
    ],
)
def test_dangerous_and_foreign_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "form.eln"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_forms(path)


def test_a_zip_bomb_is_refused_before_and_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1_000_000)
    path = tmp_path / "bomb.eln"
    path.write_bytes(_zip(_crate(a=b"0" * 2_000_000)))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_forms(path)
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 10_000_000)
    monkeypatch.setattr(archives, "MAX_ENTRY_BYTES", 1_000_000)  # whatever the directory of the archive says
    with pytest.raises(InputError, match="unpacks to more than"):
        read_forms(path)


def test_many_files_and_huge_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 5)
    path = tmp_path / "many.eln"
    path.write_bytes(_zip({f"x/{i}.txt": b"" for i in range(6)}))
    with pytest.raises(InputError, match="holds 6 files"):
        read_forms(path)
    monkeypatch.setattr(reading.form_file, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="has less than 10"):
        read_forms(path)


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    content = bytearray(_zip(_crate(a=FORM * 50)))
    at = content.index(b"return_form.csv") + 20
    content[at : at + 12] = b"\xff" * 12
    path = tmp_path / "damaged.eln"
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_forms(path)


@pytest.fixture
def candidate(make_run_folder: Callable[..., Path]) -> tuple[Path, CandidateRecord]:
    run = make_run_folder(n_rounds=1, batch=1)
    return run, read_candidates(run)[0]


def test_formulas_markup_and_control_characters_stay_plain_text(
    candidate: tuple[Path, CandidateRecord], fill_in: Callable[..., Path]
) -> None:
    run, record = candidate
    notes = "=cmd|'/C calc'!A0 <script>alert(1)</script> \x1b[2Jgone\u202e"
    form = fill_in("form.csv", record, {"made": "yes", "notes": notes, "ie_cv": "=1+1", "operator": "'=x"})
    (found,) = import_returned(run.parent, [form], who="tester")
    assert (found.status, found.n_refused) == ("imported", 1)
    (event,) = (e for e in laboratory_journal(run.parent).events() if isinstance(e, FormEvent))
    assert event.facts["notes"] == ("=cmd|'/C calc'!A0 <script>alert(1)</script> [2Jgone",)
    assert event.facts["operator"] == ("=x",)
    assert event.refused[0].reason.startswith("'=1+1' is not a number")


def test_a_workbook_with_a_formula_gives_no_value(
    candidate: tuple[Path, CandidateRecord], fill_in: Callable[..., Path]
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed; run: pip install 'heliosc[lab]'")
    run, record = candidate
    path = fill_in("form.xlsx", record, {"made": "yes"})
    book = openpyxl.load_workbook(path)
    sheet = book["Return form"]
    row = next(r for r in range(1, sheet.max_row + 1) if sheet.cell(r, 1).value == "ie_cv")
    sheet.cell(row, 2).value = '=WEBSERVICE("http://example.org")'
    book.save(path)
    import_returned(run.parent, [path], who="tester")
    assert outcomes_of_run(run)[record.id].measured == ()


def test_names_with_paths_write_nothing_elsewhere(
    candidate: tuple[Path, CandidateRecord], fill_in: Callable[..., Path], tmp_path: Path
) -> None:
    run, record = candidate
    form = fill_in("form.csv", record, {"made": "yes", "candidate_id": "../../outside", "inchikey": "../x"})
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    (found,) = import_returned(run.parent, [form], who="../../root")
    fresh = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert found.status == "aside"
    assert all(path.is_relative_to(run.parent / "experiments") for path in fresh)


def test_notebook_metadata_is_read_as_a_form(candidate: tuple[Path, CandidateRecord], tmp_path: Path) -> None:
    run, record = candidate
    values = [
        {"@id": f"#{i}", "@type": "PropertyValue", "propertyID": name, "value": value, "unitText": unit}
        for i, (name, value, unit) in enumerate(
            [("candidate_id", record.id, ""), ("made", "yes", ""), ("voc", 910, "mV"), ("pce_mean", "7.1", "%")]
        )
    ]
    dataset = {
        "@id": "./e/",
        "@type": "Dataset",
        "name": "entry",
        "variableMeasured": [{"@id": v["@id"]} for v in values],
    }
    path = tmp_path / "notebook.eln"
    path.write_bytes(_zip({"n/ro-crate-metadata.json": json.dumps({"@graph": [dataset, *values]}).encode()}))
    (found,) = import_returned(run.parent, [path], who="tester")
    measured = {value.key.name: value.value for value in outcomes_of_run(run)[record.id].measured}
    assert (found.origin, found.n_values) == ("notebook.eln:entry", 2)
    assert measured == {"open_circuit_voltage": pytest.approx(0.91), "power_conversion_efficiency": 7.1}


def test_impossible_errors_and_counts_are_set_aside_and_stop_no_other_form(
    candidate: tuple[Path, CandidateRecord], fill_in: Callable[..., Path]
) -> None:
    run, record = candidate
    hostile = {
        "ie_cv": "5.3 ± 1e400", "ea_cv": "3.5 ± 1e300", "absorption_onset_film": "700 ± 1e308",
        "pce_mean": "7.1", "pce_sd": "-0.3", "n_devices": "1e300",
    }  # fmt: skip
    forms = [fill_in("a.csv", record, {"made": "yes", **hostile}), fill_in("b.csv", record, {"voc": "0.9"})]
    first, second = import_returned(run.parent, forms, who="tester")
    assert (first.n_values, first.n_refused, second.n_values) == (1, 5, 1)
    (efficiency,) = (v for v in outcomes_of_run(run)[record.id].measured if v.key.name.startswith("power"))
    assert (efficiency.value, efficiency.std, efficiency.n) == (7.1, None, 1)


def test_the_spread_of_devices_is_read_in_its_own_unit(
    candidate: tuple[Path, CandidateRecord], fill_in: Callable[..., Path]
) -> None:
    run, record = candidate
    units = {"pce_mean": "fraction", "pce_sd": "fraction"}
    form = fill_in("a.csv", record, {"pce_mean": "0.12", "pce_sd": "0.01"}, units=units)
    import_returned(run.parent, [form], who="tester")
    (efficiency,) = outcomes_of_run(run)[record.id].measured
    assert (efficiency.value, efficiency.std) == (pytest.approx(12.0), pytest.approx(1.0))
