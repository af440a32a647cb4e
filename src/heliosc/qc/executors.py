"""What every quantum-chemistry program offers, whoever runs underneath: found, version, single point, optimisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from heliosc.qc.geometries import Geometry
from heliosc.qc.vibrations import Vibrations


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One electronic structure at one geometry; ``None`` = not given by the program.

    Attributes
    ----------
    energy_hartree : total energy
    homo_eV, lumo_eV : frontier orbital energies (the alpha ones of an open shell)
    dipole_debye : norm of the dipole moment; it depends on the origin for ions
    s_squared : <S^2>
    level : level of theory, see ``heliosc.properties.levels``
    attempts : what was tried before it succeeded and why that failed, oldest first; empty = at once
    """

    energy_hartree: float
    level: str
    homo_eV: float | None = None
    lumo_eV: float | None = None
    dipole_debye: float | None = None
    s_squared: float | None = None
    attempts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizedGeometry:
    """A minimum and the single point there.

    Attributes
    ----------
    n_evaluations : gradient evaluations it took; ``None`` = not given by the program
    """

    geometry: Geometry
    single_point: SinglePoint
    n_evaluations: int | None = None


@dataclass(frozen=True, slots=True)
class Excitations:
    """Lowest vertical excitations of a closed-shell ground state.

    Attributes
    ----------
    singlet_eV, oscillator_strength : S1
    triplet_eV : T1; ``None`` = not computed
    level : with its prefix ``tda-`` or ``td-``, e.g. ``tda-b3lyp/def2-svp[pyscf]``
    """

    singlet_eV: float
    oscillator_strength: float
    level: str
    triplet_eV: float | None = None
    attempts: tuple[str, ...] = ()


@runtime_checkable
class QCExecutor(Protocol):
    """A quantum-chemistry program.

    ``charge`` and ``multiplicity`` (2S+1) are always given and their parity against the electron count is checked
    before anything runs. Errors are those of ``heliosc.errors``; a result from a cheaper method is never returned
    in place of the one asked for.
    """

    name: str
    install_hint: str

    def found(self) -> bool:
        """Whether the program can be run here; must neither raise nor take longer than a second or two."""
        ...

    def version(self) -> str | None:
        """Version text, or ``None`` when the program is not found."""
        ...

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy and orbitals at one geometry."""
        ...

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum from a start geometry."""
        ...


@runtime_checkable
class ResponseExecutor(Protocol):
    """A program that also gives response properties of a neutral, closed-shell molecule."""

    def excitations(self, geometry: Geometry, *, timeout_s: float | None = None) -> Excitations:
        """S1 with its oscillator strength, and T1, in the Tamm-Dancoff approximation."""
        ...

    def polarizability(self, geometry: Geometry, *, timeout_s: float | None = None) -> float:
        """Isotropic static polarizability, A^3."""
        ...

    def frequencies(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> tuple[float, ...]:
        """Harmonic frequencies, cm^-1, ascending, imaginary ones negative, without rotation and translation."""
        ...


@runtime_checkable
class VibrationExecutor(Protocol):
    """A program whose normal modes are read too, so that a saddle point can be left."""

    def vibrations(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> Vibrations:
        """Harmonic frequencies and the lowest mode."""
        ...
