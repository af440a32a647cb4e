"""Ionisation energy against electron affinity: candidates among known materials, all at the same levels of theory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from heliosc.handoff.labels import number, symbol, unit
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.report.figures import BLUE, GREEN, GREY, INK, MAX_VECTOR_POINTS, ORANGE, axis_label, canvas, legend
from heliosc.report.pictures import Picture, figure_picture
from heliosc.report.run_view import RunView
from heliosc.report.tables import ValueTable
from heliosc.selection.roles import Role

FloatArray = NDArray[np.float64]

IE_EA = (
    PropertyKey("vertical_ionization_energy", "ipea1//gfn2"),
    PropertyKey("vertical_electron_affinity", "gfn2"),
)
"""The axes; a value at another level is never drawn among these."""

MAX_BACKGROUND = 1_500
"""Library molecules in the background: more would only blacken it."""

_ROLE_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), ("#CC79A7", "D"), ("#E69F00", "v"))


def energy_map_picture(run: RunView) -> Picture | None:
    """The map of a run; None while no candidate has both energies."""
    candidates = {role: points for role in run.role_names if len(points := _candidate_points(run, role))}
    if not candidates:
        return None
    references = reference_points(run.references)
    figure = energy_map_figure(
        candidates,
        references=references,
        background=_background(run.library),
        roles=[run.roles[name] for name in candidates if name in run.roles],
    )
    counts = ", ".join(f"{len(points)} for {role}" for role, points in candidates.items())
    beside = f" beside {', '.join(references)}; numbers in the table" if references else ""
    return figure_picture(
        figure,
        alt=f"Map of computed ionisation energy and electron affinity: candidates, {counts}{beside}",
        caption=f"{symbol(IE_EA[0])} at {IE_EA[0].level}, {symbol(IE_EA[1])} at {IE_EA[1].level}, gas phase, for "
        "candidates and known materials alike. Dotted: limits of the roles' windows. Grey: molecules of the library.",
    )


def reference_table(run: RunView) -> ValueTable:
    """The known materials of the map in numbers."""
    rows = [
        (name, *(str(number(key, float(value))) for key, value in zip(IE_EA, point, strict=True)))
        for name, point in reference_points(run.references).items()
    ]
    header = ("Known material", *(f"{symbol(key)} / {unit(key)} ({key.level})" for key in IE_EA))
    return ValueTable("Known materials, computed in the same way (cores with methyl side chains)", header, rows)


def reference_points(references: Mapping[str, Mapping[str, float]]) -> dict[str, FloatArray]:
    """Name -> (2,) energies in eV of the materials that have both at the levels of the axes."""
    names = [str(key) for key in IE_EA]
    return {
        material: np.array([values[name] for name in names])
        for material, values in references.items()
        if all(name in values for name in names)
    }


def energy_map_figure(
    candidates: Mapping[str, FloatArray],
    *,
    references: Mapping[str, FloatArray],
    background: FloatArray,
    roles: Sequence[Role] = (),
) -> Figure:
    """Scatter of the candidates of each role among known materials.

    Parameters
    ----------
    candidates : role -> (n_points, 2), IE and EA in eV
    references : name -> (2,), IE and EA in eV
    background : (n_points, 2), molecules of the library; may be empty
    roles : whose windows are drawn
    """
    figure, axes = canvas(width=6.6, height=4.9)
    if len(background):
        axes.plot(*background.T, ".", color=GREY, markersize=3, alpha=0.25, zorder=1, rasterized=True)
    is_dense = sum(map(len, candidates.values())) > MAX_VECTOR_POINTS
    for (role, points), (colour, marker) in zip(candidates.items(), _styles(len(candidates)), strict=True):
        axes.plot(*points.T, marker, color=colour, markersize=5.5, alpha=0.85, markeredgecolor="white",
                  markeredgewidth=0.5, label=f"{role} ({len(points)})", zorder=2, rasterized=is_dense)  # fmt: skip
    for point in references.values():
        axes.plot(*point, "*", color=INK, markersize=12, markeredgecolor="white", markeredgewidth=0.7, zorder=4)
    drawn = np.vstack([*candidates.values(), *(point[None] for point in references.values())])
    margins = 0.08 * np.ptp(drawn, axis=0) + 0.15
    axes.set_xlim(drawn[:, 0].min() - margins[0], drawn[:, 0].max() + 1.6 * margins[0])
    axes.set_ylim(drawn[:, 1].min() - margins[1], drawn[:, 1].max() + margins[1])
    _draw_windows(axes, roles)
    _name_references(axes, references)
    axes.set_xlabel(axis_label(IE_EA[0]))
    axes.set_ylabel(axis_label(IE_EA[1]))
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return figure


def _styles(n_roles: int) -> list[tuple[str, str]]:
    return [_ROLE_STYLES[position % len(_ROLE_STYLES)] for position in range(n_roles)]


def _name_references(axes: Axes, references: Mapping[str, FloatArray]) -> None:
    """The names beside the stars, each on the side where it covers the fewest other stars and names."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    stars = {name: (point - (left, low)) / (right - left, high - low) for name, point in references.items()}
    taken: list[FloatArray] = list(stars.values())
    for name, star in stars.items():
        size = np.array([0.014 * len(name) + 0.02, 0.05])
        corners = {side: _corner(star, size, side) for side in ((1, 1), (1, -1), (-1, 1), (-1, -1))}
        side, corner = min(corners.items(), key=lambda item: _n_covered(item[1], size, taken))
        taken += [corner + size * (share, 0.5) for share in (0.0, 0.5, 1.0)]
        point = references[name]
        axes.annotate(
            name, (point[0], point[1]), xytext=(7 * side[0], 5 * side[1]), textcoords="offset points", fontsize=8.6,
            ha="left" if side[0] > 0 else "right", va="bottom" if side[1] > 0 else "top", fontweight="bold",
            color=INK, zorder=5, bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none",
                                       "alpha": 0.72},
        )  # fmt: skip


