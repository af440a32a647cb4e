"""What members say, before and after it is calibrated, and what they are calibrated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration, interval_quantiles
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
