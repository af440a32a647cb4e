"""``auto``: for each key the non-negative mixture of several surrogates that the validation part likes best.

The validation part is halved. Weights are fitted on one half, the uncertainty of the mixture is calibrated on the
other, and the test part is seen by neither. What remains shared: a network stops training on the whole validation part,
so that its errors there are a little too good; the test figures are what counts.

References
----------
Breiman, Mach. Learn. 1996, 24, 49 (10.1007/BF00117832): stacking with non-negative weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.boosting import BoostingSurrogate
from heliosc.surrogates.calibration import MIN_VALUES, KeyCalibration, calibrate_key, interval_quantiles
from heliosc.surrogates.forest import ForestSurrogate
from heliosc.surrogates.protocol import RowArray, Surrogate, check_split

FloatArray = NDArray[np.float64]

_SUM_PENALTY = 1e3  # times the size of the data: the weights sum to one


@dataclass(frozen=True, slots=True, eq=False)
class StackedSurrogate:
    """A mixture of trained surrogates.

    Attributes
    ----------
    models : name -> surrogate
    weights : (n_keys, n_models), non-negative, each row sums to one
    """

    keys: tuple[PropertyKey, ...]
    models: Mapping[str, Surrogate]
    weights: FloatArray
    calibrations: tuple[KeyCalibration, ...]

    @classmethod
    def train(cls, table: PropertyTable, *, split: Sequence[RowArray], seed: int = 0) -> StackedSurrogate:
        """Train forest and boosting on the train part and mix them; ``combine`` mixes any models.

        Raises
        ------
        InputError : see ``combine``, and an unreadable molecule or a split that leaks
        MissingDependencyError : LightGBM is not installed
        """
        kinds: dict[str, type[Surrogate]] = {"forest": ForestSurrogate, "boosting": BoostingSurrogate}
        models = {name: kind.train(table, split=split, seed=seed) for name, kind in kinds.items()}
        return cls.combine(models, table.rows(check_split(split, table).validation), seed=seed)

    @classmethod
    def combine(cls, models: Mapping[str, Surrogate], validation: PropertyTable, *, seed: int = 0) -> StackedSurrogate:
        """Mix models by what they say of molecules that none of them was fitted to.

        Raises
        ------
        InputError : a model predicts other keys, or a half of the validation part has too few values of a key
        """
        for name, model in models.items():
            if model.keys != validation.keys:
                raise InputError(f"model {name} predicts other keys than the validation part has; they must agree")
        order = np.random.default_rng(seed).permutation(len(validation.smiles))
        chosen, left = np.array_split(order, 2)
        predictions = [model.predict(validation.smiles) for model in models.values()]
        means = np.stack([p.mean for p in predictions])
        weights = np.empty((len(validation.keys), len(models)))
        for k, key in enumerate(validation.keys):
            known = chosen[np.isfinite(validation.values[chosen, k])]
            if len(known) < MIN_VALUES:
                raise InputError(
                    f"{len(known)} validation values of {key} cannot choose among models; expected {MIN_VALUES} in "
                    "each half: add molecules, or leave `auto` out of surrogate.baselines"
                )
            weights[k] = mixing_weights(means[:, known, k], validation.values[known, k])
        mean, aleatoric, epistemic = _mixture(predictions, weights)
        errors = validation.values - mean
        calibrations = tuple(
            calibrate_key(errors[left, k], aleatoric[left, k], epistemic[left, k]) for k in range(len(weights))
        )
        return cls(validation.keys, dict(models), weights, calibrations)

    @property
    def model_id(self) -> str:
        """Short hash of the mixed models and their weights."""
        text = f"stack {[model.model_id for model in self.models.values()]} {self.weights.round(6).tolist()}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict molecules.

        Raises
        ------
        InputError : a molecule cannot be read; the message names its row
        """
        predictions = [model.predict(smiles) for model in self.models.values()]
        mean, aleatoric, epistemic = _mixture(predictions, self.weights)
        for k, calibration in enumerate(self.calibrations):
            aleatoric[:, k], epistemic[:, k] = calibration.apply(aleatoric[:, k], epistemic[:, k])
        return PredictionTable(
            tuple(smiles),
            self.keys,
            mean,
            epistemic,
            aleatoric,
            self.model_id,
            domain_distance=next((p.domain_distance for p in predictions if p.domain_distance is not None), None),
            interval_quantiles=interval_quantiles(self.calibrations),
        )


def mixing_weights(means: FloatArray, values: FloatArray) -> FloatArray:
    """Non-negative weights with sum one and the least squared error.

    Parameters
    ----------
    means : (n_models, n_values) predictions
    values : (n_values,)

    Returns
    -------
    weights : (n_models,)
    """
    centre = values.mean()  # the sum is one, so a shift of everything changes nothing but the condition
    penalty = _SUM_PENALTY * max(float(np.abs(values - centre).max()), 1e-12) * np.sqrt(len(values))
    matrix = np.vstack([(means - centre).T, np.full(len(means), penalty)])
    weights, _ = nnls(matrix, np.append(values - centre, penalty))
    return weights / weights.sum()


def _mixture(predictions: Sequence[PredictionTable], weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, aleatoric and epistemic variance by the law of total variance, (n_molecules, n_keys) each."""
    shares = weights.T[:, None, :]  # (n_models, 1, n_keys)
    means = np.stack([p.mean for p in predictions])
    mean = (shares * means).sum(axis=0)
    aleatoric = (shares * np.stack([p.aleatoric_std**2 for p in predictions])).sum(axis=0)
    within = (shares * np.stack([p.epistemic_std**2 for p in predictions])).sum(axis=0)
    return mean, aleatoric, within + (shares * (means - mean) ** 2).sum(axis=0)
