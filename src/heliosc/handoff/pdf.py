"""The dossier of one candidate as a PDF of exactly two A4 pages."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
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

from heliosc.handoff.dossier import MARK, Cell, Dossier, Table
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
_BODY = ParagraphStyle("body", fontName=_REGULAR, fontSize=8.2, leading=11.2, textColor=_INK, splitLongWords=1)
_VALUE = ParagraphStyle("value", parent=_BODY, alignment=TA_RIGHT)
_HEAD = ParagraphStyle("head", parent=_BODY, fontName=_BOLD, fontSize=7.5, textColor=_MUTED)
_HEAD_RIGHT = ParagraphStyle("head right", parent=_HEAD, alignment=TA_RIGHT)
_NOTE = ParagraphStyle("note", parent=_BODY, fontSize=7.2, leading=9.8, textColor=_MUTED, spaceBefore=2)
_TITLE = ParagraphStyle(
    "title", parent=_BODY, fontName=_BOLD, fontSize=10.4, leading=14, textColor=_ACCENT, spaceAfter=2
)


def dossier_pdf(dossier: Dossier, *, drawing: bytes | None) -> bytes:
    """The two pages.

    Parameters
    ----------
    drawing : PNG of the structure, or None when it could not be drawn
    """
    _register_fonts()
    stream = BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, lang="en")
    canvas.setTitle(f"heliosc dossier {dossier.candidate.id}")
    canvas.setAuthor("heliosc")
    for number, story in enumerate((_first_page(dossier, drawing), _second_page(dossier)), start=1):
        _furniture(canvas, dossier, number)
        height = _TOP - _BOTTOM
        frame = Frame(_MARGIN, _BOTTOM, _WIDTH, height, 0, 0, 0, 0)
        frame.addFromList([KeepInFrame(_WIDTH, height, story, mode="shrink")], canvas)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


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
    canvas.drawRightString(A4[0] - _MARGIN, top + 5, MARK)
    canvas.setFillColor(_MUTED)
    canvas.setFont(_REGULAR, 7.5)
    canvas.drawRightString(A4[0] - _MARGIN, top - 5, f"hand-off dossier · role {dossier.candidate.role[:40]}")
    canvas.setStrokeColor(_ACCENT)
    canvas.setLineWidth(1.2)
    canvas.line(_MARGIN, top - 10, A4[0] - _MARGIN, top - 10)
    canvas.setFont(_REGULAR, 6.6)
    canvas.drawString(
        _MARGIN, 9 * mm, "heliosc · computed and predicted values, nothing measured · not a safety data sheet"
    )
    canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, f"page {page} of 2")


def _first_page(dossier: Dossier, drawing: bytes | None) -> list[Flowable]:
    left = _picture(drawing, 72 * mm, 62 * mm)
    right = _facts_grid(dossier.identity, _WIDTH - 78 * mm, label_width=29 * mm)
    rules = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *_NO_PADDING]
    top = Grid([[left, right]], colWidths=[78 * mm, _WIDTH - 78 * mm], style=rules)
    return [top, Paragraph(escape(dossier.identity.note), _NOTE), Spacer(0, 7), *_block(dossier.electronics),
            *_block(dossier.gates), *(_block(dossier.references) if dossier.references else [])]  # fmt: skip


def _second_page(dossier: Dossier) -> list[Flowable]:
    half = (_WIDTH - 8 * mm) / 2
    pairs = ((dossier.analytics, dossier.isotopes), (dossier.synthesis, dossier.hazards))
    grids: list[Flowable] = [
        Grid(
            [[_block(left, half), "", _block(right, half)]],
            colWidths=[half, 8 * mm, half],
            style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING],
        )
        for left, right in pairs
    ]  # fmt: skip
    return [*grids, *_block(dossier.processing), *_block(dossier.provenance), *_return_request(dossier)]


def _return_request(dossier: Dossier) -> list[Flowable]:
    text = (
        "Please send the return form back (the sheet “Return form” of the workbook, or the CSV), also when the "
        "synthesis failed: a failure with its reason teaches the models as much as a success."
    )
    return [Paragraph("What we ask of you", _TITLE), Paragraph(text, _BODY)]


def _block(table: Table, width: float = _WIDTH) -> list[Flowable]:
    grid = _facts_grid(table, width) if not any(table.columns) else _columns_grid(table, width)
    parts: list[Flowable] = [Paragraph(escape(table.title), _TITLE), grid]
    if table.note:
        parts.append(Paragraph(escape(table.note), _NOTE))
    return [*parts, Spacer(0, 12)]


def _facts_grid(table: Table, width: float, *, label_width: float = 38 * mm) -> Grid:
    rows = [[Paragraph(escape(str(label)), _HEAD), Paragraph(escape(str(value)), _BODY)] for label, value in table.rows]
    return Grid(rows, colWidths=[label_width, width - label_width], style=_rules(header=False))


def _columns_grid(table: Table, width: float) -> Grid:
    is_number = [all(isinstance(row[i], Number) for row in table.rows) for i in range(len(table.columns))]
    header = [
        Paragraph(escape(title), _HEAD_RIGHT if right else _HEAD)
        for title, right in zip(table.columns, is_number, strict=True)
    ]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return Grid([header, *rows], colWidths=_column_widths(table, width), style=_rules(header=True))


def _column_widths(table: Table, width: float) -> list[float]:
    """Shares of the width by the longest text of each column, none narrower than its numbers or a word of its title."""
    lengths = [
        max(min(len(str(cell)), 42) for cell in (title, *(row[i] for row in table.rows)))
        for i, title in enumerate(table.columns)
    ]
    weights = [max(length, len(title) + 3, 7) for length, title in zip(lengths, table.columns, strict=True)]
    least = [_least_width(title, [row[i] for row in table.rows]) for i, title in enumerate(table.columns)]
    spare = max(width - sum(least), 0.0)
    return [smallest + spare * weight / sum(weights) for smallest, weight in zip(least, weights, strict=True)]


def _least_width(title: str, cells: list[Cell]) -> float:
    words = [stringWidth(word, _BOLD, _HEAD.fontSize) for word in title.split()]
    numbers = [stringWidth(str(cell), _REGULAR, _VALUE.fontSize) for cell in cells if isinstance(cell, Number)]
    return max(words + numbers, default=0.0) + 2 * _CELL_PADDING + 1


def _cell(cell: Cell) -> Paragraph:
    if isinstance(cell, Number):
        return Paragraph(escape(str(cell)), _VALUE)
    colour = _VERDICTS.get(cell)
    text = escape(cell)
    return Paragraph(f'<font name="{_BOLD}" color="{colour}">{text}</font>' if colour else text, _BODY)


def _rules(*, header: bool) -> list[tuple]:
    rules: list[tuple] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
        ("LEFTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return [*rules, ("BACKGROUND", (0, 0), (-1, 0), _TINT)] if header else rules


def _picture(drawing: bytes | None, width: float, height: float) -> Flowable:
    if drawing is None:
        return Paragraph("too large to draw; see the SDF", _NOTE)
    pixels = ImageReader(BytesIO(drawing)).getSize()
    scale = min(width / pixels[0], height / pixels[1])
    return Image(BytesIO(drawing), width=pixels[0] * scale, height=pixels[1] * scale)
