"""The real xtb: GFN-FF relaxation of a dimer, and a short run of a cluster."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.errors import CalculationTimeoutError, HelioscError
from heliosc.qc.condensed.clusters import random_cluster, simulate_cluster
from heliosc.qc.condensed.force_field import DynamicsSettings, GfnffExecutor
from heliosc.qc.condensed.stacking import stacked_dimers
from heliosc.qc.condensed.tasks import cluster
from heliosc.qc.geometries import Geometry
from heliosc.qc.results import calculation_result

pytestmark = pytest.mark.program

_ANGLES = np.radians(60.0 * np.arange(6))
BENZENE = Geometry(
    ("C",) * 6 + ("H",) * 6,
    np.array([[r * np.cos(a), r * np.sin(a), 0.0] for r in (1.397, 2.481) for a in _ANGLES]),
)


@pytest.fixture(autouse=True)
def _needs_xtb() -> None:
    if not GfnffExecutor().found():
        pytest.skip("xtb is not installed: apt-get install xtb")


def test_benzene_dimers_after_full_relaxation() -> None:
    best = stacked_dimers(BENZENE, range(6), engine="gfnff")[0]
    assert best.level == "gfn2//gfnff"
    assert -0.19 < best.interaction_energy < -0.10  # eV; CCSD(T) -0.118, GFN2 binds too firmly
    assert best.contact_share > 0.5


def test_a_short_run_of_six_benzenes() -> None:
    result = simulate_cluster(BENZENE, range(6), n_molecules=6, settings=DynamicsSettings(time_ps=1.0, frame_fs=50.0))
    # bound, and less than the solid's sublimation enthalpy of 0.46 eV (44.4 kJ/mol, NIST)
    assert 0.05 < result.cohesive_energy < 0.46
    assert 0.0 <= result.order_parameter <= 1.0
    assert result.n_frames == 20
    assert result.last.symbols == BENZENE.symbols * 6


def test_the_time_limit_ends_the_program() -> None:
    start = random_cluster(BENZENE, 8, rng=np.random.default_rng(0))
    with pytest.raises(CalculationTimeoutError):
        GfnffExecutor().anneal(start, DynamicsSettings(time_ps=1000.0), timeout_s=1.0)


def test_overlapping_molecules_are_an_error_and_no_result() -> None:
    overlapping = Geometry(BENZENE.symbols * 2, np.vstack([BENZENE.positions, BENZENE.positions + 1e-6]))
    with pytest.raises(HelioscError):
        GfnffExecutor().optimize(overlapping, timeout_s=60.0)


def test_the_cluster_task_gives_named_values() -> None:
    outcome = cluster({"smiles": "c1ccsc1", "n_molecules": 4, "time_ps": 0.5})
    values = {str(key): value for key, value in calculation_result(outcome).values.items()}
    assert 0.03 < values["cohesive_energy@gfnff"] < 0.5
    assert 0.0 <= values["stacking_order@gfnff"] <= 1.0