def _corner(star: FloatArray, size: FloatArray, side: tuple[int, int]) -> FloatArray:
    """(2,) lower left corner of a name beside its star, in shares of the axes."""
    gap = np.array([0.018, 0.014])
    return np.where(np.array(side) > 0, star + gap, star - gap - size)


def _n_covered(corner: FloatArray, size: FloatArray, taken: Sequence[FloatArray]) -> int:
    """Stars and names under a box, and its corners outside the axes, which are worse."""
    n_outside = int(((corner < 0) | (corner + size > 1)).sum())
    return 10 * n_outside + sum(bool(((point >= corner) & (point <= corner + size)).all()) for point in taken)


def _draw_windows(axes: Axes, roles: Sequence[Role]) -> None:
    """The finite limits of the windows as dotted lines, without moving the limits of the axes."""
    limits = axes.axis()
    for role in roles:
        for item in role.windows:
            for limit in (item.window.lower, item.window.upper):
                if np.isfinite(limit) and item.key in IE_EA:
                    line = axes.axvline if item.key == IE_EA[0] else axes.axhline
                    line(limit, color=GREEN, linestyle=":", linewidth=1.5, zorder=1)
    axes.axis(limits)


def _candidate_points(run: RunView, role: str) -> FloatArray:
    """(n_points, 2) of the candidates of a role that have both energies."""
    names = [str(key) for key in IE_EA]
    rows = [
        [candidate.computed[name] for name in names]
        for candidate in run.of_role(role)
        if all(name in candidate.computed for name in names)
    ]
    return np.array(rows).reshape(-1, 2)


def _background(library: PropertyTable | None) -> FloatArray:
    """(n_points, 2) of a fixed sample of the library; empty without one, or when it lacks these levels."""
    if library is None or any(key not in library.keys for key in IE_EA):
        return np.empty((0, 2))
    values = np.column_stack([library.column(key) for key in IE_EA])
    known = values[np.isfinite(values).all(axis=1)]
    return known[np.random.default_rng(0).permutation(len(known))[:MAX_BACKGROUND]]
