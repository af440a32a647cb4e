"""Pictures of the documentation, drawn by heliosc itself whenever the site is built (a hook of MkDocs)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from heliosc.datasets.library.load import load_library
from heliosc.properties import DEFAULT_TARGETS
from heliosc.report.energy_map import IE_EA, energy_map_figure, reference_points
from heliosc.report.figures import BLUE, INK, ORANGE, canvas
from heliosc.report.pictures import figure_svg


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pictures to the pages."""
    for name, figure in (("ie-ea-map", ie_ea_map()), ("four-points", four_points())):
        files.append(File.generated(config, f"pictures/{name}.svg", content=figure_svg(figure)))
    return files


def ie_ea_map() -> Figure:
    """The embedded library with the materials that everybody knows."""
    library = load_library()
    table = library.property_table(DEFAULT_TARGETS)
    values = np.column_stack([table.column(key) for key in IE_EA])
    known = values[np.isfinite(values).all(axis=1)]
    references = reference_points(library.reference_values(DEFAULT_TARGETS))
    return energy_map_figure({}, references=references, background=known)


def four_points() -> Figure:
    """Two parabolas and the four energies between them; a drawing of the definition, no data."""
    figure, axes = canvas(width=5.6, height=3.9)
    q = np.linspace(-1.1, 2.1, 200)
    curves = {0.0: (0.0, BLUE, "neutral"), 1.0: (2.2, ORANGE, "cation")}
    for minimum, (energy, colour, name) in curves.items():
        axes.plot(q, energy + 0.5 * (q - minimum) ** 2, color=colour, linewidth=2)
        axes.text(2.12, energy + 0.5 * (2.1 - minimum) ** 2, name, color=colour, fontsize=9.5, va="center")
        for place in curves:
            axes.plot(place, energy + 0.5 * (place - minimum) ** 2, "o", color=colour, markersize=7)
    _gap(axes, x=0.0, low=2.2, high=2.7, side=-1, text="E₊(R₀) \N{MINUS SIGN} E₊(R₊)")
    _gap(axes, x=1.0, low=0.0, high=0.5, side=1, text="E₀(R₊) \N{MINUS SIGN} E₀(R₀)")
    axes.set_xticks([0.0, 1.0], ["R₀", "R₊"])
    axes.set_yticks([])
    axes.set_xlim(-1.2, 2.7)
    axes.set_xlabel("geometry")
    axes.set_ylabel("energy")
    axes.grid(False)
    return figure


def _gap(axes: Axes, *, x: float, low: float, high: float, side: int, text: str) -> None:
    """An energy difference, its words to the left (-1) or right (1)."""
    axes.plot([x - 0.35, x + 0.35], [low, low], color=INK, linewidth=0.8, linestyle=":")
    place = x + 0.25 * side
    axes.annotate("", (place, high), (place, low), arrowprops={"arrowstyle": "<->", "color": INK})
    align = "left" if side > 0 else "right"
    axes.text(x + 0.32 * side, (low + high) / 2, text, fontsize=8.8, ha=align, va="center", color=INK)
