"""A fitted map: which inputs, which weights, how wrong it was on molecules that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.properties.levels import PropertyKey, calibrated_level

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ErrorFigures:
    """Errors against the references, eV.

    Attributes
    ----------
    mae_raw : of the cheap level itself, as it stands
    mae_one_out, rmse_one_out : each molecule predicted by a map fitted and chosen without it
    mae_scaffold_out : the same with all molecules of its scaffold left out
    """

    n_molecules: int
    mae_raw: float
    mae_one_out: float
    rmse_one_out: float
    mae_scaffold_out: float


@dataclass(frozen=True, slots=True)
class CalibratedValue:
    """A value after a calibration.

    Attributes
    ----------
    value, std : eV; std is of one new molecule: the map's error and that of its coefficients
    level : ``cal-NAME.VERSION//BASE``
    outside : inputs beyond the range of the molecules that the map was fitted on
    """

    value: float
    std: float
    level: str
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """y = intercept + sum_k weight_k (x_k - mean_k) / spread_k.

    Attributes
    ----------
    name : what it leads to: ``gas`` (gas-phase experiment), ``cv``, ``film``, or a name for a reference level
    version : raised with every new fit of the same name
    property_name : of the calibrated value
    base_level : cheap level of the first input
    inputs : ``name@level`` of the cheap values, or the name of a count of ``features.COUNTS``
    means, spreads, weights, lowest, highest : (n_inputs,)
    ridge : penalty on the weights of the standardised inputs
    covariance : (n_inputs, n_inputs), inverse of the penalised normal matrix
    figures : overall errors; ``by_class`` those of each class of molecules
    reference : what it was fitted to
    """

    name: str
    version: int
    property_name: str
    base_level: str
    inputs: tuple[str, ...]
    means: FloatArray
    spreads: FloatArray
    weights: FloatArray
    intercept: float
    ridge: float
    covariance: FloatArray
    lowest: FloatArray
    highest: FloatArray
    figures: ErrorFigures
    by_class: dict[str, ErrorFigures]
    reference: str

    @property
    def key(self) -> PropertyKey:
        """Property and level of the calibrated value."""
        return PropertyKey(self.property_name, calibrated_level(self.name, self.version, base=self.base_level))

    def apply(self, features: Mapping[str, float]) -> CalibratedValue:
        """The calibrated value of one molecule.

        Raises
        ------
        InputError : an input is missing
        """
        missing = [name for name in self.inputs if name not in features]
        if missing:
            raise InputError(f"calibration {self.key} needs {', '.join(missing)}; compute them first")
        values = np.array([features[name] for name in self.inputs], dtype=np.float64)
        scaled = (values - self.means) / self.spreads
        leverage = 1.0 / self.figures.n_molecules + float(scaled @ self.covariance @ scaled)
        slack = 0.1 * self.spreads
        beyond = (values < self.lowest - slack) | (values > self.highest + slack)
        return CalibratedValue(
            self.intercept + float(scaled @ self.weights),
            self.figures.rmse_one_out * float(np.sqrt(1.0 + leverage)),
            self.key.level,
            tuple(name for name, is_beyond in zip(self.inputs, beyond, strict=True) if is_beyond),
        )
