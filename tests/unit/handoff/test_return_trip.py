"""Out to the laboratory and back: the forms of a real package, filled in, are imported as they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.laboratory import import_returned, outcomes_of_run
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.errors import InputError
from heliosc.experiments.states import State
from heliosc.handoff.judging import measured_evidence
from heliosc.handoff.package import write_package

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed; run: pip install 'heliosc[lab]'")


@pytest.fixture
def package(
    make_run_folder: Callable[..., Path], make_result: Callable[[CandidateRecord], dict[str, Any]]
) -> tuple[Path, CandidateRecord, dict[str, bytes]]:
    run = make_run_folder(n_rounds=1, batch=1)
    (candidate,) = read_candidates(run)
    folder = write_package(run, [candidate.id], results={candidate.calculation_key: make_result(candidate)})
    with zipfile.ZipFile(folder / f"{candidate.id}.zip") as archive:
        return run, candidate, {name: archive.read(name) for name in archive.namelist()}


def test_the_workbook_comes_back(package: tuple[Path, CandidateRecord, dict[str, bytes]], tmp_path: Path) -> None:
    run, candidate, files = package
    book = openpyxl.load_workbook(io.BytesIO(files[f"{candidate.id}.xlsx"]))
    sheet = book["Return form"]
    answers = {"made": "yes", "ie_cv": 5.42, "yield_overall": 61}
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, 1).value in answers:
            sheet.cell(row, 2).value = answers[sheet.cell(row, 1).value]
    returned = tmp_path / "returned.xlsx"
    book.save(returned)
    (form,) = import_returned(run.parent, [returned], who="tester")
    assert (form.status, form.state, form.n_refused) == ("imported", State.MEASURED, 0)
    (value,) = outcomes_of_run(run)[candidate.id].measured
    assert (str(value.key), value.value) == ("vertical_ionization_energy@experiment-cv", 5.42)
    (evidence,) = measured_evidence(run)[candidate.id]
    assert (evidence.tier, evidence.value) == ("experiment", 5.42)


def test_an_untouched_notebook_file_is_no_result(
    package: tuple[Path, CandidateRecord, dict[str, bytes]], tmp_path: Path
) -> None:
    run, candidate, files = package
    path = tmp_path / "same.eln"
    path.write_bytes(files[f"{candidate.id}.eln"])
    (form,) = import_returned(run.parent, [path], who="tester")
    assert form.status == "unreadable"
    assert "no filled-in return form" in form.reason
    assert outcomes_of_run(run)[candidate.id].state is State.PROPOSED


def test_a_changed_identity_is_kept_aside(
    package: tuple[Path, CandidateRecord, dict[str, bytes]], tmp_path: Path
) -> None:
    run, candidate, files = package
    text = files[f"{candidate.id}_return_form.csv"].decode()
    form = tmp_path / "form.csv"
    form.write_text(text.replace(candidate.inchikey, "UFWIBTONFRDIAS-UHFFFAOYSA-N").replace("\nmade,,", "\nmade,yes,"))
    (found,) = import_returned(run.parent, [form], who="tester")
    assert found.status == "aside"
    assert "correct one of them" in found.reason


def test_a_file_that_is_not_there_stops_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        import_returned(tmp_path, [tmp_path / "none.csv"], who="tester")
    assert not (tmp_path / "experiments").exists()


def test_a_value_of_a_compound_with_other_side_chains_says_so(
    package: tuple[Path, CandidateRecord, dict[str, bytes]], tmp_path: Path
) -> None:
    run, candidate, _ = package
    form = tmp_path / "form.csv"
    form.write_text(f"field,value,unit\ncandidate_id,{candidate.id},\nside_chains,CCCCc1cccs1,\nie_cv,5.4,eV\n")
    import_returned(run.parent, [form], who="tester")
    (evidence,) = measured_evidence(run)[candidate.id]
    assert evidence.note == "measured on CCCCc1cccs1"
