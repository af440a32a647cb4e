"""One function a figure. Each returns a matplotlib ``Figure``; ``pictures.py`` turns it into a file or a data address.

Colours are those of Okabe and Ito, and every distinction is drawn twice (colour and marker, or colour and line style).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from heliosc.handoff.labels import symbol, unit
from heliosc.properties import PropertyKey
from heliosc.report.statistics import coverage_band, observed_coverage, wilson_interval
from heliosc.selection.objectives import Objective, Window
from heliosc.selection.pareto import non_dominated_mask

FloatArray = NDArray[np.float64]

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#6b7785", "#1f2933"
_STAGES = ("#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#6b7785")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_SIZE = (4.9, 3.6)

MAX_SEPARATE_ROUNDS = 6
"""More rounds share colour, marker and entry of the legend, five spans of them."""
MAX_VECTOR_POINTS = 300
"""More points are drawn as pixels inside the vector graphics: a browser draws each of the others by itself."""


def axis_label(key: PropertyKey) -> str:
    """``IE(v) / eV, ipea1//gfn2``."""
    suffix = f" / {unit(key)}" if unit(key) else ""
    return f"{symbol(key)}{suffix} ({key.level})"


def funnel_figure(funnel: Mapping[str, int]) -> Figure:
    """Counts a stage on a logarithmic axis, from sampled to computed."""
    figure, axes = canvas(height=0.36 * len(funnel) + 0.9)
    stages, counts = list(funnel), np.array(list(funnel.values()), dtype=float)
    axes.barh(
        range(len(stages)),
        np.maximum(counts, 0.7),
        color=[ORANGE if s == "failed" else BLUE for s in stages],
        height=0.66,
    )
    axes.set_xscale("log")
    axes.set_xlim(0.7, max(10.0, counts.max(initial=1.0)) * 3.2)
    for position, count in enumerate(counts):
        axes.text(max(count, 0.7) * 1.12, position, f"{int(count):,}", va="center", fontsize=9)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlabel("molecules, all rounds")
    axes.grid(False, axis="y")
    return figure


def window_share_figure(shares: Mapping[str, Mapping[str, Sequence[int]]]) -> Figure:
    """Share that meets the role's window, candidates beside library, with 95 % binomial intervals."""
    figure, axes = canvas(height=0.85 * len(shares) + 1.1)
    styles = {"candidates": (BLUE, "o", -0.16), "library": (GREY, "s", 0.16)}
    for position, share in enumerate(shares.values()):
        for group, (colour, marker, offset) in styles.items():
            n_met, n_judged = share.get(group, (0, 0))
            if n_judged == 0:
                continue
            low, high = wilson_interval(n_met, n_judged)
            centre = 100 * n_met / n_judged
            axes.plot([100 * low, 100 * high], [position + offset] * 2, color=colour, linewidth=2.4, alpha=0.55)
            axes.plot(
                centre, position + offset, marker, color=colour, markersize=8, label=group if position == 0 else None
            )
            axes.text(min(100 * high + 1.5, 88), position + offset, f"{n_met} of {n_judged}", va="center", fontsize=8.5)
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("meet the window / %")
    axes.grid(False, axis="y")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def pareto_figure(
    objectives: tuple[Objective, Objective],
    *,
    rounds: Mapping[int, FloatArray],
    baseline: FloatArray,
    window: Window | None = None,
) -> Figure:
    """Computed candidates by round with the front after each, beside a random sample of the library.

    Parameters
    ----------
    rounds : round -> (n_points, 2), values in the units of the objectives
    baseline : (n_points, 2), computed values of randomly drawn library molecules; may be empty
    window : what the role asks of the first objective's property, shaded
    """
    figure, axes = canvas()
    so_far: list[FloatArray] = []
    groups = round_groups(sorted(rounds))
    is_dense = sum(map(len, rounds.values())) > MAX_VECTOR_POINTS
    for position, (label, members) in enumerate(groups.items()):
        colour = round_colour(position, len(groups))
        points = np.vstack([rounds[index] for index in members])
        so_far.append(points)
        axes.plot(*points.T, marker(position), color=colour, markersize=4.5 if is_dense else 6, label=label,
                  markeredgecolor="white", markeredgewidth=0.6, rasterized=is_dense)  # fmt: skip
        width = 2.2 if position == len(groups) - 1 else 1.0
        _front(axes, np.vstack(so_far), objectives, color=colour, linewidth=width)
    if len(baseline):
        axes.plot(*baseline.T, "x", color=GREY, markersize=5, alpha=0.8, zorder=1, label=f"library ({len(baseline)})")
        _front(axes, baseline, objectives, color=GREY, linestyle=":", linewidth=1.6, zorder=1)
    axes.margins(0.08)
    if window is not None:
        _shade(axes, window)
    for objective, name in zip(objectives, ("x", "y"), strict=True):
        axes.set(**{f"{name}label": f"{axis_label(objective.key)}\n{aim(objective)}"})
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4 if len(groups) > MAX_SEPARATE_ROUNDS - 3 else 5)
    return figure


