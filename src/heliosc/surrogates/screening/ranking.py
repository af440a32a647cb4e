"""The best molecules by one property, without keeping the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from heliosc.errors import InputError
from heliosc.properties import PropertyKey

SMALLEST, LARGEST = "min", "max"


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is best.

    Attributes
    ----------
    n_best : how many are kept
    key : the property that decides, by its predicted mean
    goal : ``min``, ``max``, or a number to come near to
    """

    n_best: int
    key: PropertyKey
    goal: str

    @classmethod
    def parse(cls, text: str, *, n_best: int) -> Ranking:
        """Read ``NAME@LEVEL=min``, ``NAME@LEVEL=max`` or ``NAME@LEVEL=NUMBER``.

        Raises
        ------
        InputError : it is none of these
        """
        name, _, goal = text.rpartition("=")
        if not name or (goal not in (SMALLEST, LARGEST) and not _is_number(goal)):
            raise InputError(
                f"ranking {text!r}: expected NAME@LEVEL=min, =max or =NUMBER (nearest), e.g. lambda_hole@gfn2=min"
            )
        return cls(n_best, PropertyKey.parse(name), goal)

    @property
    def column(self) -> str:
        return f"{self.key} mean"

    def best(self, table: pa.Table) -> pa.Table:
        """The best rows, best first; of equals the one that came first in the input."""
        values = table[self.column].to_numpy().astype(np.float64)
        if self.goal == LARGEST:
            scores = -values
        else:
            scores = values if self.goal == SMALLEST else np.abs(values - float(self.goal))
        order = np.lexsort([table["row"].to_numpy(), scores])  # the last key decides first
        return table.take(order[: self.n_best])

    def best_of_parts(self, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """One table with the best rows of all parts, holding no more than these and one part at a time."""
        best: pa.Table | None = None
        for part in parts:
            best = self.best(part if best is None else pa.concat_tables([best, part]))
        if best is not None:
            yield best.combine_chunks()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
