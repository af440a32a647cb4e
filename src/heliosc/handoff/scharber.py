"""Scharber's model of a bulk heterojunction: context for a reader, never a gate.

Voc = |HOMO_D| - |LUMO_A| - 0.3 V, FF and EQE are 0.65, every photon above the gap counts. The solar spectrum is the
AM1.5G table of ASTM G173 that comes with pvlib.

References
----------
Scharber et al., Adv. Mater. 2006, 18, 789, 10.1002/adma.200501717.
ASTM G173-03, Standard Tables for Reference Solar Spectral Irradiances.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError, MissingDependencyError
from heliosc.selection.pairs import VOLTAGE_LOSS_V

FILL_FACTOR = 0.65
QUANTUM_EFFICIENCY = 0.65
LEAST_LUMO_OFFSET_EV = 0.3
INCIDENT_MW_CM2 = 100.0
HC_EV_NM = 1239.841984  # CODATA 2018
ELEMENTARY_CHARGE_C = 1.602176634e-19
EV_J = ELEMENTARY_CHARGE_C
_MA_PER_CM2 = 0.1  # from A/m^2
WARNING = (
    "Scharber's model does not rank: against 85 measured donor:acceptor pairs its Spearman correlation is 0.12. "
    "It says what the levels would allow with FF = EQE = 0.65."
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DeviceEstimate:
    """What the model gives for a pair.

    Attributes
    ----------
    voltage : Voc, V; below zero where the levels allow none
    current : Jsc, mA/cm^2
    efficiency : PCE, %; 0 where the LUMO offset or the voltage is too small
    """

    voltage: float
    current: float
    efficiency: float
    fill_factor: float = FILL_FACTOR
    quantum_efficiency: float = QUANTUM_EFFICIENCY
    warning: str = WARNING

    def to_document(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def short_circuit_current(gap_eV: float) -> float:
    """Jsc, mA/cm^2: 0.65 of the photons of AM1.5G above the gap.

    Raises
    ------
    InputError : the gap is not between 0.35 and 4.4 eV, the range of the table
    MissingDependencyError : pvlib is not installed
    """
    wavelengths, flux = _photon_flux()
    edge_nm = HC_EV_NM / gap_eV if gap_eV > 0 else np.inf
    if not wavelengths[0] < edge_nm < wavelengths[-1]:
        raise InputError(
            f"optical gap {gap_eV:.2f} eV is outside the solar spectrum; expected {HC_EV_NM / wavelengths[-1]:.2f} to "
            f"{HC_EV_NM / wavelengths[0]:.2f} eV"
        )
    grid = np.append(wavelengths[wavelengths < edge_nm], edge_nm)
    photons = float(np.trapezoid(np.interp(grid, wavelengths, flux), grid))
    return QUANTUM_EFFICIENCY * ELEMENTARY_CHARGE_C * photons * _MA_PER_CM2


def scharber_estimate(
    *,
    donor_ionization_energy: float,
    donor_electron_affinity: float,
    acceptor_electron_affinity: float,
    gap_eV: float,
) -> DeviceEstimate:
    """The model for one pair; all levels on one scale, eV, as positive numbers (|HOMO|, |LUMO|).

    Parameters
    ----------
    gap_eV : optical gap of the absorber with the smaller one

    Raises
    ------
    InputError, MissingDependencyError : see ``short_circuit_current``
    """
    voltage = donor_ionization_energy - acceptor_electron_affinity - VOLTAGE_LOSS_V
    current = short_circuit_current(gap_eV)
    offset = acceptor_electron_affinity - donor_electron_affinity
    works = offset >= LEAST_LUMO_OFFSET_EV - 1e-9 and voltage > 0  # 1e-9: 4.3 - 4.0 is a little less than 0.3
    efficiency = 100.0 * voltage * current * FILL_FACTOR / INCIDENT_MW_CM2 if works else 0.0
    return DeviceEstimate(voltage, current, efficiency)


@lru_cache(maxsize=1)
def _photon_flux() -> tuple[FloatArray, FloatArray]:
    """Wavelengths, nm, and photons of AM1.5G, 1/(m^2 s nm)."""
    try:
        from pvlib.spectrum import get_reference_spectra
    except ImportError as error:
        raise MissingDependencyError(
            "the solar spectrum of ASTM G173 comes with pvlib; install it: pip install 'heliosc[handoff]'"
        ) from error
    table = get_reference_spectra(standard="ASTM G173-03")
    wavelengths = table.index.to_numpy(dtype=np.float64)
    return wavelengths, table["global"].to_numpy(dtype=np.float64) * wavelengths / (HC_EV_NM * EV_J)
