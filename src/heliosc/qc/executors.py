"""What every quantum-chemistry program offers, whoever runs underneath: found, version, single point, optimisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from heliosc.qc.geometries import Geometry


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One electronic structure at one geometry; ``None`` = not given by the program.

    Attributes
    ----------
    energy_hartree : total energy
    homo_eV, lumo_eV : frontier orbital energies (the alpha ones of an open shell)
    dipole_debye : norm of the dipole moment; it depends on the origin for ions
    s_squared : <S^2>
    level : level of theory, as registered in ``heliosc.properties.levels`` or the program's own method line
    """

    energy_hartree: float
    level: str
    homo_eV: float | None = None
    lumo_eV: float | None = None
    dipole_debye: float | None = None
    s_squared: float | None = None


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
