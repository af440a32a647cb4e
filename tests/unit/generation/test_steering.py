"""Latent vectors chosen by the property heads."""

from __future__ import annotations

import numpy as np
import torch

from heliosc.generation.jtvae.config import ModelConfig
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.prior import LatentPrior
from heliosc.generation.jtvae.steering import draw_latents


class Square(torch.nn.Module):
    """A property that no straight line tells: the square of the first latent coordinate, and a second one."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.stack([z[:, 0] ** 2, z[:, 1]], 1)


def network() -> Network:
    config = ModelConfig(hidden=8, word_size=4, place_size=4, tree_latent=1, graph_latent=1)
    made = Network(config, n_words=2, n_ports=2, n_sites=2, n_properties=2)
    made.heads = Square()
    return made


PRIOR = LatentPrior(np.ones(1), np.zeros((1, 4)), np.eye(4)[None], latent=2)
"""Knows nothing of the properties."""


def test_heads_find_what_the_mixture_cannot_tell() -> None:
    asked = np.tile([4.0, np.nan], (600, 1))
    z = draw_latents(PRIOR, network(), asked, generator=np.random.default_rng(0))
    assert np.median(np.abs(z[:, 0] ** 2 - 4.0)) < 0.8  # an undirected draw is 3.5 off
    assert 0.4 < (z[:, 0] > 0).mean() < 0.6
    assert abs(z[:, 1].mean()) < 0.15  # the free property stays free
    assert 0.85 < z[:, 1].std() < 1.15


def test_rows_get_what_each_of_them_asks() -> None:
    asked = np.column_stack([np.full(400, np.nan), np.repeat([-1.5, 1.5], 200)])
    z = draw_latents(PRIOR, network(), asked, generator=np.random.default_rng(0))
    assert abs(z[:200, 1].mean() + 1.5) < 0.2
    assert abs(z[200:, 1].mean() - 1.5) < 0.2


def test_nothing_asked_is_the_prior_itself() -> None:
    free = np.full((5, 2), np.nan)
    drawn = draw_latents(PRIOR, network(), free, generator=np.random.default_rng(3))
    np.testing.assert_array_equal(drawn, PRIOR.sample(5, generator=np.random.default_rng(3)))
    assert draw_latents(PRIOR, network(), free[:0], generator=np.random.default_rng(3)).shape == (0, 2)
