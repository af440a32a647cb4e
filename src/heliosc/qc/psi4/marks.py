"""What our own lines in a Psi4 output say; see ``input`` for where they are written."""

from __future__ import annotations

import re
from dataclasses import replace

from heliosc.qc.external.outputs import ExcitedState, ProgramOutput, last_number
from heliosc.qc.psi4.input import FREQUENCIES_MARK, LOWER_STATE_MARK, POLARIZABILITY_MARK, SINGLET_MARK
from heliosc.qc.psi4.parse import parse_output
from heliosc.qc.units import HARTREE_EV, POLARIZABILITY_A3

_STATE = re.compile(rf"^{SINGLET_MARK} (\S+) (\S+)$", re.MULTILINE)

_ORBITAL_BASIS = re.compile(r"^ *Name: (\S+)\n *Role: ORBITAL$", re.MULTILINE)


def parse_own_output(text: str) -> ProgramOutput:
    """Read an output of an input of ours.

    Raises
    ------
    ParseError : see ``parse_output``
    """
    output = parse_output(text)
    states = tuple(
        ExcitedState(1, float(energy) * HARTREE_EV, float(strength)) for energy, strength in _STATE.findall(text)
    )
    bases = _ORBITAL_BASIS.findall(text)
    polarizability = last_number(text, rf"^{POLARIZABILITY_MARK} (\S+)$")
    frequencies = re.findall(rf"^{FREQUENCIES_MARK} (.+)$", text, re.MULTILINE)
    gains = re.findall(rf"^{LOWER_STATE_MARK} (\S+)$", text, re.MULTILINE)
    return replace(
        output,
        notes=tuple(f"excited state of the open shell: the field {gain} Eh below is taken" for gain in gains),
        basis=bases[-1].lower() if bases else output.basis,  # a guess in a smaller basis comes before it
        excited_states=states or output.excited_states,
        excitation_method="tda" if states else output.excitation_method,
        polarizability_A3=None if polarizability is None else polarizability * POLARIZABILITY_A3,
        frequencies_per_cm=tuple(map(float, frequencies[-1].split())) if frequencies else output.frequencies_per_cm,
    )
