"""Figures and drawings as files or as data addresses inside the page, each with its text alternative."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.figure import Figure

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "heliosc",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "axes.formatter.useoffset": False,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image ready for an ``<img>``.

    Attributes
    ----------
    source : ``data:`` address
    alt : what the picture shows, for those who do not see it
    caption : how to read it
    """

    source: str
    alt: str
    caption: str = ""
    width: int = 0
    height: int = 0


def figure_picture(figure: Figure, *, alt: str, caption: str) -> Picture:
    """A figure as vector graphics inside the page."""
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(_svg_address(figure_svg(figure)), alt, caption, width, height)


def figure_svg(figure: Figure) -> bytes:
    """A figure as SVG, the same bytes each time."""
    with matplotlib.rc_context(_STYLE):
        stream = BytesIO()
        figure.savefig(stream, format="svg", transparent=True, dpi=144, metadata={"Date": None})
    return stream.getvalue()


def drawing_picture(svg: str, *, alt: str, width: int, height: int) -> Picture:
    """A structure drawing inside the page."""
    return Picture(_svg_address(svg.encode()), alt, "", width, height)


def figure_png(figure: Figure) -> bytes:
    """A figure as PNG, 150 dpi."""
    with matplotlib.rc_context(_STYLE):
        stream = BytesIO()
        figure.savefig(stream, format="png", dpi=150, metadata={"Software": "heliosc"})
    return stream.getvalue()


def _svg_address(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
