"""The executor for PySCF."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from heliosc.qc.executors import Excitations, OptimizedGeometry, SinglePoint
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.pyscf import properties
from heliosc.qc.pyscf.errors import classified_errors
from heliosc.qc.pyscf.input import check_settings, solvent_permittivity
from heliosc.qc.pyscf.library import INSTALL_HINT, load_pyscf, pyscf_version
from heliosc.qc.pyscf.optimization import optimize
from heliosc.qc.pyscf.scf import ScfSession
from heliosc.qc.units import BOHR_A
from heliosc.qc.vibrations import Vibrations


class PySCFExecutor:
    """Density-functional theory (or Hartree-Fock) with density fitting, in this process.

    Neutral and charged, closed and open shells (unrestricted). ``timeout_s`` cannot stop a calculation in this process
    and is left to the worker.

    Parameters
    ----------
    settings : functional, basis, dispersion, grid, solvent and resources

    Raises
    ------
    InputError : free keywords, or a solvent model that PySCF has not

    References
    ----------
    Sun et al., J. Chem. Phys. 2020, 153, 024109. doi:10.1063/5.0006074
    """

    name: ClassVar[str] = "pyscf"
    install_hint: ClassVar[str] = INSTALL_HINT
    default_settings: ClassVar[ProgramSettings] = ProgramSettings(method="b3lyp", basis="def2-svp")

    def __init__(self, settings: ProgramSettings | None = None) -> None:
        self.settings = settings or self.default_settings
        check_settings(self.settings)

    @property
    def level(self) -> str:
        """Level of theory of its single points, e.g. ``b3lyp/def2-svp[pyscf]``."""
        return self.settings.level(self.name)

    def found(self) -> bool:
        """Whether PySCF is installed."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version of PySCF, or ``None``."""
        return pyscf_version()

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy, frontier orbitals, dipole of a neutral, and <S^2>.

        Raises
        ------
        InputError : wrong parity, or a functional, basis or solvent that PySCF does not know
        ConvergenceError : the SCF did not converge on any rung of the ladder
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        return self._single_point(session.converge(geometry.positions), session=session)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum, from a start moved off symmetry by 0.01 A.

        Raises
        ------
        InputError : see ``single_point``
        ConvergenceError : SCF or geometry did not converge
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        minimum = optimize(session, geometry, max_steps=self.settings.max_optimization_cycles)
        n_gradients = session.n_evaluations
        optimized = Geometry(geometry.symbols, np.asarray(minimum.positions * BOHR_A))
        session.check_stability_again()
        point = self._single_point(session.converge(optimized.positions), session=session)
        return OptimizedGeometry(optimized, point, n_gradients)

    def excitations(self, geometry: Geometry, *, timeout_s: float | None = None) -> Excitations:
        """S1 with its oscillator strength, and T1, of a neutral closed shell in the Tamm-Dancoff approximation.

        Raises
        ------
        ConvergenceError : SCF or excitations did not converge
        """
        session, field = self._neutral(geometry)
        with classified_errors(self.level), load_pyscf().lib.with_omp_threads(self.settings.n_cores):
            singlet, strength = properties.lowest_excitation(field, is_singlet=True)
            triplet, _ = properties.lowest_excitation(field, is_singlet=False)
        return Excitations(singlet, strength, f"tda-{self.level}", triplet, tuple(session.attempts))

    def polarizability(self, geometry: Geometry, *, timeout_s: float | None = None) -> float:
        """Isotropic static polarizability of a neutral closed shell, A^3, analytic.

        Raises
        ------
        ConvergenceError : the SCF did not converge
        """
        _, field = self._neutral(geometry)
        with classified_errors(self.level), load_pyscf().lib.with_omp_threads(self.settings.n_cores):
            return properties.polarizability(field)

    def frequencies(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> tuple[float, ...]:
        """Harmonic frequencies, cm^-1, ascending, imaginary ones negative; analytic second derivatives.

        Raises
        ------
        ConvergenceError : the SCF did not converge
        """
        return self.vibrations(geometry, charge=charge, multiplicity=multiplicity).frequencies_per_cm

    def vibrations(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> Vibrations:
        """Frequencies and the lowest mode; analytic second derivatives.

        Raises
        ------
        ConvergenceError : the SCF did not converge
        """
        session = self._session(geometry, charge=charge, multiplicity=multiplicity)
        field = session.converge(geometry.positions)
        with classified_errors(self.level), load_pyscf().lib.with_omp_threads(self.settings.n_cores):
            return properties.vibrations(field)

    def _session(self, geometry: Geometry, *, charge: int, multiplicity: int) -> ScfSession:
        load_pyscf()
        if self.settings.solvation:
            solvent_permittivity(self.settings.solvent)  # refuses an unknown solvent before anything runs
        return ScfSession(Job(geometry, charge, multiplicity), self.settings)

    def _neutral(self, geometry: Geometry) -> tuple[ScfSession, Any]:
        session = self._session(geometry, charge=0, multiplicity=1)
        return session, session.converge(geometry.positions)

    def _single_point(self, field: Any, *, session: ScfSession) -> SinglePoint:
        homo, lumo = properties.frontier_orbitals(field)
        return SinglePoint(
            float(field.e_tot),
            self.level,
            homo_eV=homo,
            lumo_eV=lumo,
            dipole_debye=properties.dipole_debye(field) if session.job.charge == 0 else None,
            s_squared=properties.s_squared(field),
            attempts=tuple(session.attempts),
        )
