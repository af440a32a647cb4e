"""The ``xtb`` program as an accelerator of geometry optimisations; energies are still computed by tblite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.optimizer import Minimum
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import TbliteSession
from heliosc.qc.xtb.program import XtbExecutor

OPTIMIZATION_TIMEOUT_S = 1_800.0


def optimize_with_xtb(
    session: TbliteSession,
    start: Geometry,
    *,
    bonds: NDArray[np.intp],
    hessian: NDArray[np.float64] | None = None,
    max_steps: int = 300,
) -> Minimum:
    """Minimum by ``xtb --opt``; ``bonds`` and ``hessian`` are not needed by the program.

    Raises
    ------
    HelioscError : no ``xtb`` on PATH, or see ``XtbExecutor.optimize``
    """
    program = XtbExecutor(ProgramSettings("gfn2", "", max_optimization_cycles=max_steps))
    multiplicity = 1 + electron_count(start.symbols, charge=session.charge) % 2
    optimized = program.optimize(
        start, charge=session.charge, multiplicity=multiplicity, timeout_s=OPTIMIZATION_TIMEOUT_S
    )
    session.attempts += optimized.single_point.attempts
    state = session.evaluate(optimized.geometry.positions)
    n_cycles = optimized.n_evaluations or 0
    session.n_evaluations += n_cycles
    norm = float(np.linalg.norm(state.gradient))
    return Minimum(optimized.geometry.positions / BOHR_A, state.energy, norm, None, n_cycles)
