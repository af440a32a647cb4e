"""An xTB charge state as the four-point scheme wants it: energies and minima, orbitals and Hessians reused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.geometries import Geometry
from heliosc.qc.optimizer import Minimum
from heliosc.qc.xtb.engine import TbliteSession

FloatArray = NDArray[np.float64]


class XtbState:
    """One charge state, see ``heliosc.qc.charge_states.ChargeState``.

    Parameters
    ----------
    engine : who optimises, see ``heliosc.qc.engines.ENGINES``

    Raises
    ------
    InputError : unknown engine
    """

    def __init__(self, session: TbliteSession, engine: str = "auto") -> None:
        self.session = session
        self._optimizer = geometry_optimizer(engine)

    @property
    def attempts(self) -> list[str]:
        return self.session.attempts

    @property
    def n_evaluations(self) -> int:
        return self.session.n_evaluations

    def energy(self, geometry: Geometry) -> float:
        """Energy, Eh."""
        return self.session.evaluate(geometry.positions).energy

    def minimum(
        self, begin: Geometry, *, bonds: NDArray[np.intp], hessian: FloatArray | None, max_steps: int
    ) -> Minimum:
        """Nearest minimum.

        Raises
        ------
        ConvergenceError : charges or geometry do not converge
        """
        return self._optimizer(self.session, begin, bonds=bonds, hessian=hessian, max_steps=max_steps)
