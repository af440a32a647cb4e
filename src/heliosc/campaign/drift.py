"""Whether fresh values still lie where the surrogate's calibrated intervals promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import binom

COVERAGE = 0.95
FALSE_ALARM = 0.01
"""Chance that a round of a calibrated surrogate raises an alarm of any key."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A property whose intervals hold fewer fresh values than they should.

    Attributes
    ----------
    inside, n : values inside their 95 % interval, of all
    chance : of so few if the surrogate were calibrated
    """

    key: str
    inside: int
    n: int
    chance: float

    def __str__(self) -> str:
        return (
            f"{self.key}: {self.inside} of {self.n} fresh values lie inside their 95 % interval "
            f"(chance {self.chance:.1g} if the surrogate were calibrated)"
        )


def find_drift(errors: Mapping[str, Mapping[str, float]]) -> list[Drift]:
    """Properties that have left their intervals in a round, the worst first.

    Parameters
    ----------
    errors : ``surrogate_error`` of a round

    Notes
    -----
    The number inside is binomial under a calibrated surrogate; the limit is divided by the number of properties
    (Bonferroni).
    """
    found = []
    for key, error in errors.items():
        n = int(error["n"])
        inside = round(error["coverage95"] * n)
        chance = float(binom.cdf(inside, n, COVERAGE))
        if chance < FALSE_ALARM / len(errors):
            found.append(Drift(key, inside, n, chance))
    return sorted(found, key=lambda drift: (drift.chance, drift.key))
