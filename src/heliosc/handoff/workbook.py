"""The dossier of one candidate as a workbook, and the overview of a whole hand-off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from heliosc.handoff.dossier import MARK, Cell, Dossier, Table
from heliosc.handoff.labels import MISSING, Number
from heliosc.handoff.return_form import HEADER, return_form_rows, safe_cell

_FIXED_TIME = datetime(2000, 1, 1)  # equal content gives equal files
_DRAWING_SCALE = 0.32
_DRAWING_ROWS = 14


class _Book:
    """An in-memory workbook with the few formats that we use."""

    def __init__(self, title: str) -> None:
        self.stream = BytesIO()
        self.book = xlsxwriter.Workbook(
            self.stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self.book.set_properties({"title": title, "author": "heliosc", "created": _FIXED_TIME})
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        self.title = self.book.add_format({**base, "bold": True, "font_size": 13, "font_color": "#0b5c86"})
        self.head = self.book.add_format({**base, "bold": True, "bg_color": "#eef3f7", "bottom": 1})
        self.text = self.book.add_format({**base, "text_wrap": True})
        self.note = self.book.add_format({**base, "italic": True, "font_color": "#52606d"})
        self.answer = self.book.add_format({**base, "bg_color": "#fff8e1", "border": 1, "border_color": "#d9dfe5"})
        self._numbers: dict[int, Format] = {}
        self._base = base

    def number(self, decimals: int) -> Format:
        if decimals not in self._numbers:
            pattern = "0" if decimals == 0 else "0." + "0" * decimals
            self._numbers[decimals] = self.book.add_format({**self._base, "num_format": pattern})
        return self._numbers[decimals]

    def sheet(self, name: str, widths: Sequence[float]) -> Worksheet:
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.fit_to_pages(1, 0)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def write(self, sheet: Worksheet, row: int, column: int, cell: Cell | None) -> None:
        if isinstance(cell, Number) and cell.value is not None:
            sheet.write_number(row, column, cell.value, self.number(cell.decimals))
        else:
            sheet.write_string(row, column, safe_cell(MISSING if cell is None else str(cell)), self.text)

    def table(self, sheet: Worksheet, row: int, table: Table) -> int:
        """Write a table from a row on; returns the first free row after it."""
        sheet.write_string(row, 0, table.title, self.title)
        row += 1
        if any(table.columns):
            for column, title in enumerate(table.columns):
                sheet.write_string(row, column, safe_cell(title), self.head)
            row += 1
        for cells in table.rows:
            for column, cell in enumerate(cells):
                self.write(sheet, row, column, cell)
            row += 1
        if table.note:
            sheet.write_string(row, 0, table.note, self.note)
            row += 1
        return row + 1

    def finish(self) -> bytes:
        self.book.close()
        return self.stream.getvalue()


def dossier_workbook(dossier: Dossier, *, drawing: bytes | None) -> bytes:
    """Sheets: Summary (drawing, identity, gates), Electronics, Laboratory, Provenance, Return form."""
    book = _Book(f"heliosc dossier {dossier.candidate.id}")
    _summary(book, dossier, drawing)
    sheets: tuple[tuple[str, Iterable[Table | None]], ...] = (
        ("Electronics", (dossier.electronics, dossier.references)),
        ("Laboratory", (dossier.analytics, dossier.isotopes, dossier.synthesis, dossier.hazards, dossier.processing)),
        ("Provenance", (dossier.provenance,)),
    )
    for name, tables in sheets:
        sheet = book.sheet(name, (44, 26, 14, 14, 12, 16, 14, 14, 14, 14))
        row = 0
        for table in tables:
            row = book.table(sheet, row, table) if table else row
    _return_form(book, dossier)
    return book.finish()


def overview_workbook(header: Sequence[str], rows: Iterable[tuple[Cell, bytes | None, Sequence[Any]]]) -> bytes:
    """One line a candidate: identifier, drawing, values.

    Parameters
    ----------
    header : titles of the value columns
    rows : identifier, PNG or None, cells under ``header``
    """
    book = _Book("heliosc hand-off overview")
    sheet = book.sheet("Candidates", (30, 30, *[15] * len(header)))
    for column, title in enumerate(("Identifier", "Structure", *header)):
        sheet.write_string(0, column, safe_cell(title), book.head)
    sheet.freeze_panes(1, 1)
    for row, (identifier, drawing, cells) in enumerate(rows, start=1):
        book.write(sheet, row, 0, identifier)
        if drawing is not None:
            sheet.set_row(row, 105)
            _insert(sheet, row, 1, drawing, scale=0.17, name=str(identifier))
        for column, cell in enumerate(cells, start=2):
            book.write(sheet, row, column, cell)
    return book.finish()


def _summary(book: _Book, dossier: Dossier, drawing: bytes | None) -> None:
    sheet = book.sheet("Summary", (44, 70, 26, 14, 12, 16))
    sheet.write_string(0, 0, MARK, book.note)
    row = 1
    if drawing is not None:
        _insert(sheet, row, 0, drawing, scale=_DRAWING_SCALE, name=dossier.candidate.id)
        row += _DRAWING_ROWS
    row = book.table(sheet, row, dossier.identity)
    book.table(sheet, row, dossier.gates)


def _return_form(book: _Book, dossier: Dossier) -> None:
    sheet = book.sheet("Return form", (28, 44, 14, 70))
    for column, title in enumerate(HEADER):
        sheet.write_string(0, column, title, book.head)
    for row, (field, value, unit, guidance) in enumerate(return_form_rows(dossier.candidate), start=1):
        sheet.write_string(row, 0, field, book.text)
        if value:
            sheet.write_string(row, 1, safe_cell(value), book.text)
        else:
            sheet.write_blank(row, 1, None, book.answer)
        sheet.write_string(row, 2, unit, book.text)
        sheet.write_string(row, 3, guidance, book.note)
    sheet.freeze_panes(1, 1)


def _insert(sheet: Worksheet, row: int, column: int, drawing: bytes, *, scale: float, name: str) -> None:
    sheet.insert_image(
        row,
        column,
        "structure.png",
        {
            "image_data": BytesIO(drawing),
            "x_scale": scale,
            "y_scale": scale,
            "x_offset": 4,
            "y_offset": 4,
            "description": f"Structure of {name}",
            "object_position": 1,
        },
    )
