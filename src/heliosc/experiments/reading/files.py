"""Whatever the laboratory sent: forms from a file, by what it is and not by what it is called."""

from __future__ import annotations

from pathlib import Path

from heliosc.experiments.reading.archives import opened_archive
from heliosc.experiments.reading.csv_form import csv_form
from heliosc.experiments.reading.eln_form import METADATA, eln_forms
from heliosc.experiments.reading.form_file import RawForm, printable, read_bytes
from heliosc.experiments.reading.xlsx_form import xlsx_form

_ZIP = b"PK\x03\x04"


def read_forms(path: Path) -> list[RawForm]:
    """Forms of a CSV, XLSX or .eln file.

    Raises
    ------
    InputError : unreadable, dangerous, or no return form
    MissingDependencyError : openpyxl is not installed and needed
    """
    content = read_bytes(path)
    name = printable(path.name)
    if not content.startswith(_ZIP):
        return [csv_form(content, origin=name)]
    with opened_archive(content, origin=name) as archive:
        is_crate = any(entry.rsplit("/", 1)[-1] == METADATA for entry in archive.namelist())
    return eln_forms(content, origin=name) if is_crate else [xlsx_form(content, origin=name)]
