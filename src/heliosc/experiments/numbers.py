"""Numbers as people write them: decimal commas, errors, units in the cell; and their way into our units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from heliosc.errors import InputError
from heliosc.properties.units import FACTORS

HC_EV_NM = 1239.841984  # CODATA 2018
MISSING_TEXTS = frozenset({"", "-", "--", "n/a", "na", "nan", "none", "null", "nd", "n.d.", "not measured", "tbd", "?"})
_NUMBER = re.compile(
    r"(?P<bound>[<>~≈≤≥]?)\s*(?P<value>[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?)"
    r"(?:\s*(?:±|\+/-|\+-)\s*(?P<std>\d*[.,]?\d+(?:[eE][-+]?\d+)?))?\s*(?P<unit>[^\d\s.,+-].*)?"
)
_SUPERSCRIPTS = str.maketrans(
    {"²": "2", "³": "3", "⁻": "-", "¹": "1", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "µ": "u", "μ": "u"}
)
_ALIASES = {
    "cm2V-1s-1": "cm^2/(V s)", "m2V-1s-1": "m^2/(V s)", "cm2/V/s": "cm^2/(V s)", "mAcm-2": "mA/cm^2", "Am-2": "A/m^2",
    "percent": "%", "electronvolt": "eV", "volt": "V", "1/cm": "cm^-1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """A number with its own error and the unit written beside it, both perhaps absent."""

    value: float
    std: float | None
    unit: str


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing is known."""
    return text.strip().lower() in MISSING_TEXTS


def read_number(text: str) -> ReadNumber:
    """Read ``5.1``, ``5,1``, ``5.1 ± 0.1`` or ``850 mV``.

    Raises
    ------
    InputError : not one number, a bound, or with separators that can be read in two ways
    """
    plain = text.translate(_SUPERSCRIPTS).strip()
    match = _NUMBER.fullmatch(plain)
    if match is None:
        hint = "; write it without thousands separators" if re.search(r"\d[.,]\d{3}[.,]", plain) else ""
        raise InputError(f"{text[:40]!r} is not a number{hint}")
    if match["bound"]:
        raise InputError(f"{text[:40]!r} is a bound or a guess, not a measured value")
    value = float(match["value"].replace(",", "."))
    if not math.isfinite(value):
        raise InputError(f"{text[:40]!r} is not a number that a measurement can give")
    std = None if match["std"] is None else float(match["std"].replace(",", "."))
    if std is not None and not math.isfinite(std):
        raise InputError(f"{text[:40]!r} has no error that a measurement can have")
    return ReadNumber(value, std, (match["unit"] or "").strip())


def to_unit(number: ReadNumber, *, unit: str, ours: str) -> ReadNumber:
    """The number in our unit; wavelengths become photon energies.

    Raises
    ------
    InputError : a unit of something else, or a wavelength that is not positive
    """
    written = number.unit or unit
    squeezed = _squeezed(written)
    if ours == "eV" and squeezed in {"nm", "um"}:
        return _photon_energy(number, HC_EV_NM if squeezed == "nm" else HC_EV_NM / 1000)
    factors = {_squeezed(name): factor for name, factor in FACTORS.get(ours, {ours: 1.0}).items()}
    name = _squeezed(_ALIASES.get(squeezed, squeezed))
    if name not in factors:
        raise InputError(f"unit {written[:30]!r} does not convert to {ours}; expected one of: {', '.join(factors)}")
    factor = factors[name]
    return ReadNumber(number.value * factor, None if number.std is None else number.std * abs(factor), ours)


def _photon_energy(number: ReadNumber, factor: float) -> ReadNumber:
    if number.value <= 0:
        raise InputError(f"a wavelength of {number.value:g} is not positive")
    energy = factor / number.value
    std = None if number.std is None else energy * number.std / number.value
    return ReadNumber(energy, std, "eV")


def _squeezed(unit: str) -> str:
    """A unit without what people write differently: spaces, dots, carets, brackets, superscripts."""
    return re.sub(r"[\s^()·*]", "", unit.translate(_SUPERSCRIPTS))
