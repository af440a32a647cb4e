"""Averages of correlated series against what is known of them; boxes; a few picoseconds of real dynamics."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import CalculationTimeoutError, ConvergenceError, InputError
from heliosc.properties import PropertyKey
from heliosc.qc.condensed.averaging import equilibrium_mean, statistical_inefficiency
from heliosc.qc.condensed.bulk import LEVEL, BulkBox, BulkSettings, OpenmmExecutor, box_size, random_box
from heliosc.qc.condensed.mmff94 import mmff94_terms
from heliosc.qc.geometries import Geometry

FloatArray = NDArray[np.float64]

_ANGLES = np.radians(60.0 * np.arange(6))
BENZENE = Geometry(
    ("C",) * 6 + ("H",) * 6,
    np.array([[r * np.cos(a), r * np.sin(a), 0.0] for r in (1.397, 2.481) for a in _ANGLES]),
)
BENZENE_MOLECULE = Chem.AddHs(Chem.MolFromSmiles("c1ccccc1"))


def _autoregressive(n: int, *, memory: float, seed: int) -> FloatArray:
    """A series of unit variance whose autocorrelation falls as memory^t; its inefficiency is (1 + m) / (1 - m)."""
    noise = np.random.default_rng(seed).normal(size=n)
    series = np.empty(n)
    series[0] = noise[0]
    for i in range(1, n):
        series[i] = memory * series[i - 1] + np.sqrt(1 - memory**2) * noise[i]
    return series


def test_inefficiency_of_a_known_process() -> None:
    assert statistical_inefficiency(_autoregressive(50_000, memory=0.0, seed=1)) == pytest.approx(1.0, abs=0.1)
    assert statistical_inefficiency(_autoregressive(50_000, memory=0.9, seed=1)) == pytest.approx(19.0, rel=0.15)


def test_standard_error_covers_the_truth() -> None:
    # of 200 series the mean must lie within two standard errors in about 95 of 100
    covered = 0
    for seed in range(200):
        mean = equilibrium_mean(3.0 + 0.1 * _autoregressive(1_000, memory=0.8, seed=seed))
        covered += abs(mean.value - 3.0) < 2.0 * mean.standard_error
    assert 0.85 < covered / 200 < 0.99


def test_the_way_to_equilibrium_is_left_out() -> None:
    series = 0.87 + 0.005 * _autoregressive(1_000, memory=0.5, seed=2)
    series[:200] -= np.linspace(0.4, 0.0, 200)
    mean = equilibrium_mean(series)
    assert 120 <= mean.n_discarded <= 300
    assert mean.value == pytest.approx(0.87, abs=0.002)
    assert series.mean() < 0.84  # what an average over everything would have said


@pytest.mark.parametrize("series", [np.linspace(0.3, 0.8, 400), np.full(50, 0.9), np.array([1.0, np.nan] * 50)])
def test_a_drift_a_constant_and_nonsense_give_no_average(series: FloatArray) -> None:
    with pytest.raises(ConvergenceError):
        equilibrium_mean(series)


def test_box_holds_whole_molecules_apart() -> None:
    positions, edge = random_box(BENZENE.positions, 27, rng=np.random.default_rng(0))
    molecules = positions.reshape(27, 12, 3)
    centres = molecules.mean(axis=1)
    assert edge == pytest.approx(3 * (2 * 2.481 + 1.5))
    between = centres[:, None] - centres[None]
    distances = np.linalg.norm(between - edge * np.round(between / edge), axis=-1)  # nearest images
    assert distances[~np.eye(27, dtype=bool)].min() >= edge / 3 - 1e-6
    bonds = np.linalg.norm(molecules[:, 0] - molecules[:, 1], axis=-1)
    assert bonds == pytest.approx(1.397)


def test_size_of_the_box_follows_the_molecule() -> None:
    assert box_size(BENZENE_MOLECULE) == pytest.approx(26**3 / (89.0 / 0.6022), rel=0.05)
    assert box_size(Chem.MolFromSmiles("C" * 60)) == 32


@pytest.mark.parametrize(
    "wrong", [{"time_ps": 0.0}, {"step_fs": 6.0}, {"n_molecules": 1}, {"cutoff_A": -9.0}, {"time_ps": float("nan")}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        BulkSettings(**wrong)  # type: ignore[arg-type]


def test_the_level_says_what_it_is() -> None:
    key = PropertyKey.parse(f"density@{LEVEL}")
    assert key.unit == "g/cm^3"
    assert PropertyKey.parse("density@structure") != key


# ------------------------------------------------------------------ real dynamics, 16 molecules


def test_a_gas_is_pressed_together_and_molecules_stay_whole() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    settings = BulkSettings(n_molecules=16, cutoff_A=5.0)
    box = BulkBox(mmff94_terms(BENZENE_MOLECULE), BENZENE, 16, settings, platform="CPU", seed=3)
    start = box.edge()
    mass_g_cm3 = 16 * 78.114 / 0.602214076
    assert mass_g_cm3 / start**3 < 0.3
    box.press(0.75)
    samples = np.array(box.run(2.0, deadline=time.monotonic() + 300.0))
    assert samples[-1, 0] == pytest.approx(mass_g_cm3 / box.edge() ** 3, rel=1e-3)
    assert (samples[:, 0] > 0.65).all()  # it holds together at 1 bar
    molecules = box.geometry(BENZENE.symbols).positions.reshape(16, 12, 3)
    bonds = np.linalg.norm(molecules[:, :6] - np.roll(molecules[:, :6], 1, axis=1), axis=-1)
    assert bonds == pytest.approx(1.395, abs=0.15)


def test_too_short_a_run_gives_no_density() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    settings = BulkSettings(n_molecules=8, cutoff_A=4.0, time_ps=0.4)
    with pytest.raises(ConvergenceError, match="simulate for longer"):
        OpenmmExecutor().simulate(BENZENE_MOLECULE, BENZENE, settings)


def test_a_box_that_is_too_small_asks_for_more_molecules() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    settings = BulkSettings(n_molecules=2, cutoff_A=9.0, time_ps=10.0)
    with pytest.raises(InputError, match="more molecules"):
        OpenmmExecutor().simulate(BENZENE_MOLECULE, BENZENE, settings)


def test_the_time_limit_ends_a_run() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    with pytest.raises(CalculationTimeoutError, match="time limit"):
        OpenmmExecutor().simulate(BENZENE_MOLECULE, BENZENE, BulkSettings(n_molecules=8, cutoff_A=4.0), timeout_s=0.0)
