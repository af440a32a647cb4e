"""Vertical ionisation energy and electron affinity from three single points at one geometry, with any program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.properties.levels import ionization_shift
from heliosc.qc.executors import QCExecutor, SinglePoint
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.units import HARTREE_EV

MAX_SPIN_CONTAMINATION = 0.1


@dataclass(frozen=True, slots=True)
class VerticalEnergies:
    """Vertical IE and EA of a neutral molecule.

    Attributes
    ----------
    vertical_ionization_energy : E+(R0) - E0(R0) less the shift, eV
    vertical_electron_affinity : E0(R0) - E-(R0) less the shift, eV; positive for a bound anion
    level : ``single points//geometry``
    shift_eV : subtracted from both: the published shift for xTB methods, zero otherwise
    flags : charge states with spin contamination
    """

    vertical_ionization_energy: float
    vertical_electron_affinity: float
    level: str
    shift_eV: float
    neutral: SinglePoint
    cation: SinglePoint
    anion: SinglePoint
    flags: tuple[str, ...]


def vertical_energies(
    executor: QCExecutor, geometry: Geometry, *, geometry_level: str, timeout_s: float | None = None
) -> VerticalEnergies:
    """Three single points at the neutral's geometry, each in the lowest multiplicity of its electron count.

    Parameters
    ----------
    geometry_level : level of theory at which the geometry was optimised
    timeout_s : limit of each single point

    Raises
    ------
    HelioscError : as the program's single points

    References
    ----------
    Neugebauer et al., J. Phys. Chem. A 2020, 124, 7166 (shift of xTB methods). doi:10.1021/acs.jpca.0c05052
    """
    points = {
        charge: executor.single_point(
            geometry,
            charge=charge,
            multiplicity=lowest_multiplicity(geometry.symbols, charge=charge),
            timeout_s=timeout_s,
        )
        for charge in (0, 1, -1)
    }
    neutral, cation, anion = points[0], points[1], points[-1]
    shift = ionization_shift(neutral.level)
    return VerticalEnergies(
        vertical_ionization_energy=(cation.energy_hartree - neutral.energy_hartree) * HARTREE_EV - shift,
        vertical_electron_affinity=(neutral.energy_hartree - anion.energy_hartree) * HARTREE_EV - shift,
        level=neutral.level if neutral.level == geometry_level else f"{neutral.level}//{geometry_level}",
        shift_eV=shift,
        neutral=neutral,
        cation=cation,
        anion=anion,
        flags=tuple(
            f"spin contamination of the {state}"
            for state, charge in (("neutral", 0), ("cation", 1), ("anion", -1))
            if is_spin_contaminated(points[charge], multiplicity=lowest_multiplicity(geometry.symbols, charge=charge))
        ),
    )


def lowest_multiplicity(symbols: Sequence[str], *, charge: int) -> int:
    """1 for an even number of electrons, 2 for an odd one."""
    return 1 + electron_count(symbols, charge=charge) % 2


def is_spin_contaminated(point: SinglePoint, *, multiplicity: int) -> bool:
    """Whether <S^2> is off S(S+1) by more than 0.1."""
    spin = (multiplicity - 1) / 2
    return point.s_squared is not None and abs(point.s_squared - spin * (spin + 1)) > MAX_SPIN_CONTAMINATION
