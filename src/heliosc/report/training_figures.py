"""Figures of one training: how it went, and what it is worth on molecules it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from heliosc.handoff.labels import symbol, unit
from heliosc.properties import PropertyKey
from heliosc.report.figures import BLUE, INK, ORANGE, canvas, legend

FloatArray = NDArray[np.float64]


def learning_curve_figure(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Half squared error of standardised values by epoch, a thin pair of lines a member.

    Parameters
    ----------
    curves : member -> ``train`` and ``validation`` -> one value an epoch
    """
    figure, axes = canvas(width=4.9, height=5.2)
    styles = {"train": (ORANGE, "--", "training part, with dropout"), "validation": (BLUE, "-", "validation part")}
    for position, curve in enumerate(curves.values()):
        for name, (colour, line, label) in styles.items():
            epochs = np.arange(1, len(curve[name]) + 1)
            axes.plot(epochs, curve[name], line, color=colour, linewidth=1.1, alpha=0.75,
                      label=label if position == 0 else None)  # fmt: skip
        best = int(np.argmin(curve["validation"]))
        axes.plot(best + 1, curve["validation"][best], "o", color=BLUE, markersize=4.5, markeredgecolor="white",
                  label="lowest of a member" if position == 0 else None)  # fmt: skip
    axes.set_yscale("log")
    for ticks in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        ticks(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.set_xlabel("epoch")
    axes.set_ylabel("half squared error, standardised")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def held_out_parity_figure(key: PropertyKey, *, known: FloatArray, mean: FloatArray, std: FloatArray) -> Figure:
    """Predicted against known values of the test part, (n_values,) each; marked where 95 % intervals miss."""
    figure, axes = canvas(width=3.7, height=3.7)
    misses = np.abs(known - mean) > 1.96 * std
    axes.errorbar(known, mean, yerr=std, fmt="none", ecolor=BLUE, alpha=0.18, linewidth=0.8)
    axes.plot(known[~misses], mean[~misses], ".", color=BLUE, markersize=4, alpha=0.6, label="within 1.96 std")
    axes.plot(known[misses], mean[misses], "x", color=ORANGE, markersize=4.5, label=f"outside ({misses.mean():.1%})")
    low, high = float(min(known.min(), mean.min())), float(max(known.max(), mean.max()))
    pad = 0.05 * (high - low or 1.0)
    limits = (low - pad, high + pad)
    axes.plot(limits, limits, color=INK, linewidth=0.9, linestyle="--", zorder=0)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.set_aspect("equal")
    suffix = f" / {unit(key)}" if unit(key) else ""
    axes.set_xlabel(f"known {symbol(key)}{suffix}")
    axes.set_ylabel(f"predicted{suffix}")
    axes.locator_params(nbins=5)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure
