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
from scipy.special import log_ndtr, logsumexp
from scipy.stats import truncnorm

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
        asked : (n_properties,) or (n, n_properties) standardised values wanted, NaN = free, the same ones in all rows;
            None = all free
        """
        d = self.latent
        free = np.full(self.means.shape[1] - d, np.nan)
        wishes = np.broadcast_to(free if asked is None else asked, (n, len(free)))
        fixed = d + np.flatnonzero(~np.isnan(wishes).all(0)) if n else np.zeros(0, dtype=np.intp)
        values = wishes[:, fixed - d]
        chosen = _choose(self._shares_given(fixed, values), generator)
        noise = generator.standard_normal((n, d))
        drawn = np.empty((n, d))
        for component in np.unique(chosen):
            mine = chosen == component
            mean, covariance = self.means[component], self.covariances[component]
            _, shifts, shrunk = _condition(mean, covariance, fixed, values[mine], of=np.arange(d))
            drawn[mine] = mean[:d] + shifts + noise[mine] @ cholesky(shrunk, lower=True).T
        return drawn

    def draw_properties(
        self, given: FloatArray, lower: FloatArray, upper: FloatArray, *, generator: np.random.Generator
    ) -> FloatArray:
        """Values between limits, as the molecules have them, (n, n_properties), NaN where a property has no limit.

        One property after the other is drawn from its distribution given those drawn before, cut at its limits; with
        one property that is its distribution among the molecules inside.

        Parameters
        ----------
        given : (n, n_properties) standardised values that are wanted exactly, NaN = none, the same ones in all rows
        lower, upper : (n_properties,) standardised; -inf and inf where there is none
        """
        drawn, rows = given.copy(), np.arange(len(given))
        for j in np.flatnonzero(np.isfinite(lower) | np.isfinite(upper)).tolist():
            log_shares, means, variances = self._property_given(j, drawn)
            std = np.sqrt(variances)[:, None]
            a, b = (lower[j] - means) / std, (upper[j] - means) / std
            log_inside = log_shares + log_normal_mass(a, b)
            chosen = _choose(np.exp(log_inside - logsumexp(log_inside, axis=0)), generator)
            inside = truncnorm.ppf(generator.random(len(rows)), a[chosen, rows], b[chosen, rows])
            drawn[:, j] = np.clip(means[chosen, rows] + std[chosen, 0] * inside, lower[j], upper[j])
        return drawn

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

    def _shares_given(self, fixed: NDArray[np.intp], values: FloatArray) -> FloatArray:
        """Shares of the components given values (n, n_fixed) of some coordinates, (n_components, n)."""
        logs = np.stack(
            [
                np.log(weight) + _condition(mean, covariance, fixed, values, of=fixed[:0])[0]
                for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True)
            ]
        )
        return np.asarray(np.exp(logs - logsumexp(logs, axis=0)))

    def _property_given(self, j: int, drawn: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log shares and means (n_components, n), and variances (n_components,), of a property given others."""
        of = np.array([self.latent + j])
        fixed = self.latent + np.flatnonzero(~np.isnan(drawn).any(0)) if len(drawn) else np.zeros(0, dtype=np.intp)
        found = [
            _condition(mean, covariance, fixed, drawn[:, fixed - self.latent], of=of)
            for mean, covariance in zip(self.means, self.covariances, strict=True)
        ]
        log_shares = np.stack(
            [np.log(w) + log_density for w, (log_density, _, _) in zip(self.weights, found, strict=True)]
        )
        means = np.stack([m[of] + shift[:, 0] for m, (_, shift, _) in zip(self.means, found, strict=True)])
        return log_shares, means, np.array([shrunk[0, 0] for _, _, shrunk in found])


def _condition(
    mean: FloatArray, covariance: FloatArray, fixed: NDArray[np.intp], values: FloatArray, *, of: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A normal distribution given some of its coordinates.

    Parameters
    ----------
    fixed, values : (n_fixed,) coordinates, and (n, n_fixed) what they are
    of : (n_of,) coordinates asked about

    Returns
    -------
    log densities of the values (n,), shifts of the mean (n, n_of), covariance (n_of, n_of)
    """
    own = covariance[np.ix_(of, of)]
    if not len(fixed):
        return np.zeros(len(values)), np.zeros((len(values), len(of))), own
    inner, cross = covariance[np.ix_(fixed, fixed)], covariance[np.ix_(of, fixed)]
    gap = values - mean[fixed]
    factor = cho_factor(inner, lower=True)
    shifts = gap @ cho_solve(factor, cross.T)
    return _log_density(gap, inner), shifts, _symmetric(own - cross @ cho_solve(factor, cross.T))


def _choose(shares: FloatArray, generator: np.random.Generator) -> NDArray[np.intp]:
    """One component for each column of shares (n_components, n), (n,)."""
    cumulative = shares.cumsum(0)
    drawn = generator.random(shares.shape[1]) * cumulative[-1]
    return np.minimum((drawn >= cumulative).sum(0), len(shares) - 1)


def log_normal_mass(a: FloatArray, b: FloatArray) -> FloatArray:
    """Log of a standard normal's mass between limits, good far out in both tails."""
    swap = a > 0
    low, high = np.where(swap, -b, a), np.where(swap, -a, b)
    return np.asarray(log_ndtr(high) + np.log1p(-np.exp(np.minimum(log_ndtr(low) - log_ndtr(high), -1e-300))))


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