def aim(objective: Objective) -> str:
    """The direction of an objective in words."""
    goal = objective.goal
    if goal is None:
        return "lower is better" if objective.direction == "minimise" else "higher is better"
    if goal.lower == goal.upper:
        return f"best at {goal.lower:.2f}"
    return f"best from {goal.lower:.2f} to {goal.upper:.2f}"


def hypervolume_figure(*, rounds: Sequence[int], candidates: Sequence[float], random: Sequence[float]) -> Figure:
    """Hypervolume after each round, candidates beside as many random library molecules, (n_rounds,) each."""
    figure, axes = canvas()
    axes.plot(rounds, candidates, "o-", color=BLUE, linewidth=2.2, markersize=7, label="candidates")
    axes.plot(
        rounds, random, "s:", color=GREY, markerfacecolor="white", linewidth=1.8, markersize=6, label="random library"
    )
    axes.set_xlabel("round")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("hypervolume")
    axes.set_ylim(0, 1.12 * max(np.nanmax([*candidates, *random]), 1e-9))
    axes.margins(x=0.08)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def front_share_figure(shares: Mapping[str, Sequence[float]]) -> Figure:
    """Share of the front of candidates and library together that is candidates, role -> one value a round."""
    figure, axes = canvas()
    for position, (role, values) in enumerate(shares.items()):
        colour = _STAGES[position % len(_STAGES)]
        axes.plot(range(len(values)), np.multiply(100, values), f"{marker(position)}-", color=colour, label=role)
    axes.set_ylim(-2, 104)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("round")
    axes.set_ylabel("candidates among the front / %")
    axes.margins(x=0.08)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def parity_figure(
    key: PropertyKey, *, computed: FloatArray, predicted: FloatArray, std: FloatArray, rounds: NDArray[np.int_]
) -> Figure:
    """Predictions made before the calculation against what came out, with one standard deviation, (n_values,) each."""
    figure, axes = canvas(width=3.7, height=3.7)
    groups = round_groups(np.unique(rounds).tolist())
    is_dense = len(computed) > MAX_VECTOR_POINTS
    for position, (label, members) in enumerate(groups.items()):
        chosen = np.isin(rounds, members)
        colour = round_colour(position, len(groups))
        axes.errorbar(computed[chosen], predicted[chosen], yerr=std[chosen], fmt="none", ecolor=colour,
                      alpha=0.15 if is_dense else 0.35, linewidth=1, rasterized=is_dense)  # fmt: skip
        axes.plot(computed[chosen], predicted[chosen], marker(position), color=colour, label=label,
                  markersize=3.5 if is_dense else 5, markeredgecolor="white", markeredgewidth=0.4,
                  rasterized=is_dense)  # fmt: skip
    low = float(min(computed.min(), (predicted - std).min()))
    high = float(max(computed.max(), (predicted + std).max()))
    pad = 0.05 * (high - low or 1.0)
    limits = (low - pad, high + pad)
    axes.plot(limits, limits, color=INK, linewidth=0.9, linestyle="--", zorder=0)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.set_aspect("equal")
    suffix = f" / {unit(key)}" if unit(key) else ""
    axes.set_xlabel(f"computed {symbol(key)}{suffix}")
    axes.set_ylabel(f"predicted before{suffix}")
    axes.locator_params(nbins=5)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2 if len(groups) > 3 else 3)
    return figure


