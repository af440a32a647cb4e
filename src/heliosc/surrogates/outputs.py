"""What members say before it is calibrated, and what they are calibrated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.properties import PropertyTable

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
