"""Fitting a calibration: ridge regression on a few inputs, both chosen by cross-validation.

The choice is part of the fit, so the reported errors repeat it inside every fold (nested cross-validation): no molecule
has a say in the map that predicts it.

References
----------
Cawley, Talbot, J. Mach. Learn. Res. 2010, 11, 2079 (selection bias without nesting).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.properties.levels import calibrated_level
from heliosc.qc.calibration.model import Calibration, ErrorFigures

FloatArray = NDArray[np.float64]

RIDGES = (1e-6, 0.3, 1.0, 3.0, 10.0)
MIN_SAMPLES = 12
SMALLEST_GAIN_EV = 0.002  # a richer choice of inputs must be better by this much
MIN_CLASS_SIZE = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One molecule with a reference value.

    Attributes
    ----------
    features : input -> value
    reference : eV
    scaffold : molecules with the same one are left out together
    kind : class of molecule, for errors by class
    """

    features: Mapping[str, float]
    reference: float
    scaffold: str = ""
    kind: str = "all"


@dataclass(frozen=True, slots=True)
class _Fit:
    columns: tuple[int, ...]
    ridge: float
    means: FloatArray
    spreads: FloatArray
    weights: FloatArray
    intercept: float
    covariance: FloatArray

    def predict(self, table: FloatArray) -> FloatArray:
        return np.asarray(self.intercept + ((table[:, list(self.columns)] - self.means) / self.spreads) @ self.weights)


def fit_calibration(
    samples: Sequence[Sample],
    *,
    property_name: str,
    name: str,
    version: int,
    menu: Sequence[tuple[str, ...]],
    reference: str,
) -> Calibration:
    """Fit and judge a calibration.

    Parameters
    ----------
    menu : choices of inputs, from few to many; the first input of the first choice is the cheap value itself
    reference : what the references are, in words

    Raises
    ------
    InputError : too few samples, inputs missing, or a name that no level can carry
    """
    base_level = menu[0][0].partition("@")[2]
    calibrated_level(name, version, base=base_level)
    if len(samples) < MIN_SAMPLES:
        raise InputError(f"{len(samples)} molecules with a reference value; a calibration needs at least {MIN_SAMPLES}")
    names = tuple(dict.fromkeys(column for choice in menu for column in choice))
    table, target = _arrays(samples, names)
    choices = [tuple(names.index(column) for column in choice) for choice in menu]
    chosen = _choose(table, target, choices)
    one_out = _held_out(table, target, choices, groups=[str(index) for index in range(len(samples))])
    scaffold_out = _held_out(table, target, choices, groups=[sample.scaffold for sample in samples])
    raw = table[:, names.index(menu[0][0])]
    kinds = np.array([sample.kind for sample in samples])
    columns = list(chosen.columns)

    def figures(mask: NDArray[np.bool_]) -> ErrorFigures:
        return _figures(raw[mask], one_out[mask], scaffold_out[mask], target[mask])

    return Calibration(
        name,
        version,
        property_name,
        base_level,
        tuple(names[column] for column in columns),
        chosen.means,
        chosen.spreads,
        chosen.weights,
        chosen.intercept,
        chosen.ridge,
        chosen.covariance,
        table[:, columns].min(axis=0),
        table[:, columns].max(axis=0),
        figures(np.ones(len(samples), dtype=bool)),
        {kind: figures(kinds == kind) for kind in sorted(set(kinds)) if (kinds == kind).sum() >= MIN_CLASS_SIZE},
        reference,
    )


def _arrays(samples: Sequence[Sample], names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    try:
        table = np.array([[sample.features[name] for name in names] for sample in samples], dtype=np.float64)
    except KeyError as error:
        raise InputError(f"a molecule has no value of {error}; every molecule needs all inputs of the menu") from error
    target = np.array([sample.reference for sample in samples], dtype=np.float64)
    if not (np.isfinite(table).all() and np.isfinite(target).all()):
        raise InputError("inputs and references must be finite numbers; leave incomplete molecules out")
    return table, target


def _ridge_fit(table: FloatArray, target: FloatArray, columns: tuple[int, ...], ridge: float) -> _Fit:
    inputs = table[:, list(columns)]
    means, spreads = inputs.mean(axis=0), inputs.std(axis=0)
    spreads = np.where(spreads > 1e-9, spreads, 1.0)  # an input that never varies gets weight zero
    scaled = (inputs - means) / spreads
    covariance = np.linalg.inv(scaled.T @ scaled + ridge * np.eye(len(columns)))
    intercept = float(target.mean())
    weights = covariance @ (scaled.T @ (target - intercept))
    return _Fit(columns, ridge, means, spreads, weights, intercept, covariance)


def _choose(table: FloatArray, target: FloatArray, choices: Sequence[tuple[int, ...]]) -> _Fit:
    """The best inputs and ridge by leave-one-out; a richer choice must earn its place."""
    best: tuple[float, _Fit] | None = None
    for columns in choices:
        fits = [_ridge_fit(table, target, columns, ridge) for ridge in RIDGES]
        errors = [_leave_one_out_mae(fit, table, target) for fit in fits]
        index = int(np.argmin(errors))
        if best is None or errors[index] < best[0] - SMALLEST_GAIN_EV:
            best = (errors[index], fits[index])
    if best is None:
        raise InputError("the menu of inputs is empty; expected at least one choice")
    return best[1]


def _leave_one_out_mae(fit: _Fit, table: FloatArray, target: FloatArray) -> float:
    """Mean absolute leave-one-out residual, r_i / (1 - h_i), without refitting."""
    scaled = (table[:, list(fit.columns)] - fit.means) / fit.spreads
    leverage = 1.0 / len(target) + np.einsum("ij,jk,ik->i", scaled, fit.covariance, scaled)
    residuals = (target - fit.predict(table)) / np.maximum(1.0 - leverage, 1e-3)
    return float(np.abs(residuals).mean())


def _held_out(
    table: FloatArray, target: FloatArray, choices: Sequence[tuple[int, ...]], *, groups: Sequence[str]
) -> FloatArray:
    """Prediction of every molecule by a map fitted and chosen without its group."""
    labels = np.array(groups)
    predicted = np.empty_like(target)
    for label in sorted(set(groups)):
        inside = labels == label
        if inside.all():
            raise InputError("all molecules share one scaffold; give scaffolds, or leave single molecules out")
        predicted[inside] = _choose(table[~inside], target[~inside], choices).predict(table[inside])
    return predicted


def _figures(raw: FloatArray, one_out: FloatArray, scaffold_out: FloatArray, target: FloatArray) -> ErrorFigures:
    return ErrorFigures(
        len(target),
        float(np.abs(raw - target).mean()),
        float(np.abs(one_out - target).mean()),
        float(np.sqrt(np.square(one_out - target).mean())),
        float(np.abs(scaffold_out - target).mean()),
    )
