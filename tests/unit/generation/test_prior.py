"""The mixture prior on data with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.generation.jtvae.prior import LatentPrior, fit_prior


def test_conditional_of_a_bivariate_normal() -> None:
    """z and y with correlation 0.8 and unit variances: z | y = 2 has mean 1.6 and variance 0.36."""
    covariance = np.array([[[1.0, 0.8], [0.8, 1.0]]])
    prior = LatentPrior(np.ones(1), np.zeros((1, 2)), covariance, latent=1)
    z = prior.sample(40_000, generator=np.random.default_rng(0), asked=np.array([2.0]))
    assert z.mean() == pytest.approx(1.6, abs=0.02)
    assert z.var() == pytest.approx(0.36, abs=0.02)


def test_condition_chooses_the_component() -> None:
    means = np.array([[-5.0, -1.0], [5.0, 1.0]])
    prior = LatentPrior(np.array([0.5, 0.5]), means, np.tile(0.05 * np.eye(2), (2, 1, 1)), latent=1)
    generator = np.random.default_rng(0)
    assert (prior.sample(500, generator=generator, asked=np.array([1.0])) > 0).all()
    free = prior.sample(500, generator=generator, asked=np.array([np.nan]))
    assert 0.4 < (free > 0).mean() < 0.6


def test_fit_finds_two_clusters() -> None:
    generator = np.random.default_rng(1)
    centres = np.array([[-4.0, 0.0, 1.0], [4.0, 2.0, -1.0]])
    rows = centres[generator.integers(2, size=800)] + 0.3 * generator.standard_normal((800, 3))
    prior = fit_prior(rows[:, :2], np.zeros(2), rows[:, 2:], seed=0)
    assert np.allclose(prior.means[np.argsort(prior.means[:, 0])], centres, atol=0.1)
    assert prior.weights == pytest.approx([0.5, 0.5], abs=0.06)


def test_steps_have_the_spread_within_components() -> None:
    covariance = np.tile(np.diag([4.0, 0.25]), (2, 1, 1))
    prior = LatentPrior(np.array([0.5, 0.5]), np.array([[-9.0, 0], [9.0, 0]]), covariance, latent=2)
    steps = prior.steps(20_000, generator=np.random.default_rng(0))
    assert steps.std(0) == pytest.approx([2.0, 0.5], rel=0.03)


def test_weights_count_like_repeats() -> None:
    generator = np.random.default_rng(2)
    rows = generator.standard_normal((60, 2))
    times = generator.integers(1, 4, size=60)
    weighted = fit_prior(rows[:, :1], np.zeros(1), rows[:, 1:], seed=0, weights=times.astype(float))
    repeated = np.repeat(rows, times, axis=0)
    plain = fit_prior(repeated[:, :1], np.zeros(1), repeated[:, 1:], seed=0)
    np.testing.assert_allclose(weighted.means, plain.means)
    np.testing.assert_allclose(weighted.covariances, plain.covariances, rtol=1e-6)


def test_mixing_keeps_shares_and_drops_faded_components() -> None:
    def gaussian(weights: list[float], at: float) -> LatentPrior:
        n = len(weights)
        return LatentPrior(np.array(weights), np.full((n, 1), at), np.ones((n, 1, 1)), latent=1)

    mixed = gaussian([0.998, 0.002], 0.0).mixed_with(gaussian([1.0], 7.0), 0.25)
    assert mixed.means.ravel().tolist() == [0.0, 7.0]
    assert mixed.weights == pytest.approx([0.75, 0.25], abs=0.002)


def test_density_of_a_mixture_by_hand() -> None:
    """Half of N(0, 1) and half of N(2, 4) at 1, beside a property that does not count."""
    covariances = np.stack([np.diag([1.0, 9.0]), np.diag([4.0, 9.0])])
    prior = LatentPrior(np.array([0.5, 0.5]), np.array([[0.0, 5.0], [2.0, 5.0]]), covariances, 1)
    expected = 0.5 * np.exp(-0.5) / np.sqrt(2 * np.pi) + 0.5 * np.exp(-0.125) / (2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(np.exp(prior.log_density(np.array([[1.0]]))), [expected])


def test_values_in_a_window_are_those_of_the_cut_normal() -> None:
    """N(0, 1) above 1 has mean phi(1) / (1 - Phi(1)) = 1.5251; far out, above 40, nearly 40 + 1/40."""
    covariance = np.array([[[1.0, 0.8], [0.8, 1.0]]])
    prior = LatentPrior(np.ones(1), np.zeros((1, 2)), covariance, latent=1)
    generator = np.random.default_rng(0)
    free = np.full((40_000, 1), np.nan)
    drawn = prior.draw_properties(free, np.array([1.0]), np.array([np.inf]), generator=generator)
    assert drawn.min() >= 1.0
    assert drawn.mean() == pytest.approx(1.5251, abs=0.01)
    z = prior.sample(40_000, generator=generator, asked=drawn)
    assert z.mean() == pytest.approx(0.8 * 1.5251, abs=0.02)
    far = prior.draw_properties(free[:200], np.array([40.0]), np.array([np.inf]), generator=generator)
    assert far.mean() == pytest.approx(40.025, abs=0.01)
    below = prior.draw_properties(free[:200], np.array([-np.inf]), np.array([-40.0]), generator=generator)
    assert below.mean() == pytest.approx(-40.025, abs=0.01)


def test_window_chooses_components_and_respects_what_is_given() -> None:
    """Two properties that agree within a component: given the first, the second is drawn from the same one."""
    means = np.array([[0.0, -3.0, -3.0], [0.0, 3.0, 3.0]])
    prior = LatentPrior(np.array([0.5, 0.5]), means, np.tile(0.04 * np.eye(3), (2, 1, 1)), latent=1)
    given = np.tile([3.0, np.nan], (500, 1))
    drawn = prior.draw_properties(
        given, np.full(2, -np.inf), np.array([np.inf, 9.0]), generator=np.random.default_rng(0)
    )
    assert (drawn[:, 0] == 3.0).all()
    assert drawn[:, 1].mean() == pytest.approx(3.0, abs=0.05)
    untouched = prior.draw_properties(
        given, np.full(2, -np.inf), np.full(2, np.inf), generator=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(untouched, given)


def test_rows_with_values_of_their_own() -> None:
    covariance = np.array([[[1.0, 0.99], [0.99, 1.0]]])
    prior = LatentPrior(np.ones(1), np.zeros((1, 2)), covariance, latent=1)
    asked = np.array([[-3.0], [0.0], [3.0]])
    z = prior.sample(3, generator=np.random.default_rng(0), asked=asked)
    np.testing.assert_allclose(z[:, 0], 0.99 * asked[:, 0], atol=0.6)
