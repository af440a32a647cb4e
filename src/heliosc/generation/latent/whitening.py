"""Latent coordinates in which the training molecules have mean 0, unit spread and no correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from heliosc.generation.jtvae.prior import LatentPrior

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Whitening:
    """Between latent vectors z and whitened ones x: z = mean + factor x.

    Attributes
    ----------
    mean : (latent,)
    factor : (latent, latent) lower triangle of Cholesky
    """

    mean: FloatArray
    factor: FloatArray

    @classmethod
    def of(cls, prior: LatentPrior) -> Whitening:
        """From mean and covariance of the whole mixture."""
        d = prior.latent
        means = prior.means[:, :d]
        mean = prior.weights @ means
        gaps = means - mean
        within = np.einsum("k,kij->ij", prior.weights, prior.covariances[:, :d, :d])
        covariance = within + np.einsum("k,ki,kj->ij", prior.weights, gaps, gaps)
        return cls(mean, cholesky(0.5 * (covariance + covariance.T), lower=True))

    def whiten(self, z: FloatArray) -> FloatArray:
        """(n, latent) -> (n, latent)"""
        return solve_triangular(self.factor, (z - self.mean).T, lower=True).T

    def restore(self, x: FloatArray) -> FloatArray:
        """(n, latent) -> (n, latent)"""
        return self.mean + x @ self.factor.T
