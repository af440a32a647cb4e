"""Donor:acceptor pairs as objectives: level offsets and an estimate of the open-circuit voltage.

All four levels of a pair stand on one scale and at one level of theory. Gas-phase values may be given too: polarisation
raises every EA and lowers every IE, so their offsets are usable and the voltage is too large by a constant that does
not change the order of pairs.

References
----------
Scharber et al., Adv. Mater. 2006, 18, 789, 10.1002/adma.200501717 (Voc = |HOMO_D| - |LUMO_A| - 0.3 V).
Qian et al., Nat. Mater. 2018, 17, 703, 10.1038/s41563-018-0128-z (small offsets suffice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from heliosc.errors import InputError
from heliosc.selection.objectives import FloatArray

VOLTAGE_LOSS_V = 0.3
_LOSS_STD_V = 0.1  # spread of the loss among real cells


@dataclass(frozen=True, slots=True)
class Levels:
    """IE and EA of some molecules on one scale, eV, each (n,), with their standard deviations.

    Attributes
    ----------
    scale : what the numbers stand for, e.g. ``CV`` or ``gfn2``; levels of different scales are never paired
    """

    ionization_energy: FloatArray
    electron_affinity: FloatArray
    scale: str
    ionization_energy_std: FloatArray | None = None
    electron_affinity_std: FloatArray | None = None

    def __post_init__(self) -> None:
        columns = [self.ionization_energy, self.electron_affinity]
        columns += [c for c in (self.ionization_energy_std, self.electron_affinity_std) if c is not None]
        if len({np.shape(column) for column in columns}) != 1 or np.ndim(columns[0]) != 1:
            raise InputError(f"levels of shapes {[np.shape(c) for c in columns]}; expected columns of one length")

    @property
    def doubts(self) -> tuple[FloatArray, FloatArray]:
        """Standard deviations of IE and EA, zero where none are given."""
        nothing = np.zeros_like(self.ionization_energy)
        ie, ea = self.ionization_energy_std, self.electron_affinity_std
        return (nothing if ie is None else ie), (nothing if ea is None else ea)


@dataclass(frozen=True, slots=True)
class PairTable:
    """Every donor with every acceptor, each (n_donors, n_acceptors).

    Attributes
    ----------
    hole_offset : IE of the acceptor less that of the donor, eV; positive: holes go to the donor
    electron_offset : EA of the acceptor less that of the donor, eV; positive: electrons go to the acceptor
    voltage, voltage_std : estimate of Voc, V
    probability_of_offsets : that both offsets reach their least values
    """

    hole_offset: FloatArray
    electron_offset: FloatArray
    voltage: FloatArray
    voltage_std: FloatArray
    probability_of_offsets: FloatArray

    @property
    def merit(self) -> FloatArray:
        """Voltage that may be expected: what is estimated, times the probability that charges separate, V."""
        return np.maximum(self.voltage, 0.0) * self.probability_of_offsets


def pair_up(
    donors: Levels, acceptors: Levels, *, least_hole_offset: float = 0.1, least_electron_offset: float = 0.1
) -> PairTable:
    """Offsets and voltage of every pair.

    Parameters
    ----------
    least_hole_offset, least_electron_offset : eV; 0.1 is usual on the CV scale, 0.5 by photoemission

    Raises
    ------
    InputError : donors and acceptors stand on different scales
    """
    if donors.scale != acceptors.scale:
        raise InputError(
            f"donors stand on the scale {donors.scale!r}, acceptors on {acceptors.scale!r}; "
            "convert one of them (heliosc.properties.scales) or compute both at one level"
        )
    (ie_d, ea_d), (ie_a, ea_a) = donors.doubts, acceptors.doubts
    hole = acceptors.ionization_energy - donors.ionization_energy[:, None]
    electron = acceptors.electron_affinity - donors.electron_affinity[:, None]
    probability = _at_least(hole, np.hypot(ie_d[:, None], ie_a), least_hole_offset)
    probability *= _at_least(electron, np.hypot(ea_d[:, None], ea_a), least_electron_offset)
    voltage = donors.ionization_energy[:, None] - acceptors.electron_affinity - VOLTAGE_LOSS_V
    std = np.hypot(np.hypot(ie_d[:, None], ea_a), _LOSS_STD_V)
    return PairTable(hole, electron, voltage, std, probability)


def best_partners(table: PairTable, donors: Sequence[str], acceptors: Sequence[str]) -> list[tuple[str, str, float]]:
    """For each acceptor the donor of the largest merit: (donor, acceptor, merit in V), best pair first."""
    best = table.merit.argmax(axis=0)
    pairs = [(donors[row], acceptors[column], float(table.merit[row, column])) for column, row in enumerate(best)]
    return sorted(pairs, key=lambda pair: -pair[2])


def _at_least(mean: FloatArray, std: FloatArray, limit: float) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        probability = ndtr((mean - limit) / std)
    return np.where(std > 0, probability, (mean >= limit).astype(np.float64))
