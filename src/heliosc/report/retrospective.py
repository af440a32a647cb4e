"""The plot of replayed campaigns: what each way of choosing finds, against what has been labelled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from heliosc.campaign.retrospective import Curve
from heliosc.files import write_atomically
from heliosc.report.figures import canvas
from heliosc.report.pictures import figure_svg

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b7785")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_AXES = {
    "top": "share of the best hundredth found",
    "hypervolume": "share of the pool's hypervolume",
    "front": "share of the true front found",
}


def draw_curves(curves: Sequence[Curve], file: Path, *, title: str) -> None:
    """Write one SVG: a panel for each measure, mean and standard deviation over seeds.

    Raises
    ------
    ResourceError : the file cannot be written
    """
    write_atomically(file, figure_svg(curves_figure(curves, title=title)))


def curves_figure(curves: Sequence[Curve], *, title: str) -> Figure:
    """A panel for each measure, a line for each arm."""
    measures = [name for name in curves[0].points[0] if name != "labelled"]
    figure, first = canvas(height=3.6)
    figure.set_size_inches(4.9 * len(measures), 3.6)
    first.remove()
    names = list(dict.fromkeys(curve.arm for curve in curves))
    for panel, measure in enumerate(measures, start=1):
        axes = figure.add_subplot(1, len(measures), panel)
        for number, name in enumerate(names):
            mine = [curve for curve in curves if curve.arm == name]
            labelled = [100 * point["labelled"] for point in mine[0].points]
            found = np.array([[point[measure] for point in curve.points] for curve in mine])
            mean, spread = found.mean(axis=0), found.std(axis=0)
            colour = _COLOURS[number % len(_COLOURS)]
            marker = _MARKERS[number % len(_MARKERS)]
            axes.plot(labelled, mean, color=colour, marker=marker, markersize=4, label=name)
            axes.fill_between(labelled, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        axes.set_xlabel("labelled / % of the pool")
        axes.set_ylabel(_AXES[measure])
        axes.legend(frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=9)
    return figure
