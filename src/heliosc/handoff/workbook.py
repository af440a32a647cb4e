"""The dossier of one candidate as a workbook, and the overview of a whole hand-off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from heliosc.experiments.form import HEADER, form_rows
from heliosc.handoff.blocks.tables import Cell, Table
from heliosc.handoff.dossier import Dossier
from heliosc.handoff.labels import MISSING, Number
from heliosc.handoff.spreadsheets import safe_cell

_FIXED_TIME = datetime(2000, 1, 1)  # equal content gives equal files
_DRAWING_SCALE = 0.32
_DRAWING_ROWS = 14
_NOTE_COLUMNS = 3
_LINE_POINTS = 15.0
_SYNTHESIS_WIDTHS = (26, 46, 70, 14, 50)
_SHEET_WIDTHS = (44, 46, 16, 16, 14, 16, 26, 14, 14, 14)


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
        self.note = self.book.add_format({**base, "italic": True, "font_color": "#52606d", "text_wrap": True})
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

    def table(self, sheet: Worksheet, row: int, table: Table, widths: Sequence[float]) -> int:
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
            sheet.set_row(row, _height([str(cell) for cell in cells], widths))
            row += 1
        if table.note:
            sheet.merge_range(row, 0, row, _NOTE_COLUMNS - 1, safe_cell(table.note), self.note)
            sheet.set_row(row, _height([table.note], [sum(widths[:_NOTE_COLUMNS])]))
            row += 1
        return row + 1

    def finish(self) -> bytes:
        self.book.close()
        return self.stream.getvalue()


def _height(texts: Sequence[str], widths: Sequence[float]) -> float:
    """Points that the fullest cell of a row needs; a row is not made higher by itself in every program."""
    lines = (math.ceil(1.1 * len(text) / width) for text, width in zip(texts, widths, strict=False))
    return _LINE_POINTS * max(1, *lines)


def dossier_workbook(dossier: Dossier, *, drawing: bytes | None) -> bytes:
    """Sheets: Summary (drawing, identity, gates), Electronics, Laboratory, Synthesis, Provenance, Return form."""
    book = _Book(f"heliosc dossier {dossier.candidate.id}")
    _summary(book, dossier, drawing)
    sheets: tuple[tuple[str, Iterable[Table | None]], ...] = (
        ("Electronics", (dossier.electronics, dossier.references)),
        ("Laboratory", (dossier.analytics, dossier.isotopes, dossier.hazards, dossier.processing, dossier.partner)),
        ("Synthesis", (dossier.synthesis, dossier.steps, dossier.route)),
        ("Provenance", (dossier.provenance,)),
    )
    for name, tables in sheets:
        widths = _SYNTHESIS_WIDTHS if name == "Synthesis" else _SHEET_WIDTHS
        sheet = book.sheet(name, widths)
        row = 0
        for table in tables:
            row = book.table(sheet, row, table, widths) if table else row
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
    widths = (44, 70, 26, 14, 14, 16, 26, 14)
    sheet = book.sheet("Summary", widths)
    sheet.write_string(0, 0, dossier.status, book.note)
    row = 1
    if drawing is not None:
        _insert(sheet, row, 0, drawing, scale=_DRAWING_SCALE, name=dossier.candidate.id)
        row += _DRAWING_ROWS
    row = book.table(sheet, row, dossier.identity, widths)
    book.table(sheet, row, dossier.gates, widths)


def _return_form(book: _Book, dossier: Dossier) -> None:
    candidate = dossier.candidate
    sheet = book.sheet("Return form", (28, 44, 14, 70))
    for column, title in enumerate(HEADER):
        sheet.write_string(0, column, title, book.head)
    for row, (field, value, unit, guidance) in enumerate(
        form_rows(candidate.id, candidate.smiles, candidate.inchikey), start=1
    ):
        sheet.write_string(row, 0, field, book.text)
        if value:
            sheet.write_string(row, 1, safe_cell(value), book.text)
            sheet.set_row(row, _height([value], [44]))
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
