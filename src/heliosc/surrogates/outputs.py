"""What members say, before and after it is calibrated, and what they are calibrated on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration, calibrate_key, interval_quantiles
from heliosc.surrogates.landmarks import Landmarks

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RawPrediction:
    """Members' outputs in the units of the keys.

    Attributes
    ----------
    means, variances : (n_members, n_molecules, n_keys)
    fingerprints : (n_molecules, width) of the first member
    """

    means: FloatArray
    variances: FloatArray
    fingerprints: NDArray[np.float32]

    @property
    def mean(self) -> FloatArray:
        return self.means.mean(axis=0)

    @property
    def aleatoric(self) -> FloatArray:
        return self.variances.mean(axis=0)

    @property
    def epistemic(self) -> FloatArray:
        return self.means.var(axis=0)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The parts that no member ever learns from, kept with the model so that later recalibration stays honest."""

    validation: PropertyTable
    test: PropertyTable

    @property
    def smiles(self) -> frozenset[str]:
        return frozenset(self.validation.smiles) | frozenset(self.test.smiles)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Calibrated uncertainty.

    Attributes
    ----------
    epistemic, aleatoric : std, (n_molecules, n_keys)
    distance : (n_molecules,) to the train part, 1 = the limit of the domain; None where it is not known
    """

    epistemic: FloatArray
    aleatoric: FloatArray
    distance: FloatArray | None


def calibrate_keys(raw: RawPrediction, errors: FloatArray, distance: FloatArray | None) -> tuple[KeyCalibration, ...]:
    """Calibrate the doubt of every key on a part that no member has learnt from.

    Parameters
    ----------
    errors : (n_molecules, n_keys) known value minus mean, NaN = unknown
    distance : (n_molecules,) to the train part; None where it is not known
    """
    return tuple(
        calibrate_key(errors[:, k], raw.aleatoric[:, k], raw.epistemic[:, k], distance) for k in range(errors.shape[1])
    )


def calibrated_doubt(
    raw: RawPrediction, *, calibrations: Sequence[KeyCalibration], landmarks: Landmarks | None
) -> Doubt:
    """Calibrate the variances of every key."""
    distance = None if landmarks is None else landmarks.distances(raw.fingerprints)
    aleatoric, epistemic = raw.aleatoric, raw.epistemic
    for k, calibration in enumerate(calibrations):
        aleatoric[:, k], epistemic[:, k] = calibration.apply(aleatoric[:, k], epistemic[:, k], distance)
    return Doubt(epistemic, aleatoric, distance)


def prediction_table(
    smiles: Sequence[str],
    keys: tuple[PropertyKey, ...],
    raw: RawPrediction,
    doubt: Doubt,
    *,
    calibrations: Sequence[KeyCalibration],
    model_id: str,
) -> PredictionTable:
    """Everything that an ensemble tells of some molecules."""
    return PredictionTable(
        tuple(smiles),
        keys,
        raw.mean,
        doubt.epistemic,
        doubt.aleatoric,
        model_id,
        members=raw.means,
        domain_distance=doubt.distance,
        interval_quantiles=interval_quantiles(calibrations),
    )


def table_key_by_key(
    smiles: Sequence[str],
    keys: tuple[PropertyKey, ...],
    guesses: Iterable[tuple[FloatArray, FloatArray]],
    *,
    calibrations: Sequence[KeyCalibration],
    model_id: str,
) -> PredictionTable:
    """What a model with a predictor of its own for every key tells; all its doubt is epistemic.

    Parameters
    ----------
    guesses : mean and variance, (n_molecules,) each, of every key; not asked for when there are no molecules
    """
    shape = (len(smiles), len(keys))
    mean, aleatoric, epistemic = np.empty(shape), np.empty(shape), np.empty(shape)
    if smiles:  # the libraries behind such models refuse to predict nothing
        for k, ((guess, variance), calibration) in enumerate(zip(guesses, calibrations, strict=True)):
            mean[:, k] = guess
            aleatoric[:, k], epistemic[:, k] = calibration.apply(np.zeros(len(smiles)), variance)
    return PredictionTable(
        tuple(smiles), keys, mean, epistemic, aleatoric, model_id, interval_quantiles=interval_quantiles(calibrations)
    )
