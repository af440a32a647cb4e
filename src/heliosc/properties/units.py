"""Units that sources use, and the factor from each to ours. Conversion happens here, once.
A unit that a property of the user's brings along is added by ``add_units``.

References
----------
CODATA 2018: hartree 27.211386245988 eV, bohr 0.529177210903 A, e bohr 2.541746473 D.
"""

from __future__ import annotations

from collections.abc import Mapping

from heliosc.errors import InputError

FACTORS: dict[str, dict[str, float]] = {
    "eV": {
        "eV": 1.0,
        "meV": 1e-3,
        "hartree": 27.211386245988,
        "kJ/mol": 0.01036426966,
        "kcal/mol": 0.04336410390,
        "cm^-1": 1.239841984e-4,
    },
    "D": {"D": 1.0, "e*bohr": 2.541746473, "C*m": 1 / 3.33564095e-30},
    "A^3": {"A^3": 1.0, "bohr^3": 0.529177210903**3, "nm^3": 1e3},
    "%": {"%": 1.0, "fraction": 100.0},
    "V": {"V": 1.0, "mV": 1e-3},
    "mA/cm^2": {"mA/cm^2": 1.0, "A/m^2": 0.1},
    "MPa^0.5": {"MPa^0.5": 1.0, "(cal/cm^3)^0.5": 2.045483},
    "cm^2/(V s)": {"cm^2/(V s)": 1.0, "m^2/(V s)": 1e4},
    "1": {"1": 1.0},
}
"""Our unit -> accepted unit -> factor."""


def factor_to(ours: str, unit: str) -> float:
    """What a number in ``unit`` is multiplied with.

    Raises
    ------
    InputError : not a unit of this quantity
    """
    accepted = FACTORS.get(ours, {ours: 1.0})
    if unit not in accepted:
        raise InputError(f"unit {unit!r} does not convert to {ours}; expected one of: {', '.join(accepted)}")
    return accepted[unit]


def add_units(ours: str, factors: Mapping[str, float]) -> None:
    """Accept further units of a quantity.

    Raises
    ------
    InputError : a unit is known with another factor
    """
    known = FACTORS.setdefault(ours, {ours: 1.0})
    for unit, factor in factors.items():
        if known.setdefault(unit, factor) != factor:
            raise InputError(f"unit {unit!r} of {ours} is known with the factor {known[unit]:g}, not {factor:g}")
