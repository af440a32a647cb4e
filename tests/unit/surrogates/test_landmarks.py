"""Distance to what was learnt from."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.surrogates.landmarks import N_LANDMARKS, Landmarks


def test_distances_by_hand() -> None:
    learnt = np.array(
        [[0.0, 10.0, 7.0], [2.0, 30.0, 7.0]], dtype=np.float32
    )  # means 1, 20; spreads 1, 10; one constant
    landmarks = Landmarks.fit(learnt, seed=0)
    distances = landmarks.distances(np.array([[0.0, 10.0, 7.0], [2.0, 60.0, 7.0], [1.0, 20.0, 99.0]], dtype=np.float32))
    assert distances == pytest.approx([0.0, 3.0, np.sqrt(2)], abs=1e-6)  # what never varied says nothing


def test_one_is_the_distance_of_99_of_100_held_out_molecules() -> None:
    rng = np.random.default_rng(0)
    learnt, held_out = rng.normal(size=(400, 5)).astype(np.float32), rng.normal(size=(2000, 5)).astype(np.float32)
    landmarks = Landmarks.fit(learnt, seed=0).calibrated(held_out)
    assert np.mean(landmarks.distances(held_out) > 1) == pytest.approx(0.01, abs=0.001)


def test_many_molecules_are_represented_by_few_points() -> None:
    rng = np.random.default_rng(0)
    learnt = rng.normal(size=(3000, 4)).astype(np.float32)
    landmarks = Landmarks.fit(learnt, seed=1)
    assert landmarks.points.shape == (N_LANDMARKS, 4)
    np.testing.assert_array_equal(landmarks.points, Landmarks.fit(learnt, seed=1).points)
    spacing = np.median(np.linalg.norm(learnt[:300, None] - learnt[None, 300:], axis=2).min(axis=1))
    assert np.median(landmarks.distances(learnt)) < 3 * spacing


def test_a_number_that_hardly_varied_does_not_decide() -> None:
    rng = np.random.default_rng(0)
    learnt = rng.normal(size=(400, 5)).astype(np.float32)
    learnt[:, 4] *= 1e-5  # a unit that is dead for nearly all molecules
    landmarks = Landmarks.fit(learnt, seed=0)
    usual = learnt[:1].copy()
    awake = usual.copy()
    awake[0, 4] = 1.0  # as large as the others usually are: ten of their spreads, not a hundred thousand
    assert landmarks.distances(awake)[0] == pytest.approx(10, rel=0.2)
