"""Whole numbers in proportion to shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def parts_by_share(total: int, shares: Sequence[float]) -> list[int]:
    """Split a number in proportion to positive shares; the parts sum to it, earlier shares get what is left over."""
    exact = total * np.asarray(shares, dtype=np.float64) / np.sum(shares)
    parts = np.floor(exact + 1e-9).astype(int)
    short = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:short]] += 1
    return [int(part) for part in parts]
