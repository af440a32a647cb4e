import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties.intervals import LEVELS, multipliers
from heliosc.surrogates.calibration import (
    KeyCalibration,
    calibrate_key,
    conformal_quantiles,
    fit_variance,
    interval_quantiles,
)
from heliosc.surrogates.metrics import coverage, miscalibration_area


def test_constant_variance_is_the_mean_squared_error():
    errors = np.array([1.0, -2.0, 3.0, 0.0])
    assert fit_variance(errors, np.ones((4, 1))) == pytest.approx([14 / 4], rel=1e-4)


def test_weights_of_a_known_law_are_found():
    rng = np.random.default_rng(0)
    variance = rng.uniform(0.1, 2, 40_000)
    errors = rng.normal(0, np.sqrt(0.2 + 3 * variance))
    weights = fit_variance(errors, np.stack([np.ones_like(variance), variance, rng.uniform(0, 1, 40_000)], axis=1))
    assert weights == pytest.approx([0.2, 3, 0], abs=0.12)


def test_weights_are_never_negative():
    variance = np.linspace(0.1, 1, 50)
    errors = 1.1 - variance  # larger stated variance, smaller error
    weights = fit_variance(errors, np.stack([np.ones(50), variance], axis=1))
    assert weights[1] == 0
    assert weights[0] == pytest.approx((errors**2).mean(), rel=1e-4)


def test_conformal_quantiles_by_hand():
    scores = np.arange(19.0, 0.0, -1.0)  # 19 scores: ceil(20 * 0.9) = 18th, ceil(20 * 0.95) = 19th
    quantiles = dict(zip(LEVELS.round(2).tolist(), conformal_quantiles(scores), strict=True))
    assert (quantiles[0.05], quantiles[0.50], quantiles[0.90], quantiles[0.95]) == (1, 10, 18, 19)
    assert quantiles[0.99] == 19  # no more than the largest is known
    assert quantiles[0.01] == 1


@pytest.mark.parametrize("draw", ["normal", "laplace", "standard_t"])
def test_intervals_cover_new_errors_whatever_their_tails(draw):
    rng = np.random.default_rng(3)
    sample = {
        "normal": lambda n: rng.normal(0, 0.3, n),
        "laplace": lambda n: rng.laplace(0, 0.3, n),
        "standard_t": lambda n: 0.3 * rng.standard_t(3, n),
    }[draw]
    raw = np.full(2_000, 1e-3)  # far too sure of itself
    calibration = calibrate_key(sample(2_000), raw, 0.1 * raw)
    aleatoric, epistemic = calibration.apply(np.full(20_000, 1e-3), np.full(20_000, 1e-4))
    std, new = np.hypot(aleatoric, epistemic), sample(20_000)
    quantiles = interval_quantiles([calibration])
    for level in (0.5, 0.9, 0.95):
        (multiplier,) = multipliers(quantiles, level)
        assert coverage(new, np.zeros(20_000), std, z=multiplier) == pytest.approx(level, abs=0.03)
    assert miscalibration_area(new, np.zeros(20_000), std, quantiles=quantiles[0]) < 0.02


def test_std_is_the_error_to_be_expected():
    rng = np.random.default_rng(1)
    raw = rng.uniform(0.1, 1, 20_000)
    calibration = calibrate_key(rng.laplace(0, np.sqrt(raw), 20_000), raw, np.zeros(20_000))
    aleatoric, _ = calibration.apply(np.array([0.5]), np.zeros(1))
    assert aleatoric == pytest.approx([1.0], rel=0.03)  # the variance of a Laplace distribution is twice its scale^2


def test_far_molecules_are_doubted():
    rng = np.random.default_rng(2)
    distance = rng.uniform(0, 1, 5_000)
    errors = rng.normal(0, np.sqrt(0.01 + distance**2))
    calibration = calibrate_key(errors, np.zeros(5_000), np.zeros(5_000), distance)
    assert calibration.distance == pytest.approx(1.0, rel=0.15)
    _, epistemic = calibration.apply(np.zeros(2), np.zeros(2), np.array([0.1, 3.0]))
    assert epistemic[1] == pytest.approx(30 * epistemic[0])
    _, unknown = calibration.apply(np.zeros(1), np.zeros(1))
    assert unknown == [0.0]


def test_apply_by_hand():
    calibration = KeyCalibration(constant=1.0, aleatoric=3.0, epistemic=4.0, distance=2.0, quantiles=(1.0,) * 99)
    aleatoric, epistemic = calibration.apply(np.array([1.0]), np.array([7.0]), np.array([2.0]))
    assert aleatoric == pytest.approx([2.0])  # sqrt(1 + 3)
    assert epistemic == pytest.approx([6.0])  # sqrt(28 + 2 * 4)


def test_missing_values_do_not_count():
    rng = np.random.default_rng(0)
    errors, raw = rng.normal(size=100), np.full(100, 0.5)
    with_gaps = np.append(errors, [np.nan] * 30)
    padded = np.append(raw, np.full(30, 99.0))
    assert calibrate_key(with_gaps, padded, padded) == calibrate_key(errors, raw, raw)


def test_too_few_values_are_refused():
    with pytest.raises(InputError, match="cannot calibrate"):
        calibrate_key(np.ones(5), np.ones(5), np.ones(5))


def test_copied_values_are_refused():
    with pytest.raises(InputError, match="all zero"):
        calibrate_key(np.zeros(50), np.zeros(50), np.zeros(50))
