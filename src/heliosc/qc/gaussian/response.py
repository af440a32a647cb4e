"""Excitations, polarizability and frequencies in Gaussian logs."""

from __future__ import annotations

import re

from heliosc.qc.external.outputs import ExcitedState, as_number, last_number
from heliosc.qc.gaussian.level import route
from heliosc.qc.units import POLARIZABILITY_A3

_STATE = re.compile(r"\n Excited State +(\d+): +(Singlet|Triplet)-\S+ +(\S+) eV +\S+ nm +f=(\S+)")
_TENSOR = re.compile(r"\n Exact polarizability:((?: +-?\d+\.\d+){6})")
_FREQUENCIES = re.compile(r"\n Frequencies -- +(.*)")
_MULTIPLICITIES = {"Singlet": 1, "Triplet": 3}


def excited_states(text: str) -> tuple[ExcitedState, ...]:
    """Singlets, then triplets, of the last calculation; states of an open shell are not read."""
    rows = _STATE.findall(text)
    starts = [i for i, row in enumerate(rows) if row[0] == "1"]
    states = []
    for _, kind, energy, strength in rows[starts[-1] :] if starts else ():
        number = as_number(energy)
        if number is not None:
            is_singlet = kind == "Singlet"
            states.append(ExcitedState(_MULTIPLICITIES[kind], number, as_number(strength) if is_singlet else None))
    return tuple(sorted(states, key=lambda state: state.multiplicity))


def excitation_method(text: str) -> str | None:
    """``tda`` (CIS too) or ``td``; ``None`` without excitations."""
    if not _STATE.search(text):
        return None
    return "tda" if re.search(r"\b(?:tda|cis)\b", route(text).lower()) else "td"


def polarizability(text: str) -> float | None:
    """Isotropic static polarizability, A^3."""
    atomic = last_number(text, r" Isotropic polarizability for W= +0\.0+ +(\S+) Bohr")
    if atomic is None:
        tensors = _TENSOR.findall(text)
        values = [as_number(value) for value in tensors[-1].split()] if tensors else []
        diagonal = [values[i] for i in (0, 2, 5)] if len(values) == 6 else []
        known = [value for value in diagonal if value is not None]
        atomic = sum(known) / 3 if len(known) == 3 else None
    return None if atomic is None else atomic * POLARIZABILITY_A3


def frequencies(text: str) -> tuple[float, ...]:
    """Harmonic frequencies, cm^-1; the copy with more digits has three dashes and is not read twice."""
    values = [as_number(value) for line in _FREQUENCIES.findall(text) for value in line.split()]
    return tuple(value for value in values if value is not None)