def calibration_figure(standardised: Mapping[PropertyKey, FloatArray]) -> Figure:
    """Expected against observed coverage: one thin line a property, thick for all together.

    Parameters
    ----------
    standardised : key -> (n_values,), (computed - predicted mean) / predicted std
    """
    figure, axes = canvas(width=4.9, height=5.2)
    expected = np.linspace(0.02, 0.99, 60)
    pooled = np.concatenate(list(standardised.values()))
    n_molecules = max(len(values) for values in standardised.values())
    low, high = coverage_band(n_molecules, expected)
    axes.fill_between(100 * expected, 100 * low, 100 * high, color=GREY, alpha=0.16, linewidth=0,
                      label=f"perfect, n = {n_molecules}")  # fmt: skip
    axes.plot([0, 100], [0, 100], "--", color=INK, linewidth=0.9)
    styles = ("-", "--", "-.", ":")
    for position, (key, values) in enumerate(standardised.items()):
        axes.plot(100 * expected, 100 * observed_coverage(values, expected), styles[position // 4 % 4],
                  color=_STAGES[position % len(_STAGES)], linewidth=1.1, label=symbol(key))  # fmt: skip
    axes.plot(100 * expected, 100 * observed_coverage(pooled, expected), color=INK, linewidth=2.4, label="all")
    axes.set_xlabel("expected coverage / %")
    axes.set_ylabel("observed coverage / %")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_aspect("equal")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=3)
    return figure


def cost_figure(timings: Mapping[int, Mapping[str, float]], *, stages: Sequence[str]) -> Figure:
    """Wall time of each round, split by stage."""
    figure, axes = canvas(height=min(0.5 * len(timings) + 1.3, 6.0))
    left = np.zeros(len(timings))
    for position, stage in enumerate(stages):
        seconds = np.array([timing.get(stage, 0.0) for timing in timings.values()])
        axes.barh(range(len(timings)), seconds, left=left, height=0.6, color=_STAGES[position % len(_STAGES)],
                  edgecolor="white", linewidth=0.8 if len(timings) <= 12 else 0, label=stage)  # fmt: skip
        left += seconds
    step = -(-len(timings) // 12)
    axes.set_yticks(range(0, len(timings), step), [f"round {index}" for index in list(timings)[::step]])
    axes.invert_yaxis()
    axes.set_xlabel("wall time / s")
    axes.grid(False, axis="y")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5)
    return figure


