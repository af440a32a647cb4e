"""The aggregate posterior as prior: a Gaussian mixture over latent vectors and properties of training molecules.

With the small KL weights that keep reconstruction sharp, the latent vectors of real molecules fill only part of the
standard normal distribution, and draws from it land where the decoder was never trained. Samples are therefore drawn
from a full-covariance mixture fitted to the training molecules. Because it is fitted to [z, properties] jointly,
conditioning on any subset of the properties is exact within the mixture.

References
----------
Ghosh et al., ICLR 2020, arXiv:1903.12436 (ex-post density estimation of a regularised autoencoder's latent space).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.special import logsumexp

FloatArray = NDArray[np.float64]

MOLECULES_PER_COMPONENT = 300
MAX_COMPONENTS = 12
SHRINKAGE = 0.1
"""Share of the pooled covariance in each component's."""
N_ITERATIONS = 40
FADED = 0.005


@dataclass(frozen=True, slots=True)
class LatentPrior:
    """Mixture over [z, standardised properties].

    Attributes
    ----------
    weights : (n_components,)
    means : (n_components, latent + n_properties)
    covariances : (n_components, latent + n_properties, latent + n_properties)
    latent : width of z
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    latent: int

    def sample(self, n: int, *, generator: np.random.Generator, asked: FloatArray | None = None) -> FloatArray:
        """Draw latent vectors, (n, latent).

        Parameters
        ----------
        asked : (n_properties,) standardised values wanted, NaN = free; None = all free
        """
        weights, means, covariances = self._given(asked)
        chosen = generator.choice(len(weights), size=n, p=weights)
        noise = generator.standard_normal((n, self.latent))
        factors = np.stack([cholesky(covariance, lower=True) for covariance in covariances])
        return means[chosen] + np.einsum("nij,nj->ni", factors[chosen], noise)

    def log_density(self, z: FloatArray) -> FloatArray:
        """Log density of latent vectors, whatever their properties, (n,)."""
        d = self.latent
        components = zip(self.weights, self.means[:, :d], self.covariances[:, :d, :d], strict=True)
        logs = [np.log(weight) + _log_density(z - mean, covariance) for weight, mean, covariance in components]
        return np.asarray(logsumexp(logs, axis=0))

    def steps(self, n: int, *, generator: np.random.Generator) -> FloatArray:
        """Random directions with the spread of the molecules around their component's mean, (n, latent)."""
        within = np.einsum("k,kij->ij", self.weights, self.covariances)[: self.latent, : self.latent]
        factor = cholesky(_symmetric(within), lower=True)
        return generator.standard_normal((n, self.latent)) @ factor.T

    def mixed_with(self, other: LatentPrior, share: float) -> LatentPrior:
        """A mixture in which ``other`` has the given share; components that fade below ``FADED`` are dropped."""
        weights = np.concatenate([(1 - share) * self.weights, share * other.weights])
        kept = weights >= FADED
        return LatentPrior(
            weights[kept] / weights[kept].sum(),
            np.concatenate([self.means, other.means])[kept],
            np.concatenate([self.covariances, other.covariances])[kept],
            self.latent,
        )

    def _given(self, asked: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Weights, means and covariances of z given the properties asked for."""
        d = self.latent
        fixed = np.zeros(0, dtype=np.intp) if asked is None else d + np.flatnonzero(~np.isnan(asked))
        if asked is None or not len(fixed):
            return self.weights, self.means[:, :d], self.covariances[:, :d, :d]
        values = asked[fixed - d]
        log_weights, means, covariances = [], [], []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            inner = covariance[np.ix_(fixed, fixed)]
            cross = covariance[:d][:, fixed]
            gap = values - mean[fixed]
            factor = cho_factor(inner, lower=True)
            means.append(mean[:d] + cross @ cho_solve(factor, gap))
            covariances.append(_symmetric(covariance[:d, :d] - cross @ cho_solve(factor, cross.T)))
            log_weights.append(np.log(weight) + _log_density(gap[None], inner)[0])
        shares = np.exp(np.asarray(log_weights) - logsumexp(log_weights))
        return shares / shares.sum(), np.stack(means), np.stack(covariances)


def fit_prior(
    z: FloatArray, spread: FloatArray, properties: FloatArray, *, seed: int, weights: FloatArray | None = None
) -> LatentPrior:
    """Fit the mixture by expectation maximisation.

    Parameters
    ----------
    z : (n_molecules, latent) posterior means
    spread : (latent,) mean posterior variances, added to each component's covariance
    properties : (n_molecules, n_properties) standardised, without gaps
    weights : (n_molecules,) how much each molecule counts; equal by default
    """
    counts = np.ones(len(z)) if weights is None else weights * (len(z) / weights.sum())
    rows = np.concatenate([z, properties], 1)
    extra = np.concatenate([spread, np.full(properties.shape[1], 1e-3)])
    n_components = int(np.clip(effective_number(counts) // MOLECULES_PER_COMPONENT, 1, MAX_COMPONENTS))
    pooled = np.atleast_2d(np.cov(rows, rowvar=False, bias=True, aweights=counts)) + np.diag(extra + 1e-6)
    shares = _first_shares(rows, n_components, seed=seed)
    for _ in range(N_ITERATIONS):
        mix, means, covariances = _maximise(rows, shares * counts[:, None], pooled=pooled, extra=extra)
        log_densities = np.stack(
            [np.log(w) + _log_density(rows - m, c) for w, m, c in zip(mix, means, covariances, strict=True)], 1
        )
        shares = np.exp(log_densities - logsumexp(log_densities, axis=1, keepdims=True))
    return LatentPrior(mix, means, covariances, z.shape[1])


def effective_number(weights: FloatArray) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _first_shares(rows: FloatArray, n_components: int, *, seed: int) -> FloatArray:
    if n_components == 1:
        return np.ones((len(rows), 1))
    _, labels = kmeans2(rows, n_components, minit="++", rng=np.random.default_rng(seed), missing="raise")
    return np.eye(n_components)[labels]


def _maximise(
    rows: FloatArray, shares: FloatArray, *, pooled: FloatArray, extra: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    totals = shares.sum(0) + 1e-9
    means = (shares.T @ rows) / totals[:, None]
    covariances = []
    for share, total, mean in zip(shares.T, totals, means, strict=True):
        gap = rows - mean
        own = (share[:, None] * gap).T @ gap / total + np.diag(extra + 1e-6)
        covariances.append(_symmetric((1 - SHRINKAGE) * own + SHRINKAGE * pooled))
    return totals / totals.sum(), means, np.stack(covariances)


def _log_density(gap: FloatArray, covariance: FloatArray) -> FloatArray:
    """Log density of a centred normal at each row, (n,)."""
    factor = cholesky(covariance, lower=True)
    scaled = solve_triangular(factor, gap.T, lower=True)
    return -0.5 * ((scaled**2).sum(0) + gap.shape[1] * np.log(2 * np.pi)) - np.log(np.diag(factor)).sum()


def _symmetric(matrix: FloatArray) -> FloatArray:
    return 0.5 * (matrix + matrix.T)
