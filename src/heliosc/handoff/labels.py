"""How properties, units and numbers are written for people.

Missing is written as a dash, never as zero; minus is the typographic one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from heliosc.properties import DEFAULT_TARGETS, PROPERTIES, PropertyKey, level_of_theory
from heliosc.selection.objectives import Window

MISSING = "\N{EM DASH}"
MINUS = "\N{MINUS SIGN}"

_SYMBOLS = {
    "lambda_hole": "λ(hole)",
    "lambda_electron": "λ(electron)",
    "dipole_moment": "μ",
    "polarizability": "\N{GREEK SMALL LETTER ALPHA}",
    "fundamental_gap": f"IE {MINUS} EA",
}
_WORDS = {
    "homo_energy": "HOMO energy",
    "lumo_energy": "LUMO energy",
    "homo_lumo_gap": "HOMO-LUMO gap",
    "vertical_ionization_energy": "vertical ionisation energy",
    "adiabatic_ionization_energy": "adiabatic ionisation energy",
    "lambda_hole": "hole reorganisation energy",
    "lambda_electron": "electron reorganisation energy",
}
_UNITS = {"A^3": "Å³", "1": ""}
_DECIMALS = {"lambda_hole": 3, "lambda_electron": 3, "polarizability": 1}


@dataclass(frozen=True, slots=True)
class Number:
    """A value that may be missing, with the decimals it deserves."""

    value: float | None
    decimals: int = 2

    def __str__(self) -> str:
        return format_number(self.value, decimals=self.decimals)


def format_number(value: float | None, *, decimals: int = 2) -> str:
    """Fixed decimals with a true minus; a dash when missing."""
    if value is None or value != value:
        return MISSING
    text = f"{value:.{decimals}f}"
    is_zero = float(text) == 0
    return text.lstrip("-") if is_zero else text.replace("-", MINUS)


def symbol(key: PropertyKey) -> str:
    """Short name such as ``IE(v)`` or ``λ(hole)``."""
    return _SYMBOLS.get(key.name, PROPERTIES[key.name].symbol)


def words(key: PropertyKey) -> str:
    """The property's name in words."""
    return _WORDS.get(key.name, key.name.replace("_", " "))


def unit(key: PropertyKey) -> str:
    """Unit as written in text."""
    return _UNITS.get(key.unit, key.unit)


def decimals(key: PropertyKey) -> int:
    """Digits after the point that carry meaning."""
    return _DECIMALS.get(key.name, 2)


def number(key: PropertyKey, value: float | None) -> Number:
    """A value of a property, ready to be written."""
    return Number(value, decimals(key))


def limit_text(window: Window, *, key: PropertyKey) -> str:
    """``≤ 6.80``, ``≥ 2.40`` or ``5.00 to 5.60``."""
    lower, upper = (str(number(key, limit)) for limit in (window.lower, window.upper))
    if math.isinf(window.lower):
        return f"≤ {upper}"
    return f"≥ {lower}" if math.isinf(window.upper) else f"{lower} to {upper}"


def level_label(name: str) -> str:
    """Level of theory with its meaning, e.g. ``gfn2: GFN2-xTB; ...``."""
    level = level_of_theory(name)
    return (
        f"{level.name}: {level.meaning} ({level.scale} scale)"
        if level.scale != "1"
        else f"{level.name}: {level.meaning}"
    )


def ordered_keys(keys: Iterable[str]) -> list[PropertyKey]:
    """Distinct property keys, the surrogate's targets first, then in the order of the vocabulary.

    Raises
    ------
    InputError : a key is not of the form ``name@level`` or not in the vocabulary
    """
    vocabulary = list(PROPERTIES)
    targets = {key: position for position, key in enumerate(DEFAULT_TARGETS)}
    parsed = {PropertyKey.parse(key) for key in keys}
    return sorted(parsed, key=lambda key: (targets.get(key, len(targets)), vocabulary.index(key.name), key.level))
