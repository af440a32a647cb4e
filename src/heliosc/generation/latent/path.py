"""Molecules met on a walk through latent space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Waypoint(NamedTuple):
    """A molecule on a walk: where it is first met, and what the walk's objective says there (NaN if it has none)."""

    smiles: str
    position: float
    value: float


def distinct_waypoints(
    smiles: Sequence[str | None], positions: Sequence[float], values: Sequence[float]
) -> list[Waypoint]:
    """The distinct molecules in the order in which they are met; points without a molecule are left out."""
    found: dict[str, Waypoint] = {}
    for text, position, value in zip(smiles, positions, values, strict=True):
        if text is not None:
            found.setdefault(text, Waypoint(text, position, value))
    return list(found.values())
