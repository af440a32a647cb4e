"""Per-key and per-descriptor standardisation, fitted on the train part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LARGEST_DESCRIPTOR = 10.0  # standard deviations; an odd molecule must not throw the readout far outside


@dataclass(frozen=True, slots=True)
class Scaling:
    """Means and standard deviations.

    Attributes
    ----------
    target_mean, target_std : (n_keys,) in the unit of each key
    descriptor_mean, descriptor_std : (n_descriptors,); no descriptors, no entries
    """

    target_mean: FloatArray
    target_std: FloatArray
    descriptor_mean: FloatArray
    descriptor_std: FloatArray

    @classmethod
    def fit(cls, values: FloatArray, descriptors: FloatArray) -> Scaling:
        """Take the moments of known values, (n_molecules, n_keys), and descriptors, (n_molecules, n_descriptors)."""
        return cls(
            np.nanmean(values, axis=0),
            _positive(np.nanstd(values, axis=0)),
            descriptors.mean(axis=0),
            _positive(descriptors.std(axis=0)),
        )

    def with_descriptors_of(self, other: Scaling) -> Scaling:
        """The same for targets, with the other's moments of the descriptors."""
        return replace(self, descriptor_mean=other.descriptor_mean, descriptor_std=other.descriptor_std)

    def targets(self, values: FloatArray) -> NDArray[np.float32]:
        """Standardised values; NaN stays NaN."""
        return ((values - self.target_mean) / self.target_std).astype(np.float32)

    def descriptors(self, descriptors: FloatArray) -> NDArray[np.float32]:
        """Standardised descriptors; those the model does not use are left out."""
        used = descriptors[:, : len(self.descriptor_mean)]
        scaled = (used - self.descriptor_mean) / self.descriptor_std
        return scaled.clip(-_LARGEST_DESCRIPTOR, _LARGEST_DESCRIPTOR).astype(np.float32)


def _positive(std: FloatArray) -> FloatArray:
    return np.where(std > 1e-12, std, 1.0)
