"""Figures of the dashboard: those of the report, the points of a front with links, and the health of the surrogate."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from heliosc.campaign.records import CandidateRecord, RoundRecord
from heliosc.properties import PropertyTable
from heliosc.report.figures import BLUE, INK, ORANGE, canvas, legend
from heliosc.report.illustrations import draw_front, objective_value
from heliosc.report.pictures import figure_svg
from heliosc.selection.objectives import Objective
from heliosc.selection.pareto import non_dominated_mask
from heliosc.selection.roles import Role

_LINK = re.compile(r'<a xlink:href="/molecule/([^"]+)"[^>]*>')  # matplotlib would open them in windows of their own
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)


def linked_front(role: Role, candidates: Sequence[CandidateRecord], *, library: PropertyTable | None) -> Markup | None:
    """The front of a role as inline SVG, each candidate a link to its page; None while there is nothing to draw."""
    front = draw_front(role, candidates, library=library)
    if front is None:
        return None
    shown = with_values(candidates, (role.objectives[0], role.objectives[1]))
    points = np.array([values for _, values in shown])
    targets = front.figure.axes[0].scatter(points[:, 0], points[:, 1], s=90, c=BLUE, alpha=0.01, linewidths=0, zorder=5)
    targets.set_urls([f"/molecule/{candidate.id}" for candidate, _ in shown])
    return _inline(front.figure, label=f"Trade-off of {len(shown)} candidates for {role.name}")


def front_members(role: Role, candidates: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """Candidates that no other of the role beats in its first two objectives, by the first of them."""
    if len(role.objectives) < 2:
        return []
    pair = (role.objectives[0], role.objectives[1])
    shown = with_values(candidates, pair)
    if not shown:
        return []
    points = np.array([values for _, values in shown])
    costs = np.column_stack([objective.cost(points[:, i]) for i, objective in enumerate(pair)])
    rows = np.flatnonzero(non_dominated_mask(costs))
    return [shown[row][0] for row in rows[np.argsort(points[rows, 0])]]


def with_values(
    candidates: Sequence[CandidateRecord], pair: tuple[Objective, Objective]
) -> list[tuple[CandidateRecord, tuple[float, float]]]:
    """Candidates whose both objectives were computed."""
    found = []
    for candidate in candidates:
        first, second = (objective_value(candidate, objective) for objective in pair)
        if first is not None and second is not None:
            found.append((candidate, (first, second)))
    return found


def coverage_figure(history: Sequence[RoundRecord]) -> Figure:
    """Share of fresh values inside their 95 % interval, round by round: every property, and all together."""
    figure, axes = canvas(width=6.2)
    rounds = [record.round for record in history]
    for key in dict.fromkeys(key for record in history for key in record.surrogate_error):
        shares = [100 * record.surrogate_error.get(key, {}).get("coverage95", np.nan) for record in history]
        axes.plot(rounds, shares, "-", color=BLUE, alpha=0.3, linewidth=1)
    axes.plot(rounds, [100 * _pooled_coverage(record) for record in history], "o-", color=INK, linewidth=2.2,
              label="all properties")  # fmt: skip
    axes.axhline(95, color=ORANGE, linestyle="--", linewidth=1.2, label="95 % promised")
    axes.set_ylim(0, 104)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("round")
    axes.set_ylabel("inside the 95 % interval / %")
    axes.margins(x=0.08)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _pooled_coverage(record: RoundRecord) -> float:
    """Share of all fresh values of a round inside their intervals; NaN where none was predicted."""
    errors = record.surrogate_error.values()
    n_values = sum(error["n"] for error in errors)
    return sum(error["coverage95"] * error["n"] for error in errors) / n_values if n_values else float("nan")


def _inline(figure: Figure, *, label: str) -> Markup:
    """SVG to be put into the page itself, so that its links work; every link says where it leads."""
    svg = _PROLOGUE.sub("", figure_svg(figure).decode(), count=1)
    svg = svg.replace("<svg ", f'<svg role="group" aria-label="{escape(label)}" ', 1)
    return Markup(_LINK.sub(r'<a href="/molecule/\1" aria-label="\1" tabindex="-1">', svg))  # noqa: S704 - ids are escaped by the figure
