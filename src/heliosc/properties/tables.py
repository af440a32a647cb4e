"""Tables of known and predicted values: molecules in rows, ``PropertyKey`` in columns, NaN where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.properties.intervals import multipliers
from heliosc.properties.levels import PropertyKey

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PropertyTable:
    """Known values.

    Attributes
    ----------
    smiles : (n_molecules,) canonical SMILES
    keys : (n_keys,) property and level of each column
    values : (n_molecules, n_keys), in the unit of each key, NaN = unknown
    """

    smiles: tuple[str, ...]
    keys: tuple[PropertyKey, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        expected = (len(self.smiles), len(self.keys))
        if self.values.shape != expected:
            raise InputError(f"property table has values of shape {self.values.shape}, expected {expected}")

    def column(self, key: PropertyKey) -> FloatArray:
        """Values of one key, (n_molecules,)."""
        return self.values[:, self.keys.index(key)]

    def rows(self, indices: Sequence[int] | NDArray[np.intp]) -> PropertyTable:
        """The table restricted to some rows."""
        chosen = np.asarray(indices, dtype=np.intp)
        return PropertyTable(tuple(self.smiles[i] for i in chosen), self.keys, self.values[chosen])


@dataclass(frozen=True, slots=True)
class PredictionTable:
    """Predicted values with their doubt.

    Attributes
    ----------
    smiles : (n_molecules,)
    keys : (n_keys,)
    mean, epistemic_std, aleatoric_std : (n_molecules, n_keys), in the unit of each key. Epistemic is the spread
        between members, aleatoric the rest of the calibrated uncertainty.
    model_id : which model said so
    members : (n_members, n_molecules, n_keys) or None
    domain_distance : (n_molecules,) distance to what the model learnt from; above 1 the molecule is outside its domain.
        None where the model has no such measure
    interval_quantiles : (n_keys, n_levels) half widths in units of the std at ``intervals.LEVELS``; None = Gaussian
    """

    smiles: tuple[str, ...]
    keys: tuple[PropertyKey, ...]
    mean: FloatArray
    epistemic_std: FloatArray
    aleatoric_std: FloatArray
    model_id: str
    members: FloatArray | None = None
    domain_distance: FloatArray | None = None
    interval_quantiles: FloatArray | None = None

    @property
    def std(self) -> FloatArray:
        """Total calibrated standard deviation, (n_molecules, n_keys)."""
        return np.hypot(self.epistemic_std, self.aleatoric_std)

    @property
    def is_outside_domain(self) -> NDArray[np.bool_]:
        """Molecules unlike those that the model learnt from, (n_molecules,); their predictions deserve distrust.

        Raises
        ------
        InputError : the model has no measure of it
        """
        if self.domain_distance is None:
            raise InputError(f"model {self.model_id} does not tell how far a molecule is from its training data")
        return self.domain_distance > 1

    def half_width(self, level: float) -> FloatArray:
        """Half width of the interval about the mean that holds a value with this probability, (n_molecules, n_keys).

        Raises
        ------
        InputError : a probability that is not between 0 and 1, or not tabulated
        """
        if not 0 < level < 1:
            raise InputError(f"{level} is no probability of an interval; expected more than 0 and less than 1")
        if self.interval_quantiles is None:
            return NormalDist().inv_cdf(0.5 + level / 2) * self.std
        return multipliers(self.interval_quantiles, level) * self.std

    def column(self, key: PropertyKey) -> int:
        """Column index of a key.

        Raises
        ------
        InputError : the model has no head for it
        """
        if key not in self.keys:
            raise InputError(
                f"model {self.model_id} does not predict {key}; it predicts {', '.join(map(str, self.keys))}"
            )
        return self.keys.index(key)

    def rows(self, indices: Sequence[int] | NDArray[np.intp]) -> PredictionTable:
        """The table restricted to some rows."""
        chosen = np.asarray(indices, dtype=np.intp)
        return PredictionTable(
            tuple(self.smiles[i] for i in chosen),
            self.keys,
            self.mean[chosen],
            self.epistemic_std[chosen],
            self.aleatoric_std[chosen],
            self.model_id,
            None if self.members is None else self.members[:, chosen],
            None if self.domain_distance is None else self.domain_distance[chosen],
            self.interval_quantiles,
        )
