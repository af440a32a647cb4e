"""Values of a property table by constitution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heliosc.properties import PropertyKey, PropertyTable


def values_by_constitution(
    table: PropertyTable | None, spelling: Mapping[str, str]
) -> dict[str, dict[PropertyKey, float]]:
    """Constitution -> property -> value; of stereoisomers, the first known value counts.

    Parameters
    ----------
    spelling : SMILES as given -> canonical constitution; rows without one are left out
    """
    found: dict[str, dict[PropertyKey, float]] = {}
    if table is None:
        return found
    for text, row in zip(table.smiles, table.values, strict=True):
        if text in spelling:
            of_one = found.setdefault(spelling[text], {})
            for key, value in zip(table.keys, row.tolist(), strict=True):
                if not np.isnan(value):
                    of_one.setdefault(key, value)
    return found
