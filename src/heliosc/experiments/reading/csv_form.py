"""A form as CSV, with the delimiter and encoding that a spreadsheet program chose."""

from __future__ import annotations

import csv

from heliosc.errors import InputError
from heliosc.experiments.reading.form_file import RawForm, form_of_rows


def csv_form(content: bytes, *, origin: str) -> RawForm:
    """Read it.

    Raises
    ------
    InputError : not text, or no return form
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes under Windows
    if "\0" in text:
        raise InputError(f"{origin} is not text; expected the return form as CSV, XLSX or .eln")
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{origin} cannot be read as CSV: {error}; save it again as CSV UTF-8") from error
    return form_of_rows(rows, origin=origin)
