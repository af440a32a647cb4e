"""Excitations (Psi4 1.4 and later) and frequencies in Psi4 outputs."""

from __future__ import annotations

import re

from heliosc.qc.external.outputs import ExcitedState, as_number

_TABLE = "Sym: GS->ES (Trans)"
_STATE = re.compile(r"^ +\d+ +\S+->\S+ +\((\d) [^)\n]+\) +\S+ +(\S+) +\S+ +(\S+)", re.MULTILINE)
_FREQUENCIES = re.compile(r" Freq \[cm\^-1\] +(.*)")


def excited_states(text: str) -> tuple[ExcitedState, ...]:
    """Singlets, then triplets, of the last table; states of an open shell are not read."""
    start = text.rfind(_TABLE)
    if start < 0 or re.search(r"^ *(?:UKS|UHF) Reference", text, re.MULTILINE):
        return ()
    rows = [(int(spin), as_number(energy), as_number(strength)) for spin, energy, strength in
            _STATE.findall(text[start:].split("\n\n", maxsplit=1)[0])]  # fmt: skip
    states = [ExcitedState(spin, energy, strength if spin == 1 else None) for spin, energy, strength in rows if energy]
    return tuple(sorted(states, key=lambda state: state.multiplicity))


def excitation_method(text: str) -> str | None:
    """``tda`` or ``td``, told apart by the name of the eigenvalue solver; ``None`` without excitations."""
    if _TABLE not in text:
        return None
    return "td" if "HamiltonianSolver" in text else "tda" if "DavidsonSolver" in text else None


def frequencies(text: str) -> tuple[float, ...]:
    """Harmonic frequencies, cm^-1; Psi4 marks imaginary ones with an ``i``."""
    words = [word for line in _FREQUENCIES.findall(text) for word in line.split()]
    values = [as_number(f"-{word[:-1]}" if word.endswith("i") else word) for word in words]
    return tuple(value for value in values if value)
