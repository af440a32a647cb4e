"""Excitations, polarizability and frequencies in ORCA outputs."""

from __future__ import annotations

import re

from heliosc.qc.external.outputs import ExcitedState, as_number, last_number
from heliosc.qc.units import POLARIZABILITY_A3

_BLOCK = re.compile(r"^(?:TD-DFT|TD-DFT/TDA|CIS|RPA)[- ]EXCITED STATES \((SINGLETS|TRIPLETS)\)", re.MULTILINE)
_STATE = re.compile(r"^STATE +\d+: +E= +\S+ au +(\S+) eV", re.MULTILINE)
_SPECTRUM = re.compile(
    r"^ {0,40}ABSORPTION SPECTRUM VIA TRANSITION ELECTRIC DIPOLE MOMENTS *\n(?:.*\n){4,5}?((?: *\d.*\n)+)", re.MULTILINE
)
_ROW_4_TO_5 = re.compile(r"^ *(\d+) +\S+ +\S+ +(\d\.\d+) ", re.MULTILINE)
_ROW_6 = re.compile(r"^ *0-1\S* +-> +(\d+)-1\S* +\S+ +\S+ +\S+ +(\S+)", re.MULTILINE)
_MULTIPLICITIES = {"SINGLETS": 1, "TRIPLETS": 3}


def excited_states(text: str) -> tuple[ExcitedState, ...]:
    """Singlets, then triplets, from the last block of each; states of an open shell are not read."""
    blocks = list(_BLOCK.finditer(text))
    last = {match.group(1): match.end() for match in blocks}
    strengths = _oscillator_strengths(text)
    states: list[ExcitedState] = []
    for kind, multiplicity in _MULTIPLICITIES.items():
        if kind not in last:
            continue
        for number, energy in enumerate(_energies(text[last[kind] :]), start=1):
            strength = strengths.get(number) if multiplicity == 1 else None
            states.append(ExcitedState(multiplicity, energy, strength))
    return tuple(states)


def excitation_method(text: str) -> str | None:
    """``tda`` (CIS too) or ``td``; ``None`` without excitations."""
    block = _BLOCK.search(text)
    if block is None:
        return None
    return "tda" if "TDA" in block.group(0) or block.group(0).startswith("CIS") else "td"


def polarizability(text: str) -> float | None:
    """Isotropic static polarizability, A^3."""
    atomic = last_number(text, r"^Isotropic polarizability\s*:\s*(\S+)")
    return None if atomic is None else atomic * POLARIZABILITY_A3


def frequencies(text: str) -> tuple[float, ...]:
    """Harmonic frequencies, cm^-1, without the six that are exactly zero."""
    start = text.rfind("VIBRATIONAL FREQUENCIES\n")
    if start < 0:
        return ()
    block = text[start:].split("NORMAL MODES", maxsplit=1)[0]
    values = [as_number(value) for value in re.findall(r"^ *\d+: +(-?\d+\.\d+) cm\*\*-1", block, re.MULTILINE)]
    return tuple(value for value in values if value)


def _energies(text: str) -> list[float]:
    """Energies of one block, eV: it ends where the next title or spectrum begins."""
    end = re.search(r"^(?:TD-DFT|CIS|RPA|-{5,}\n(?:TD-DFT|CIS|RPA)|.*(?:SPECTR|ORCA))", text[1:], re.MULTILINE)
    energies = [as_number(energy) for energy in _STATE.findall(text[: end.start() if end else None])]
    return [energy for energy in energies if energy is not None]


def _oscillator_strengths(text: str) -> dict[int, float]:
    """Number of the singlet -> f, length gauge. Up to ORCA 5 the rows are numbered, singlets first; 6 names them."""
    tables = _SPECTRUM.findall(text)
    if not tables:
        return {}
    rows = _ROW_6.findall(tables[-1]) or _ROW_4_TO_5.findall(tables[-1])
    pairs = ((int(number[:6]), as_number(strength)) for number, strength in rows)
    return {number: strength for number, strength in pairs if strength is not None}
