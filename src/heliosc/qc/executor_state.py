"""A charge state computed by any executor, as the four-point scheme wants it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import CalculationTimeoutError
from heliosc.qc.executors import QCExecutor, SinglePoint
from heliosc.qc.geometries import Geometry
from heliosc.qc.optimizer import Minimum
from heliosc.qc.units import BOHR_A
from heliosc.qc.vertical import lowest_multiplicity


@dataclass(slots=True)
class Deadline:
    """When a calculation of several steps must have ended; ``None`` = never."""

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        return cls(None if seconds is None else time.monotonic() + seconds)

    def remaining_s(self) -> float | None:
        """Seconds left.

        Raises
        ------
        CalculationTimeoutError : none are
        """
        if self.at is None:
            return None
        left = self.at - time.monotonic()
        if left <= 0.0:
            raise CalculationTimeoutError("the time limit passed between two steps; raise timeout_s")
        return left


@dataclass(slots=True)
class ExecutorState:
    """One charge state in its lowest multiplicity, see ``heliosc.qc.charge_states.ChargeState``.

    Every single point is kept, so that nothing is computed twice.
    """

    executor: QCExecutor
    name: str
    charge: int
    deadline: Deadline
    attempts: list[str] = field(default_factory=list)
    n_evaluations: int = 0
    _points: dict[bytes, SinglePoint] = field(default_factory=dict)

    def point(self, geometry: Geometry) -> SinglePoint:
        """Single point."""
        known = self._points.get(geometry.positions.tobytes())
        if known is not None:
            return known
        point = self.executor.single_point(
            geometry,
            charge=self.charge,
            multiplicity=lowest_multiplicity(geometry.symbols, charge=self.charge),
            timeout_s=self.deadline.remaining_s(),
        )
        self.n_evaluations += 1
        return self._keep(geometry, point)

    def energy(self, geometry: Geometry) -> float:
        """Energy, Eh."""
        return self.point(geometry).energy_hartree

    def minimum(
        self, begin: Geometry, *, bonds: NDArray[np.intp], hessian: NDArray[np.float64] | None, max_steps: int
    ) -> Minimum:
        """Nearest minimum by the executor's own optimiser, which takes neither ``bonds`` nor ``hessian``."""
        optimized = self.executor.optimize(
            begin,
            charge=self.charge,
            multiplicity=lowest_multiplicity(begin.symbols, charge=self.charge),
            timeout_s=self.deadline.remaining_s(),
        )
        n_evaluations = optimized.n_evaluations or 0
        self.n_evaluations += n_evaluations
        positions = optimized.geometry.positions / BOHR_A
        final = Geometry(begin.symbols, positions * BOHR_A)  # exactly as it will be asked for again
        point = self._keep(final, optimized.single_point)
        return Minimum(positions, point.energy_hartree, float("nan"), None, n_evaluations)

    def _keep(self, geometry: Geometry, point: SinglePoint) -> SinglePoint:
        self.attempts += [f"{self.name}: {attempt}" for attempt in point.attempts]
        self._points[geometry.positions.tobytes()] = point
        return point
