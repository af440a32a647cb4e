"""GFN2-xTB behind the contract that every quantum-chemistry program shares."""

from __future__ import annotations

import numpy as np

from heliosc.errors import InputError, MissingDependencyError
from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.executors import OptimizedGeometry, SinglePoint
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import perceived_bonds
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import ElectronicState, TbliteSession, check_parity
from heliosc.qc.xtb.library import INSTALL_HINT, tblite_version
from heliosc.qc.xtb.response import dipole_debye, frontier_orbitals


class SemiEmpiricalExecutor:
    """GFN2-xTB, lowest spin state of each charge, always available in this process.

    Parameters
    ----------
    engine : who optimises geometries, see ``heliosc.qc.engines.ENGINES``

    Raises
    ------
    InputError : unknown engine
    """

    name = "tblite"
    install_hint = INSTALL_HINT

    def __init__(self, engine: str = "auto") -> None:
        self._optimizer = geometry_optimizer(engine)

    def found(self) -> bool:
        """Whether tblite can be loaded."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version of tblite, or ``None``."""
        try:
            return tblite_version()
        except MissingDependencyError:
            return None

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy and orbitals; ``timeout_s`` cannot stop a calculation in this process and is left to the worker.

        Raises
        ------
        InputError : wrong parity, higher spin state, or element without parameters
        ConvergenceError : the charges do not converge
        """
        session = _session(geometry, charge=charge, multiplicity=multiplicity)
        return _single_point(session.evaluate(geometry.positions), charge=charge)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum; bonds are perceived from the start geometry.

        Raises
        ------
        InputError : see ``single_point``
        ConvergenceError : charges or geometry do not converge
        """
        session = _session(geometry, charge=charge, multiplicity=multiplicity)
        minimum = self._optimizer(session, geometry, bonds=perceived_bonds(geometry))
        optimized = Geometry(geometry.symbols, np.asarray(minimum.positions * BOHR_A))
        n_evaluations = session.n_evaluations
        single_point = _single_point(session.evaluate(optimized.positions), charge=charge)
        return OptimizedGeometry(optimized, single_point, n_evaluations)


def _session(geometry: Geometry, *, charge: int, multiplicity: int) -> TbliteSession:
    check_parity(geometry.symbols, charge=charge, multiplicity=multiplicity)
    if multiplicity > 2:
        raise InputError(f"multiplicity {multiplicity} with spin-restricted GFN2-xTB; expected 1 or 2")
    return TbliteSession(geometry.symbols, charge=charge)


def _single_point(state: ElectronicState, *, charge: int) -> SinglePoint:
    homo, lumo = frontier_orbitals(state)
    dipole = dipole_debye(state) if charge == 0 else None  # an ion's depends on the origin
    return SinglePoint(state.energy, "gfn2", homo_eV=homo, lumo_eV=lumo, dipole_debye=dipole)
