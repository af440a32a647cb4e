"""Bayesian optimisation in latent space, by BoTorch.

A Gaussian process learns the score over whitened latent vectors; each round the points of highest expected improvement
among many near the best so far and some from the prior are decoded and scored. The region near the best grows after a
round that improved on it and shrinks after one that did not. Points are proposed so that they stay where the training
molecules are: elsewhere decoder and surrogate ramble, and the search would find only their errors.

References
----------
Gomez-Bombarelli et al., ACS Cent. Sci. 2018, 4, 268, 10.1021/acscentsci.7b00572 (optimisation in latent space).
Eriksson et al., NeurIPS 2019, arXiv:1910.01739 (trust regions).
Cotter, Roberts, Stuart, White, Stat. Sci. 2013, 28, 424, 10.1214/13-STS421 (steps that keep a Gaussian, eq. 4.6).
Ament et al., NeurIPS 2023, arXiv:2310.20708 (log expected improvement).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.errors import InputError, MissingDependencyError
from heliosc.generation.jtvae.generator import JTVAE
from heliosc.generation.latent.whitening import Whitening
from heliosc.generation.protocol import PropertyModel
from heliosc.properties import PropertyKey

FloatArray = NDArray[np.float64]
Score = Callable[[Sequence[str]], FloatArray]
"""Scores of molecules, (n,), to be maximised; NaN = unknown."""

GROWTH = 1.5
MIN_RADIUS, MAX_RADIUS = 0.1, 1.0
MIN_FITTED = 4
"""Scored molecules that a first fit needs."""


class Scored(NamedTuple):
    """A molecule with its score, and the round in which it was found (0 = the start)."""

    smiles: str
    score: float
    round: int


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How the search goes.

    Attributes
    ----------
    n_rounds, batch_size : rounds, and points decoded and scored in each
    radius : r of the steps x = sqrt(1 - r^2) best + r noise in whitened coordinates; 1 forgets the best
    n_candidates : points among which each batch is chosen
    prior_share : share of these drawn from the prior instead
    max_fitted : best scored molecules that the Gaussian process is fitted to
    """

    n_rounds: int = 10
    batch_size: int = 8
    radius: float = 0.5
    n_candidates: int = 512
    prior_share: float = 0.25
    max_fitted: int = 400


def weighted_score(model: PropertyModel, weights: Mapping[PropertyKey, float]) -> Score:
    """The weighted sum of what a surrogate predicts, in the units of the properties; negative weights lower one.

    It is unknown (NaN) for molecules that the surrogate says are unlike what it learnt from.
    """

    def score(smiles: Sequence[str]) -> FloatArray:
        table = model.predict(smiles)
        columns = [table.mean[:, table.keys.index(key)] * weight for key, weight in weights.items()]
        total: FloatArray = np.stack(columns).sum(0)
        return total if table.domain_distance is None else np.where(table.is_outside_domain, np.nan, total)

    return score


def optimise(
    model: JTVAE, score: Score, *, start: Sequence[str], seed: int, settings: SearchSettings | None = None
) -> list[Scored]:
    """Search for molecules of high score; all distinct ones that were scored, best first.

    Parameters
    ----------
    score : any function of molecules, such as ``weighted_score`` of a surrogate; called once a molecule
    start : molecules from which the search learns first, at least ``MIN_FITTED``

    Raises
    ------
    InputError : too few starting molecules that can be encoded and scored
    MissingDependencyError : BoTorch is not installed
    """
    _require_botorch()
    settings = settings or SearchSettings()
    search = _Search(model, score, settings, np.random.default_rng(seed))
    search.begin(start)
    for number in range(1, settings.n_rounds + 1):
        search.advance(number, seed=seed)
    return sorted(search.found.values(), key=lambda scored: -scored.score)


