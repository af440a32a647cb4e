"""The dossier of one candidate as a PDF of exactly two A4 pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Frame, Image, KeepInFrame, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from heliosc.handoff.blocks.tables import Cell, Table
from heliosc.handoff.dossier import Dossier
from heliosc.handoff.labels import Number

_INK = colors.HexColor("#1f2933")
_MUTED = colors.HexColor("#52606d")
_LINE = colors.HexColor("#d9dfe5")
_TINT = colors.HexColor("#f3f6f9")
_ACCENT = colors.HexColor("#0b5c86")
_VERDICTS = {"pass": "#14692f", "warn": "#8a5300", "fail": "#a3201a", "not evaluated": "#52606d"}

_MARGIN = 16 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_TOP = A4[1] - 27 * mm
_BOTTOM = 16 * mm
_NO_PADDING = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
_REGULAR, _BOLD = "DejaVuSans", "DejaVuSans-Bold"

_CELL_PADDING = 3
_SCALES = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7)


class _Look:
    """Type and spacing; a page with much to say is set smaller, in the full width.

    Parameters
    ----------
    scale : of all sizes
    """

    def __init__(self, scale: float) -> None:
        def style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
            settings = {"fontName": _REGULAR, "textColor": _INK, "splitLongWords": 1, **more}
            return ParagraphStyle(name, fontSize=size * scale, leading=leading * scale, **settings)

        self.scale = scale
        self.body = style("body", 8.2, 11.2)
        self.value = style("value", 8.2, 11.2, alignment=TA_RIGHT)
        self.head = style("head", 7.5, 10.6, fontName=_BOLD, textColor=_MUTED)
        self.head_right = style("head right", 7.5, 10.6, fontName=_BOLD, textColor=_MUTED, alignment=TA_RIGHT)
        self.note = style("note", 7.2, 9.8, textColor=_MUTED, spaceBefore=2)
        self.title = style("title", 10.4, 14, fontName=_BOLD, textColor=_ACCENT, spaceAfter=2)

    def gap(self, points: float) -> Spacer:
        return Spacer(0, points * self.scale)


def dossier_pdf(dossier: Dossier, *, drawing: bytes | None, blocks: bytes | None = None) -> bytes:
    """The two pages.

    Parameters
    ----------
    drawing : PNG of the structure, or None when it could not be drawn
    blocks : PNG of the building blocks of the proposed synthesis, or None
    """
    _register_fonts()
    stream = BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, lang="en")
    canvas.setTitle(f"heliosc dossier {dossier.candidate.id}")
    canvas.setAuthor("heliosc")
    pages: tuple[Callable[[_Look], list[Flowable]], ...] = (
        lambda look: _first_page(dossier, drawing, look),
        lambda look: _second_page(dossier, blocks, look),
    )
    for number, page in enumerate(pages, start=1):
        _furniture(canvas, dossier, number)
        height = _TOP - _BOTTOM
        frame = Frame(_MARGIN, _BOTTOM, _WIDTH, height, 0, 0, 0, 0)
        frame.addFromList([KeepInFrame(_WIDTH, height, _fitting(page, height), mode="shrink")], canvas)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _fitting(page: Callable[[_Look], list[Flowable]], height: float) -> list[Flowable]:
    """The page in the largest type in which it fits."""
    for scale in _SCALES:
        used = sum(part.wrap(_WIDTH, height)[1] + part.getSpaceBefore() for part in page(_Look(scale)))
        if used <= height:
            return page(_Look(scale))
    return page(_Look(_SCALES[-1]))


def _register_fonts() -> None:
    """DejaVu has the Greek letters and signs that the built-in PDF fonts lack; matplotlib ships it."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (_REGULAR, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, folder / f"{name}.ttf"))


def _furniture(canvas: Canvas, dossier: Dossier, page: int) -> None:
    """Head and foot of a page."""
    top = A4[1] - 18 * mm
    canvas.setFillColor(_INK)
    canvas.setFont(_BOLD, 13)
    canvas.drawString(_MARGIN, top, dossier.candidate.id[:48])
    canvas.setFont(_BOLD, 7.5)
    canvas.setFillColor(colors.HexColor("#8a5300"))
    canvas.drawRightString(A4[0] - _MARGIN, top + 5, dossier.status.upper())
    canvas.setFillColor(_MUTED)
    canvas.setFont(_REGULAR, 7.5)
    canvas.drawRightString(A4[0] - _MARGIN, top - 5, f"hand-off dossier · role {dossier.candidate.role[:40]}")
    canvas.setStrokeColor(_ACCENT)
    canvas.setLineWidth(1.2)
    canvas.line(_MARGIN, top - 10, A4[0] - _MARGIN, top - 10)
    canvas.setFont(_REGULAR, 6.6)
    canvas.drawString(
        _MARGIN,
        9 * mm,
        "heliosc · computed and predicted values, measured only where the level says so · not a safety data sheet",
    )
    canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, f"page {page} of 2")


def _first_page(dossier: Dossier, drawing: bytes | None, look: _Look) -> list[Flowable]:
    left = _picture(drawing, 72 * mm, 62 * mm * look.scale, look)
    right = _facts_grid(dossier.identity, _WIDTH - 78 * mm, look, label_width=29 * mm)
    rules = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *_NO_PADDING]
    top = Grid([[left, right]], colWidths=[78 * mm, _WIDTH - 78 * mm], style=rules)
    tables = [table for table in (dossier.electronics, dossier.gates, dossier.references) if table is not None]
    blocks = [part for table in tables for part in _block(table, look)]
    return [top, Paragraph(escape(dossier.identity.note), look.note), look.gap(7), *blocks]


