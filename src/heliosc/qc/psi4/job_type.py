"""What kind of job a Psi4 output is of, beyond its energy: searches, displaced geometries, changed Hamiltonians."""

from __future__ import annotations

import re

_MAX_INPUT = 50_000  # characters of a repeated input file
_DISPLACED = re.compile(r"will perform frequency computation by finite difference|^ +FINDIF *$", re.MULTILINE)
_GHOST = re.compile(r"^ +Gh\(", re.MULTILINE)
_SADDLE_POINT = re.compile(r"\bopt_type\W+(ts|irc)\b")
_CONSTRAINED = re.compile(r"\b(?:frozen|fixed|ranged)_(?:distance|bend|dihedral|cartesian)\b")
_FIELD = re.compile(r"\bperturb_h\W+(?:true|on|yes|1)\b")
_OMEGA = re.compile(r"\bdft_omega\W+(\d*\.?\d+)")
_RELATIVITY = re.compile(r"\brelativistic\W+(x2c|dkh)\b")


def undisplaced(text: str) -> str:
    """The part before frequencies by finite differences, whose energies are those of displaced geometries."""
    match = _DISPLACED.search(text)
    return text[: match.start()] if match else text


def other_job(text: str) -> str | None:
    """What speaks against one molecule in vacuum, in words."""
    if _GHOST.search(text):
        return "ghost atoms"
    return "an external field" if _FIELD.search(_input(text)) else None


def special_geometry(text: str) -> str | None:
    """What the last geometry is when it is not the end of a free minimisation."""
    asked = _input(text)
    search = _SADDLE_POINT.search(asked)
    if search:
        return "a transition-state search" if search.group(1) == "ts" else "a reaction path (IRC)"
    return "a constrained optimisation" if _CONSTRAINED.search(asked) else None


def variant(text: str) -> str:
    """What sets the method apart from its name: scalar relativity, restricted open shell, changed range separation."""
    asked = _input(text)
    relativity, omega = _RELATIVITY.search(asked), _OMEGA.search(asked)
    parts = [relativity.group(1)] if relativity else []
    parts += ["ro"] if re.search(r"^ *RO(?:HF|KS) Reference", text, re.MULTILINE) else []
    parts += [f"w{float(omega.group(1)):.4f}"] if omega else []
    return "-".join(parts)


def _input(text: str) -> str:
    """The input file that the output repeats, lower case, without comments."""
    start = text.find("==> Input File <==")
    block = text[start : start + _MAX_INPUT].partition("*** tstart()")[0] if start >= 0 else ""
    return "\n".join(line.split("#")[0] for line in block.lower().splitlines())
