"""xTB methods behind the contract that every quantum-chemistry program shares."""

from __future__ import annotations

import numpy as np

from heliosc.errors import InputError, MissingDependencyError
from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.executors import Excitations, OptimizedGeometry, SinglePoint
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import perceived_bonds
from heliosc.qc.methods import Method
from heliosc.qc.units import BOHR_A
from heliosc.qc.vibrations import Vibrations, vibrations_from_gradients
from heliosc.qc.xtb import response
from heliosc.qc.xtb.engine import ElectronicState, TbliteSession, check_parity
from heliosc.qc.xtb.library import INSTALL_HINT, tblite_version

GFN2 = Method("gfn2")


class SemiEmpiricalExecutor:
    """GFN2-xTB or another xTB method, lowest spin state of each charge, always available in this process.

    Parameters
    ----------
    engine : who optimises geometries, see ``heliosc.qc.engines.ENGINES``
    method : xTB method, in a solvent if it says so

    Raises
    ------
    InputError : unknown engine, no xTB method, or the ``xtb`` engine for anything but GFN2-xTB in the gas phase
    """

    name = "tblite"
    install_hint = INSTALL_HINT

    def __init__(self, engine: str = "auto", *, method: Method = GFN2) -> None:
        if not method.is_xtb:
            raise InputError(f"{method.level()} is no xTB method; expected gfn2, gfn1 or ipea1")
        if engine == "xtb" and method != GFN2:
            raise InputError(f"engine xtb optimises with gfn2 in the gas phase; use engine tblite for {method.level()}")
        self._optimizer = geometry_optimizer(engine)
        self.method = method

    @property
    def level(self) -> str:
        """Level of theory of its single points."""
        return self.method.level()

    def found(self) -> bool:
        """Whether tblite can be loaded."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version of tblite, or ``None``."""
        try:
            return tblite_version()
        except MissingDependencyError:
            return None

    def session(self, symbols: tuple[str, ...], *, charge: int) -> TbliteSession:
        """A session of this method, in the lowest multiplicity."""
        return TbliteSession(
            symbols,
            method=self.method.name,
            charge=charge,
            solvation=self.method.solvation,
            solvent=self.method.solvent,
        )

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy and orbitals; ``timeout_s`` cannot stop a calculation in this process and is left to the worker.

        Raises
        ------
        InputError : wrong parity, higher spin state, or element without parameters
        ConvergenceError : the charges do not converge
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        return self._single_point(session.evaluate(geometry.positions), session=session)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum; bonds are perceived from the start geometry.

        Raises
        ------
        InputError : see ``single_point``
        ConvergenceError : charges or geometry do not converge
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        minimum = self._optimizer(session, geometry, bonds=perceived_bonds(geometry))
        optimized = Geometry(geometry.symbols, np.asarray(minimum.positions * BOHR_A))
        n_evaluations = session.n_evaluations
        single_point = self._single_point(session.evaluate(optimized.positions), session=session)
        return OptimizedGeometry(optimized, single_point, n_evaluations)

    def excitations(self, geometry: Geometry, *, timeout_s: float | None = None) -> Excitations:
        """None: xTB methods have no excited states.

        Raises
        ------
        InputError : always
        """
        raise InputError("xTB methods give no excited states; ask a DFT level, e.g. --level dft-fast")

    def polarizability(self, geometry: Geometry, *, timeout_s: float | None = None) -> float:
        """Isotropic static polarizability, A^3, by finite fields.

        Raises
        ------
        ConvergenceError : the charges do not converge
        """
        session = self.session(geometry.symbols, charge=0)
        return response.polarizability(geometry, session.evaluate(geometry.positions), like=session)

    def frequencies(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> tuple[float, ...]:
        """Harmonic frequencies, cm^-1, by central differences of the gradient.

        Raises
        ------
        ConvergenceError : the charges do not converge
        """
        return self.vibrations(geometry, charge=charge, multiplicity=multiplicity).frequencies_per_cm

    def vibrations(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> Vibrations:
        """Frequencies and the lowest mode.

        Raises
        ------
        ConvergenceError : the charges do not converge
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        session.accuracy = 0.1
        return vibrations_from_gradients(lambda positions: session.evaluate(positions).gradient, geometry)

    def _session(self, geometry: Geometry, *, charge: int, multiplicity: int) -> TbliteSession:
        check_parity(geometry.symbols, charge=charge, multiplicity=multiplicity)
        if multiplicity > 2:
            raise InputError(f"multiplicity {multiplicity} with spin-restricted xTB; expected 1 or 2")
        return self.session(geometry.symbols, charge=charge)

    def _single_point(self, state: ElectronicState, *, session: TbliteSession) -> SinglePoint:
        homo, lumo = response.frontier_orbitals(state)
        return SinglePoint(
            state.energy,
            self.level,
            homo_eV=homo,
            lumo_eV=lumo,
            # an ion's dipole depends on the origin
            dipole_debye=response.dipole_debye(state) if session.charge == 0 else None,
            attempts=tuple(session.attempts),
        )
