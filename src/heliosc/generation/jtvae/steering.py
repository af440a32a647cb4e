"""Latent vectors for properties that are asked for: the prior proposes several, the property heads choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.prior import LatentPrior, log_normal_mass

FloatArray = NDArray[np.float64]

CANDIDATES = 32
"""Draws for each latent vector used. Of the shipped model's samples asked for the best tenth of lambda_hole 12 %
are there with 1 draw, 19 % with 8, 22 % with 32, and 5 % unasked; as many are distinct and new with each."""
HEAD_ERROR = 0.35
"""Standard deviation of the heads' error on molecules they do not know, in standard deviations of the property."""
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Wishes:
    """Standardised property values asked for.

    Attributes
    ----------
    values : (n_properties,) wanted exactly, NaN = free
    lower, upper : (n_properties,) limits of windows; -inf and inf where there is none
    """

    values: FloatArray
    lower: FloatArray
    upper: FloatArray

    @property
    def is_windowed(self) -> NDArray[np.bool_]:
        """(n_properties,)"""
        return np.isfinite(self.lower) | np.isfinite(self.upper)


class Steered(NamedTuple):
    """What the decoder starts from.

    Attributes
    ----------
    z : (n, latent)
    told : (n, n_properties) standardised values that the decoder is told, NaN = none
    """

    z: FloatArray
    told: FloatArray


def draw_latents(
    prior: LatentPrior, network: Network, n: int, wishes: Wishes, *, generator: np.random.Generator
) -> Steered:
    """Latent vectors of the prior given the properties.

    The mixture knows only linear relations between z and a property within a component; so each row is the one of
    ``CANDIDATES`` draws for which the heads promise most: the value asked for, or to be inside the window even if they
    err. Molecules just inside by the heads' word are outside as often as not, and most of a population lies there.
    """
    is_windowed = wishes.is_windowed
    if not n or not (is_windowed.any() or np.isfinite(wishes.values).any()):
        return Steered(prior.sample(n, generator=generator), np.tile(wishes.values, (n, 1)))
    sizes = [min(_BLOCK, n - start) for start in range(0, n, _BLOCK)]
    blocks = [_most_promising(prior, network, size, wishes, generator) for size in sizes]
    return Steered(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _most_promising(
    prior: LatentPrior, network: Network, n: int, wishes: Wishes, generator: np.random.Generator
) -> Steered:
    exact = np.tile(wishes.values, (n, 1))
    asked = np.repeat(prior.draw_properties(exact, wishes.lower, wishes.upper, generator=generator), CANDIDATES, axis=0)
    z = prior.sample(len(asked), generator=generator, asked=asked)
    rows = torch.from_numpy(z).float().to(network.tables.words.weight.device)
    with torch.no_grad():
        predicted = network.predict(rows).double().cpu().numpy()
    best = np.arange(n) * CANDIDATES + _promise(predicted, wishes).reshape(n, CANDIDATES).argmax(1)
    return Steered(z[best], np.where(wishes.is_windowed, predicted[best], exact))


def _promise(predicted: FloatArray, wishes: Wishes) -> FloatArray:
    """Log probability density, up to a constant, that the wishes come true given what the heads predict, (n,)."""
    gaps = np.nan_to_num(predicted - wishes.values) / HEAD_ERROR
    lower, upper = ((limit - predicted) / HEAD_ERROR for limit in (wishes.lower, wishes.upper))
    promise: FloatArray = (log_normal_mass(lower, upper) - 0.5 * gaps**2).sum(1)
    return promise
