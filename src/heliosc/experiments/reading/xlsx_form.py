"""A form as XLSX: the sheet ``Return form`` of our workbook, or the first sheet that looks like one."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

from heliosc.errors import InputError, MissingDependencyError
from heliosc.experiments.reading.archives import opened_archive, read_entry
from heliosc.experiments.reading.form_file import MAX_ROWS, RawForm, form_of_rows

SHEET = "Return form"
_MAX_COLUMNS = 60


def xlsx_form(content: bytes, *, origin: str) -> RawForm:
    """Read the values; formulas are never calculated, macros and links never followed.

    Raises
    ------
    InputError : damaged, dangerous, or no return form in it
    MissingDependencyError : openpyxl is not installed
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise MissingDependencyError("reading XLSX forms needs openpyxl: pip install 'heliosc[lab]'") from error
    _refuse_declarations(content, origin=origin)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that we do not read, such as data validation
            book = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheets = sorted(book.worksheets, key=lambda sheet: sheet.title != SHEET)
            tables = [_rows(sheet) for sheet in sheets]
            book.close()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, SyntaxError) as error:
        raise InputError(f"{origin} cannot be read as a workbook ({error!r:.120}); save it again as XLSX") from error
    for rows in tables:
        if rows and {"field", "value"} <= {cell.strip().lower() for cell in rows[0]}:
            return form_of_rows(rows, origin=origin)
    raise InputError(f"{origin} has no sheet with the columns field and value; expected the sheet {SHEET!r}")


def _rows(sheet: Any) -> list[list[str]]:
    return [
        [_text(value) for value in row]
        for row in sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=_MAX_COLUMNS, values_only=True)
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    return value.date().isoformat() if hasattr(value, "date") else str(value)


def _refuse_declarations(content: bytes, *, origin: str) -> None:
    """A document type declaration is how XML brings in files of the reader or grows without end.

    Raises
    ------
    InputError : a part of the workbook has one, or the archive itself is not harmless
    """
    with opened_archive(content, origin=origin) as archive:
        for name in archive.namelist():
            if name.lower().endswith((".xml", ".rels", ".vml")):
                head = read_entry(archive, name, origin=origin)
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head or "<!DOCTYPE".encode("utf-16-le") in head:
                    raise InputError(f"{origin}: {name[:80]} declares a document type, which no workbook needs")
