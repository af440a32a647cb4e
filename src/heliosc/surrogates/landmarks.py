"""How far a molecule lies from those that a model learnt from.

Distances are taken between fingerprints that the first member has learnt, each of their numbers in units of its spread
over the train part, to the nearest of some hundred landmarks that stand for the train part. In units of what 99 % of
the held-out molecules stay below, so that more than 1 means: outside the domain.

References
----------
Janet et al., Chem. Sci. 2019, 10, 7913 (10.1039/C9SC02298H): distance in latent space as uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

N_LANDMARKS = 512
_REACH = 0.99
_LEAST_SPREAD = 0.1  # of the usual one: a number that hardly varies must not decide the distance
_LEAST_REACH = 1e-12  # where all held-out molecules are landmarks themselves
_BATCH = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Representatives of the train part.

    Attributes
    ----------
    points : (n_landmarks, width), standardised; float32 numbers that half precision holds exactly
    centre, spread : (width,) of the fingerprints of the train part
    reach : distance that is told as 1
    """

    points: NDArray[np.float32]
    centre: NDArray[np.float32]
    spread: NDArray[np.float32]
    reach: float = 1.0

    @classmethod
    def fit(cls, fingerprints: NDArray[np.float32], *, seed: int) -> Self:
        """Centres of clusters of the train part, (n_molecules, width); its molecules themselves where they are few."""
        from sklearn.cluster import MiniBatchKMeans  # takes a second to import

        centre, spread = fingerprints.mean(axis=0), fingerprints.std(axis=0)
        varies = spread > 1e-6
        least = _LEAST_SPREAD * np.median(spread[varies]) if varies.any() else 0.0
        spread = np.where(varies, spread.clip(min=least), np.inf).astype(np.float32)  # one that never does says nothing
        points = (fingerprints - centre) / spread
        if len(points) > N_LANDMARKS:
            clusters = MiniBatchKMeans(N_LANDMARKS, random_state=seed, n_init=1, batch_size=_BATCH).fit(points)
            points = clusters.cluster_centers_
        return cls(points.astype(np.float16).astype(np.float32), centre, spread)

    def calibrated(self, held_out: NDArray[np.float32]) -> Self:
        """The same landmarks with ``reach`` from fingerprints of molecules that were not learnt from."""
        distances = replace(self, reach=1.0).distances(held_out)
        return replace(self, reach=max(float(np.quantile(distances, _REACH)), _LEAST_REACH))

    def distances(self, fingerprints: NDArray[np.float32]) -> FloatArray:
        """Distance to the nearest landmark, (n_molecules,), 1 = what 99 % of the held-out molecules stay below."""
        points = (fingerprints - self.centre) / self.spread
        squares = (points**2).sum(axis=1) + ((self.points**2).sum(axis=1) - 2 * (points @ self.points.T)).min(axis=1)
        return np.sqrt(squares.clip(min=0)).astype(np.float64) / self.reach
