"""How near molecules are to property values asked for, and what their rank is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.generation.genetic.population import Population
from heliosc.generation.protocol import PropertyModel
from heliosc.properties import PropertyKey

FloatArray = NDArray[np.float64]

RANK_K = 1e-2


def rank_weights(n: int, *, k: float = RANK_K) -> FloatArray:
    """1 / (k n + rank) for ranks 0 .. n - 1, (n,); small ``k`` favours the best.

    References
    ----------
    Tripp, Daxberger, Hernandez-Lobato, NeurIPS 2020, arXiv:2006.09191, eq. 3.
    """
    return 1.0 / (k * n + np.arange(n, dtype=np.float64)) if n else np.zeros(0)


@dataclass(frozen=True)
class PropertyDistance:
    """Root of the summed squares of (value - wanted) / spread of the population.

    Attributes
    ----------
    keys, wanted : (n_conditions,)
    known : (n_members, n_conditions) known or predicted values of the population, NaN = unknown
    scale : (n_conditions,) their standard deviations
    surrogate : judges children; None = they cannot be judged
    """

    keys: tuple[PropertyKey, ...]
    wanted: FloatArray
    known: FloatArray
    scale: FloatArray
    surrogate: PropertyModel | None

    @classmethod
    def of(
        cls, conditions: Mapping[PropertyKey, float], population: Population, surrogate: PropertyModel | None
    ) -> PropertyDistance:
        """Distance to some conditions.

        Raises
        ------
        InputError : a property that neither the surrogate nor known values tell
        """
        keys = tuple(conditions)
        available = population.known_keys() if surrogate is None else surrogate.keys
        missing = [key for key in keys if key not in available]
        if missing:
            told = ", ".join(map(str, available)) or "none"
            raise InputError(
                f"the generator cannot be asked for {missing[0]}: its values are not known; known: {told}. "
                "Give property values of the population, or a surrogate that predicts it"
            )
        known = np.stack([population.column(key) for key in keys], axis=1)
        if surrogate is not None:
            known = np.where(np.isnan(known), _predicted(surrogate, population.smiles, keys), known)
        scale = np.nanstd(known, axis=0)
        wanted = np.array([conditions[key] for key in keys], dtype=np.float64)
        return cls(keys, wanted, known, np.where(scale > 0, scale, 1.0), surrogate)

    @property
    def can_judge(self) -> bool:
        """Whether the values of children can be told."""
        return self.surrogate is not None

    def of_members(self) -> list[float]:
        """(n_members,); NaN for members of which a value is unknown."""
        return self._distances(self.known)

    def of_children(self, smiles: Sequence[str]) -> list[float]:
        """(n,) by the surrogate.

        Raises
        ------
        InputError : there is no surrogate
        """
        if self.surrogate is None:
            raise InputError("children cannot be judged without a surrogate; give one to the generator")
        return self._distances(_predicted(self.surrogate, smiles, self.keys)) if smiles else []

    def _distances(self, values: FloatArray) -> list[float]:
        distances: list[float] = np.sqrt((((values - self.wanted) / self.scale) ** 2).sum(1)).tolist()
        return distances


def _predicted(surrogate: PropertyModel, smiles: Sequence[str], keys: Sequence[PropertyKey]) -> FloatArray:
    table = surrogate.predict(smiles)
    return np.stack([table.mean[:, table.keys.index(key)] for key in keys], axis=1)