class _Search:
    """State of one search: every scored point, in whitened coordinates."""

    def __init__(self, model: JTVAE, score: Score, settings: SearchSettings, rng: np.random.Generator) -> None:
        self._model, self._score, self._settings, self._rng = model, score, settings, rng
        self._whitening = Whitening.of(model.prior)
        self._radius = settings.radius
        self._points = np.zeros((0, model.config.model.latent))
        self._values = np.zeros(0)
        self.found: dict[str, Scored] = {}

    def begin(self, start: Sequence[str]) -> None:
        covered = [text for text, known in zip(start, self._model.covers(start), strict=True) if known]
        points = self._whitening.whiten(self._model.encode(covered)) if covered else self._points
        self._learn(points, covered, 0)
        if len(self._values) < MIN_FITTED:
            raise InputError(
                f"{len(self._values)} of {len(start)} starting molecules can be encoded and scored; "
                f"expected at least {MIN_FITTED}"
            )

    def advance(self, number: int, *, seed: int) -> None:
        """One round: choose, decode, score, learn."""
        best = self._values.max()
        kept = np.argsort(-self._values, kind="stable")[: self._settings.max_fitted]
        chosen = _most_promising(
            self._points[kept], self._values[kept], self._candidates(), self._settings.batch_size, seed=seed + number
        )
        decoded = self._model.decode(self._whitening.restore(chosen))
        legal = [index for index, text in enumerate(decoded) if text is not None]
        self._learn(chosen[legal], [str(decoded[index]) for index in legal], number)
        factor = GROWTH if self._values.max() > best else 1 / GROWTH
        self._radius = float(np.clip(self._radius * factor, MIN_RADIUS, MAX_RADIUS))

    def _candidates(self) -> FloatArray:
        """Points near the best, the half of them that the prior holds likelier, and points of the prior."""
        n_prior = round(self._settings.prior_share * self._settings.n_candidates)
        n_near = self._settings.n_candidates - n_prior
        noise = self._rng.standard_normal((2 * n_near, self._points.shape[1]))
        near = np.sqrt(1 - self._radius**2) * self._points[self._values.argmax()] + self._radius * noise
        likeliness = self._model.prior.log_density(self._whitening.restore(near))
        near = near[np.argsort(-likeliness, kind="stable")[:n_near]]
        far = self._whitening.whiten(self._model.prior.sample(n_prior, generator=self._rng))
        return np.concatenate([near, far])

    def _learn(self, points: FloatArray, smiles: Sequence[str], number: int) -> None:
        """Score new molecules; points that decode to a known one teach its score again."""
        new = [text for text in dict.fromkeys(smiles) if text not in self.found]
        for text, value in zip(new, self._score(new) if new else (), strict=True):
            if np.isfinite(value):
                self.found[text] = Scored(text, float(value), number)
        scored = [index for index, text in enumerate(smiles) if text in self.found]
        values = [self.found[smiles[index]].score for index in scored]
        self._points = np.concatenate([self._points, points[scored]])
        self._values = np.concatenate([self._values, values])


def _most_promising(points: FloatArray, values: FloatArray, candidates: FloatArray, n: int, *, seed: int) -> FloatArray:
    """The batch of highest expected improvement, chosen one after another, (n, latent)."""
    from botorch.acquisition.logei import qLogExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.optim.optimize import optimize_acqf_discrete
    from botorch.sampling.normal import SobolQMCNormalSampler
    from gpytorch.mlls import ExactMarginalLogLikelihood

    low, high = (bound(np.concatenate([points, candidates]), axis=0) for bound in (np.min, np.max))
    x = torch.from_numpy((points - low) / (high - low))  # BoTorch's length scales are meant for the unit cube
    scale = values.std(ddof=1) or 1.0
    y = torch.from_numpy((values - values.mean()) / scale)[:, None]
    process = SingleTaskGP(x, y, outcome_transform=None)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(process.likelihood, process))
    sampler = SobolQMCNormalSampler(torch.Size([64]), seed=seed)
    acquisition = qLogExpectedImprovement(process, best_f=y.max(), sampler=sampler)
    choices = torch.from_numpy((candidates - low) / (high - low))
    chosen, _ = optimize_acqf_discrete(acquisition, q=n, choices=choices)
    return chosen.numpy() * (high - low) + low


def _require_botorch() -> None:
    try:
        import botorch  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "Bayesian optimisation in latent space needs BoTorch; install it: pip install 'heliosc[bo]'"
        ) from error
