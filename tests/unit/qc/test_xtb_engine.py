"""The embedded engine on a molecule of three atoms, and the texts of failures."""

import numpy as np
import pytest

from heliosc.errors import ConvergenceError, InputError, ParseError
from heliosc.qc.engines import ENGINES, geometry_optimizer
from heliosc.qc.executors import QCExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb import engine as engine_module
from heliosc.qc.xtb import library
from heliosc.qc.xtb.engine import TbliteSession, check_parity
from heliosc.qc.xtb.errors import classified_error
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor

ETHYLENE = Geometry(
    ("C", "C", "H", "H", "H", "H"),
    np.array([[0.66, 0, 0], [-0.66, 0, 0], [1.23, 0.92, 0], [1.23, -0.92, 0.1], [-1.23, 0.92, 0], [-1.2, -0.92, 0]]),
)
WATER = Geometry(("O", "H", "H"), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]))


def test_gradient_is_the_derivative_of_the_energy():
    session = TbliteSession(WATER.symbols, accuracy=0.01)
    gradient = session.evaluate(WATER.positions).gradient
    step = np.zeros((3, 3))
    step[1, 1] = 1e-3
    ahead, behind = (session.evaluate(WATER.positions + sign * step).energy for sign in (1, -1))
    assert (ahead - behind) / (2e-3 / BOHR_A) == pytest.approx(gradient[1, 1], abs=1e-5)


def test_wavefunction_reuse_does_not_change_the_energy():
    session = TbliteSession(WATER.symbols)
    session.evaluate(WATER.positions * 1.05)
    fresh = TbliteSession(WATER.symbols).evaluate(WATER.positions).energy
    assert session.evaluate(WATER.positions).energy == pytest.approx(fresh, abs=2e-6)


def test_threads_that_others_have_loaded_do_not_change_the_last_digits():
    """Two threads add up in any order: before, 39 of 40 repetitions of these numbers differed at 1e-13."""
    openmp = library._openmp()
    if openmp is None:
        pytest.skip("this build of tblite has no OpenMP")
    before = openmp.omp_get_max_threads()
    openmp.omp_set_num_threads(2)
    try:
        first, *others = (_ethylene_digits() for _ in range(4))
        assert others == [first] * 3
        assert openmp.omp_get_max_threads() == 2  # torch, which shares the library, keeps its threads
    finally:
        openmp.omp_set_num_threads(before)


def _ethylene_digits() -> tuple[bytes, ...]:
    session = TbliteSession(ETHYLENE.symbols, charge=1)
    states = [session.evaluate(ETHYLENE.positions * scale) for scale in (1.0, 1.01, 0.99, 1.02)]
    return tuple(state.gradient.tobytes() for state in states)


@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 2), (1, 1), (-1, 3), (0, 0), (0, 13)])
def test_wrong_parity_is_refused(charge, multiplicity):
    with pytest.raises(InputError, match="electrons"):
        check_parity(WATER.symbols, charge=charge, multiplicity=multiplicity)


def test_parity_is_checked_by_the_executor_before_anything_runs():
    with pytest.raises(InputError, match="10 electrons"):
        SemiEmpiricalExecutor().single_point(WATER, charge=0, multiplicity=2)


def test_ladder_climbs_until_converged_and_records_it(monkeypatch):
    monkeypatch.setattr(
        engine_module,
        "SCC_LADDER",
        (("two iterations", {"max-iter": 2}), *engine_module.SCC_LADDER[1:]),
    )
    session = TbliteSession(WATER.symbols)
    energy = session.evaluate(WATER.positions).energy
    assert energy == pytest.approx(-5.0703831, abs=2e-6)
    assert session.attempts == ["charge 0: not converged with two iterations"]


def test_exhausted_ladder_is_a_convergence_error(monkeypatch):
    monkeypatch.setattr(engine_module, "SCC_LADDER", (("two iterations", {"max-iter": 2}),))
    with pytest.raises(ConvergenceError, match="did not converge after 1 attempts"):
        TbliteSession(WATER.symbols).evaluate(WATER.positions)


def test_hot_restart_returns_the_room_temperature_energy(monkeypatch):
    monkeypatch.setattr(
        engine_module,
        "SCC_LADDER",
        (("two iterations", {"max-iter": 2}), engine_module.SCC_LADDER[-1]),
    )
    assert TbliteSession(WATER.symbols).evaluate(WATER.positions).energy == pytest.approx(-5.0703831, abs=2e-6)


def test_elements_without_parameters_are_refused():
    with pytest.raises(InputError, match="U"):
        TbliteSession(("U", "O"))


def test_unknown_engine_lists_the_known_ones():
    with pytest.raises(InputError, match=", ".join(ENGINES)):
        geometry_optimizer("gfn3")


def test_executor_keeps_the_contract_and_optimises():
    executor = SemiEmpiricalExecutor()
    assert isinstance(executor, QCExecutor)
    assert executor.found()
    optimized = executor.optimize(WATER, charge=0, multiplicity=1)
    bond = np.linalg.norm(optimized.geometry.positions[0] - optimized.geometry.positions[1])
    assert bond == pytest.approx(0.959, abs=0.003)  # GFN2-xTB water
    assert optimized.single_point.dipole_debye == pytest.approx(2.2, abs=0.15)
    assert executor.single_point(WATER, charge=1, multiplicity=2).dipole_debye is None


@pytest.mark.parametrize(
    ("text", "error_type"),
    [
        ("SCF not converged in 250 cycles", ConvergenceError),
        ("*** FAILED TO CONVERGE GEOMETRY OPTIMIZATION IN 5 CYCLES ***\nnormal termination of xtb", ConvergenceError),
        ("Too close interatomic distances found", InputError),
        ("something new", ParseError),
    ],
)
def test_failure_texts(text, error_type):
    assert type(classified_error(text, program="xtb")) is error_type
