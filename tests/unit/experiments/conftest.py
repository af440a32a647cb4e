"""Forms as laboratories send them back: the real form, filled in, in the three formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from heliosc.campaign.records import CandidateRecord
from heliosc.experiments.form import HEADER, form_rows

Answers = Mapping[str, str | tuple[str, ...]]
FillIn = Callable[..., Path]


def filled_rows(candidate: CandidateRecord, answers: Answers, units: Mapping[str, str]) -> list[list[str]]:
    """The form's table with answers; a tuple stands for replicates."""
    given = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in answers.items()}
    n_columns = max([1, *(len(values) for values in given.values())])
    header = ["field", "value", *(f"value_{i}" for i in range(2, n_columns + 1)), *HEADER[2:]]
    rows = [header]
    for name, known, unit, guidance in form_rows(candidate.id, candidate.smiles, candidate.inchikey):
        values = given.pop(name, (known,))
        padded = [*values, *[""] * (n_columns - len(values))]
        rows.append([name, *padded, units.get(name, unit), guidance])
    return rows + [[name, *values, *[""] * (n_columns - len(values)), "", ""] for name, values in given.items()]


def as_csv(rows: list[list[str]], *, delimiter: str = ",") -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue().encode()


def as_xlsx(rows: list[list[str]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed; run: pip install 'heliosc[lab]'")
    book = openpyxl.Workbook()
    book.active.title = "Summary"
    sheet = book.create_sheet("Return form")
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_eln(rows: list[list[str]]) -> bytes:
    from heliosc.handoff.eln import ElnDataset, eln_bytes

    dataset = ElnDataset("experiment", {}, {"x_return_form.csv": as_csv(rows)})
    return eln_bytes("returned", [dataset], date="2026-11-23T00:00:00+00:00")


@pytest.fixture
def fill_in(tmp_path: Path) -> FillIn:
    """Write a filled-in form and return its path."""

    def write(
        name: str, candidate: CandidateRecord, answers: Answers, *, units: Mapping[str, str] | None = None
    ) -> Path:
        rows = filled_rows(candidate, answers, units or {})
        path = tmp_path / "inbox" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes({".csv": as_csv, ".xlsx": as_xlsx, ".eln": as_eln}[path.suffix](rows))
        return path

    return write
