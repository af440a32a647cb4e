"""Latent vectors chosen by the property heads."""

from __future__ import annotations

import numpy as np
import torch

from heliosc.generation.jtvae.config import ModelConfig
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.prior import LatentPrior
from heliosc.generation.jtvae.steering import HEAD_ERROR, Steered, Wishes, draw_latents


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
FREE = np.full(2, np.nan)
NO_LIMIT = np.full(2, np.inf)


def drawn(n: int, wishes: Wishes, *, seed: int = 0) -> Steered:
    return draw_latents(PRIOR, network(), n, wishes, generator=np.random.default_rng(seed))


def test_heads_find_what_the_mixture_cannot_tell() -> None:
    z, told = drawn(600, Wishes(np.array([4.0, np.nan]), -NO_LIMIT, NO_LIMIT))
    assert np.median(np.abs(z[:, 0] ** 2 - 4.0)) < 0.8  # an undirected draw is 3.5 off
    assert 0.4 < (z[:, 0] > 0).mean() < 0.6
    assert abs(z[:, 1].mean()) < 0.15  # the free property stays free
    assert 0.85 < z[:, 1].std() < 1.15
    np.testing.assert_array_equal(told, np.tile([4.0, np.nan], (600, 1)))


def test_of_a_window_the_inside_is_chosen_not_its_edge() -> None:
    z, told = drawn(600, Wishes(FREE, np.array([-np.inf, 1.0]), NO_LIMIT))
    assert (z[:, 1] > 1.0 + HEAD_ERROR).mean() > 0.9  # of the prior's own draws inside, half are within .45 of the edge
    np.testing.assert_allclose(told[:, 1], z[:, 1], rtol=1e-6)  # the decoder is told what the heads see
    assert np.isnan(told[:, 0]).all()


def test_of_a_window_with_two_limits_the_middle_is_chosen() -> None:
    z, _ = drawn(600, Wishes(FREE, np.array([-np.inf, -0.5]), np.array([np.inf, 0.5])))
    assert (np.abs(z[:, 1]) < 0.5 - HEAD_ERROR).mean() > 0.9


def test_a_window_out_of_reach_still_draws_towards_it() -> None:
    z, _ = drawn(200, Wishes(FREE, np.array([-np.inf, 60.0]), np.array([np.inf, 61.0])))
    assert z[:, 1].mean() > 1.5


def test_a_value_and_a_window_are_met_together() -> None:
    z, _ = drawn(600, Wishes(np.array([1.0, np.nan]), np.array([-np.inf, 0.5]), NO_LIMIT))
    assert np.median(np.abs(z[:, 0] ** 2 - 1.0)) < 0.5
    assert (z[:, 1] > 0.5).mean() > 0.9


def test_nothing_asked_is_the_prior_itself() -> None:
    free = Wishes(FREE, -NO_LIMIT, NO_LIMIT)
    np.testing.assert_array_equal(drawn(5, free, seed=3).z, PRIOR.sample(5, generator=np.random.default_rng(3)))
    assert drawn(0, free).z.shape == (0, 2)
