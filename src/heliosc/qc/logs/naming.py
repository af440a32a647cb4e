"""From what outputs say about their method to one name of the level of theory."""

from __future__ import annotations

import re

from heliosc.errors import InputError, ParseError
from heliosc.properties.levels import parse_level
from heliosc.qc.external.outputs import ProgramOutput

_FUNCTIONALS = {
    "pbe1pbe": "pbe0",
    "pbepbe": "pbe",
    "pbe-pbe": "pbe",
    "b-lyp": "blyp",
    "b-p86": "bp86",
    "hseh1pbe": "hse06",
    "m062x": "m06-2x",
    "m06l": "m06-l",
    "wb97xd": "wb97x-d",
    "b97d": "b97-d",
    "b97d3": "b97-d3",
    "tpsstpss": "tpss",
    "tpss-tpss": "tpss",
    "scf": "hf",
}
"""Spellings of one functional; ``b3lyp`` stays apart by the program, which is part of the level."""


def level_name(output: ProgramOutput, *, program: str) -> str:
    """Level of theory of the energies of an output, e.g. ``b3lyp-d3bj/def2-svp+smd(toluene)[orca]``.

    Raises
    ------
    ParseError : the output does not name its method or its basis
    """
    if output.method is None:
        raise ParseError("the output does not say its method; a value never travels without its level of theory")
    solvent = _solvent(output.solvent)
    if program == "xtb":
        return "-".join(filter(None, (output.method, output.variant))) + solvent
    if output.basis is None:
        raise ParseError("the output does not say its basis; a value never travels without its level of theory")
    method = output.method.replace("/", "-")
    method = _FUNCTIONALS.get(method, method)
    if output.variant:
        method = f"{method}-{output.variant}"
    if output.dispersion not in (None, "none"):
        method = f"{method}-{output.dispersion}"
    basis = re.sub(r"^((?:ma-)?)def2(?=[a-z])", r"\1def2-", output.basis)
    return f"{method}/{basis}{solvent}[{program}]"


def excitation_level(level: str, *, method: str | None) -> str | None:
    """Level of excitation energies, ``tda-`` or ``td-`` before the functional; ``None`` when the output is silent."""
    return None if method is None else f"{method}-{level}"


def is_in_vocabulary(level: str) -> bool:
    """Whether values of this level can be stored; force fields and GFN0 give geometries, no properties."""
    try:
        parse_level(level)
    except InputError:
        return False
    return True


def _solvent(said: str | None) -> str:
    if said in (None, "none"):
        return ""
    model, _, name = (said or "").partition("(")
    return f"+{model}({re.sub(r'[^a-z0-9_.,-]+', '_', name.rstrip(')').lower())[:40].strip('_')})"