def landscape_figure(
    keys: tuple[PropertyKey, PropertyKey], *, known: FloatArray, selected: FloatArray, scores: FloatArray
) -> Figure:
    """The plane of two properties: computed molecules in grey, this round's selection where it was predicted.

    Parameters
    ----------
    known : (n_points, 2), computed values of library and earlier candidates; may be empty
    selected : (n_points, 4), predicted means of the two keys, then their stds
    scores : (n_points,), acquisition scores, the colours
    """
    figure, axes = canvas(width=6.2, height=4.2)
    if len(known):
        axes.plot(*known.T, ".", color=GREY, markersize=3.5, alpha=0.35, label=f"computed before ({len(known)})")
    x, y, x_std, y_std = selected.T
    axes.errorbar(x, y, xerr=x_std, yerr=y_std, fmt="none", ecolor=INK, alpha=0.3, linewidth=1)
    dots = axes.scatter(
        x, y, c=scores, cmap="viridis", s=44, edgecolor="white", linewidth=0.7, zorder=3, label=f"selected ({len(x)})"
    )
    figure.colorbar(dots, ax=axes, label="acquisition score", shrink=0.85)
    axes.set_xlabel(f"{axis_label(keys[0])}")
    axes.set_ylabel(f"{axis_label(keys[1])}")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def acquisition_figure(
    keys: tuple[PropertyKey, PropertyKey], *, means: FloatArray, scores: FloatArray, is_chosen: NDArray[np.bool_]
) -> Figure:
    """What a role made of all proposals of a round: where they were predicted, how they ranked, which were chosen.

    Parameters
    ----------
    means : (n, 2), predicted means of the two keys
    scores : (n,), of the acquisition function; shown as ranks, since their scale means nothing
    is_chosen : (n,)
    """
    figure, axes = canvas(width=6.2, height=4.2)
    order = np.argsort(scores, kind="stable")  # the best on top
    share = np.empty(len(scores))
    share[order] = np.arange(len(scores)) / max(1, len(scores) - 1)
    x, y = means[order].T
    dots = axes.scatter(x, y, c=share[order], cmap="viridis", s=11, linewidth=0, alpha=0.8)
    axes.plot(
        *means[is_chosen].T, "o", markersize=8, markerfacecolor="none", markeredgecolor=INK,
        label=f"chosen ({is_chosen.sum()} of {len(scores)})",
    )  # fmt: skip
    figure.colorbar(dots, ax=axes, label="share of the proposals ranked lower", shrink=0.85)
    axes.set_xlabel(axis_label(keys[0]))
    axes.set_ylabel(axis_label(keys[1]))
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def canvas(*, width: float = _SIZE[0], height: float = _SIZE[1]) -> tuple[Figure, Axes]:
    """An empty figure in the style of the report; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#9aa5b1")
    axes.tick_params(colors=INK, color="#9aa5b1", labelsize=8.8)
    axes.xaxis.label.set_fontsize(9.2)
    axes.yaxis.label.set_fontsize(9.2)
    axes.grid(True, color="#e4e9ee", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def legend(axes: Axes, *, fontsize: float = 8.5, **place: Any) -> None:
    """A legend without frame, where there is something to name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=fontsize, handlelength=1.6, columnspacing=1.2, **place)


def round_groups(rounds: Sequence[int]) -> dict[str, list[int]]:
    """Label -> rounds that are drawn alike, in order: each by itself, or spans of them when there are many."""
    if len(rounds) <= MAX_SEPARATE_ROUNDS:
        return {f"round {index}": [index] for index in rounds}
    spans = [span.tolist() for span in np.array_split(np.array(rounds), 5)]
    return {f"rounds {span[0]} to {span[-1]}": span for span in spans}


def marker(position: int) -> str:
    """Of the points of a round."""
    return _MARKERS[position % len(_MARKERS)]


def round_colour(position: int, n_rounds: int) -> tuple[float, float, float, float]:
    """Light to dark: later rounds are darker."""
    return colormaps["viridis_r"](0.18 + 0.72 * (position + 1) / n_rounds)


def _front(axes: Axes, points: FloatArray, objectives: tuple[Objective, Objective], **style: Any) -> None:
    """Line through the points that none other beats in the two objectives."""
    costs = np.column_stack([objective.cost(points[:, i]) for i, objective in enumerate(objectives)])
    front = points[non_dominated_mask(costs)]
    axes.plot(*front[np.argsort(front[:, 0])].T, **style)


def _shade(axes: Axes, window: Window) -> None:
    """Tint the part of the first axis that lies in the window, without moving the limits."""
    low, high = axes.get_xlim()
    left, right = max(low, window.lower), min(high, window.upper)
    if left < right:
        axes.axvspan(left, right, color=GREEN, alpha=0.09, linewidth=0, label="window")
    axes.set_xlim(low, high)
