"""From one molecule to another through latent space."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.generation.jtvae.generator import JTVAE
from heliosc.generation.latent.path import Waypoint, distinct_waypoints
from heliosc.generation.latent.whitening import Whitening

FloatArray = NDArray[np.float64]

Interpolation = Literal["spherical", "linear"]

_PARALLEL = 1e-6
"""Sine of the angle below which two vectors count as parallel."""


def interpolate(
    model: JTVAE, first: str, second: str, *, n_steps: int = 24, kind: Interpolation = "spherical"
) -> list[Waypoint]:
    """Distinct molecules decoded, by the likeliest choices, at equal steps between two molecules; the ends included.

    Parameters
    ----------
    n_steps : points on the way, both ends counted
    kind : ``spherical`` keeps to the distance from the centre of the training molecules at which molecules lie,
        ``linear`` goes straight

    Raises
    ------
    InputError : fewer than two steps, or a molecule that cannot be encoded

    References
    ----------
    White, 2016, arXiv:1609.04468 (spherical interpolation; here in whitened coordinates).
    """
    if n_steps < 2:
        raise InputError(f"interpolation in {n_steps} steps; expected at least 2, the ends")
    whitening = Whitening.of(model.prior)
    ends = whitening.whiten(model.encode([first, second]))
    positions = np.linspace(0.0, 1.0, n_steps)
    way = slerp if kind == "spherical" else lerp
    between = way(ends[0], ends[1], positions)
    decoded = model.decode(whitening.restore(between))
    return distinct_waypoints(decoded, positions.tolist(), [float("nan")] * n_steps)


def lerp(start: FloatArray, end: FloatArray, positions: FloatArray) -> FloatArray:
    """Points on the straight line, (n_positions, d)."""
    return start + positions[:, None] * (end - start)


def slerp(start: FloatArray, end: FloatArray, positions: FloatArray) -> FloatArray:
    """Points on the arc about the origin, (n_positions, d); straight where the ends are parallel.

    x(t) = sin((1 - t) w) / sin(w) start + sin(t w) / sin(w) end, with w the angle between the ends; lengths in between
    follow from the same weights, so ends of different length are met exactly.
    """
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = np.clip(start @ end / lengths, -1.0, 1.0) if lengths else 1.0
    angle = np.arccos(cosine)
    if np.sin(angle) < _PARALLEL:
        return lerp(start, end, positions)
    weights = np.sin(np.stack([(1 - positions) * angle, positions * angle], axis=1)) / np.sin(angle)
    return weights @ np.stack([start, end])