def _second_page(dossier: Dossier, blocks: bytes | None, look: _Look) -> list[Flowable]:
    half = (_WIDTH - 8 * mm) / 2
    pairs = (
        (dossier.analytics, dossier.isotopes),
        (dossier.processing, dossier.partner),
        (dossier.synthesis, dossier.hazards),
    )
    story: list[Flowable] = [
        _side_by_side(_block(left, look, half), _block(right, look, half), half) for left, right in pairs
    ]
    if dossier.steps is not None:
        story += _block(dossier.steps, look)
    if blocks is not None:
        story += [_picture(blocks, _WIDTH, 26 * mm, look), look.gap(6)]
    return [*story, *_paired_block(dossier.provenance, look, half), *_return_request(look)]


def _paired_block(table: Table, look: _Look, half: float) -> list[Flowable]:
    """A table of facts in two columns of facts."""
    middle = (len(table.rows) + 1) // 2
    left, right = (
        _facts_grid(replace(table, rows=rows), half, look, label_width=27 * mm)
        for rows in (table.rows[:middle], table.rows[middle:])
    )
    return [Paragraph(escape(table.title), look.title), _side_by_side([left], [right], half), look.gap(8)]


def _side_by_side(left: list[Flowable], right: list[Flowable], half: float) -> Grid:
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING]
    return Grid([[left, "", right]], colWidths=[half, 8 * mm, half], style=style, hAlign="LEFT")


def _return_request(look: _Look) -> list[Flowable]:
    text = (
        "Please send the return form back (the sheet “Return form” of the workbook, or the CSV), also when the "
        "synthesis failed: a failure with its reason teaches the models as much as a success."
    )
    return [Paragraph("What we ask of you", look.title), Paragraph(text, look.body)]


def _block(table: Table, look: _Look, width: float = _WIDTH) -> list[Flowable]:
    grid = _facts_grid(table, width, look) if not any(table.columns) else _columns_grid(table, width, look)
    parts: list[Flowable] = [Paragraph(escape(table.title), look.title), grid]
    if table.note:
        parts.append(Paragraph(escape(table.note), look.note))
    return [*parts, look.gap(9)]


def _facts_grid(table: Table, width: float, look: _Look, *, label_width: float = 33 * mm) -> Grid:
    rows = [
        [Paragraph(escape(str(label)), look.head), Paragraph(escape(str(value)), look.body)]
        for label, value in table.rows
    ]
    return Grid(rows, colWidths=[label_width, width - label_width], style=_rules(look, header=False), hAlign="LEFT")


def _columns_grid(table: Table, width: float, look: _Look) -> Grid:
    is_number = [all(isinstance(row[i], Number) for row in table.rows) for i in range(len(table.columns))]
    header = [
        Paragraph(escape(title), look.head_right if right else look.head)
        for title, right in zip(table.columns, is_number, strict=True)
    ]
    rows = [[_cell(cell, look) for cell in row] for row in table.rows]
    return Grid(
        [header, *rows], colWidths=_column_widths(table, width, look), style=_rules(look, header=True), hAlign="LEFT"
    )


def _column_widths(table: Table, width: float, look: _Look) -> list[float]:
    """Shares of the width by the longest text of each column, none narrower than its numbers or a word of its title."""
    lengths = [
        max(min(len(str(cell)), 42) for cell in (title, *(row[i] for row in table.rows)))
        for i, title in enumerate(table.columns)
    ]
    weights = [max(length, len(title) + 3, 7) for length, title in zip(lengths, table.columns, strict=True)]
    least = [_least_width(title, [row[i] for row in table.rows], look) for i, title in enumerate(table.columns)]
    spare = max(width - sum(least), 0.0)
    return [smallest + spare * weight / sum(weights) for smallest, weight in zip(least, weights, strict=True)]


def _least_width(title: str, cells: list[Cell], look: _Look) -> float:
    words = [stringWidth(word, _BOLD, look.head.fontSize) for word in title.split()]
    numbers = [stringWidth(str(cell), _REGULAR, look.value.fontSize) for cell in cells if isinstance(cell, Number)]
    return max(words + numbers, default=0.0) + 2 * _CELL_PADDING + 1


def _cell(cell: Cell, look: _Look) -> Paragraph:
    if isinstance(cell, Number):
        return Paragraph(escape(str(cell)), look.value)
    colour = _VERDICTS.get(cell)
    text = escape(cell)
    return Paragraph(f'<font name="{_BOLD}" color="{colour}">{text}</font>' if colour else text, look.body)


def _rules(look: _Look, *, header: bool) -> list[tuple]:
    rules: list[tuple] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2 * look.scale),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6 * look.scale),
        ("LEFTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return [*rules, ("BACKGROUND", (0, 0), (-1, 0), _TINT)] if header else rules


def _picture(drawing: bytes | None, width: float, height: float, look: _Look) -> Flowable:
    if drawing is None:
        return Paragraph("too large to draw; see the SDF", look.note)
    pixels = ImageReader(BytesIO(drawing)).getSize()
    scale = min(width / pixels[0], height / pixels[1])
    return Image(BytesIO(drawing), width=pixels[0] * scale, height=pixels[1] * scale)
