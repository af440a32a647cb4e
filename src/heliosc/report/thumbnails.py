"""Small structure drawings for long lists: a tenth of RDKit's own SVG, so that a thousand fit into one page."""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from heliosc.errors import InputError
from heliosc.handoff.drawing import structure_svg

WIDTH, HEIGHT = 150, 96
_SVG = "{http://www.w3.org/2000/svg}"
_STROKE = re.compile(r"stroke:(#[0-9A-Fa-f]{6})")
_FILL = re.compile(r"fill:(#[0-9A-Fa-f]{6})")


def thumbnail(smiles: str, *, label: str) -> str | None:
    """An inline ``<svg>`` with a text alternative; None when the molecule is too large or cannot be read.

    Parameters
    ----------
    label : what the drawing shows, for those who do not see it
    """
    try:
        drawing = structure_svg(smiles, width=WIDTH, height=HEIGHT)
    except InputError:
        return None
    strokes, fills = _paths_by_colour(drawing)
    lines = "".join(f'<path d="{d}" stroke="{colour}"/>' for colour, d in strokes.items())
    shapes = "".join(f'<path d="{d}" fill="{colour}" stroke="none"/>' for colour, d in fills.items())
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(label)}" fill="none" stroke-width="1.2">{lines}{shapes}</svg>'
    )


def _paths_by_colour(drawing: str) -> tuple[dict[str, str], dict[str, str]]:
    """Colour -> joined path data of the lines, and of the filled shapes (letters, wedges)."""
    strokes: dict[str, str] = {}
    fills: dict[str, str] = {}
    root = ElementTree.fromstring(drawing.encode("iso-8859-1"))  # noqa: S314 - RDKit's own drawing
    for path in root.iter(f"{_SVG}path"):
        style = path.get("style", "")
        fill = path.get("fill") or (found.group(1) if (found := _FILL.search(style)) else None)
        stroke = found.group(1) if (found := _STROKE.search(style)) else None
        group, colour = (fills, fill) if fill else (strokes, stroke)
        if colour:
            group[colour] = group.get(colour, "") + _shortened(path.get("d", ""))
    return strokes, fills


def _shortened(data: str) -> str:
    """Path data without the spaces that mean nothing."""
    return re.sub(r"\s*([MLQCZ])\s*", r"\1", data.strip()).replace(",", " ")
