"""The level of theory that an xtb output says it used."""

from __future__ import annotations

import re

_METHODS = {
    "G F N 2 - x T B": "gfn2",
    "G F N 1 - x T B": "gfn1",
    "G F N 0 - x T B": "gfn0",
    "I P E A - x T B": "ipea1",
    "G F N - F F": "gfnff",
}
_HEAD = 200_000  # characters in which every output has said what it was asked
_BOX = re.compile(r"^ *\| +(" + "|".join(_METHODS) + r") +\| *$", re.MULTILINE)
_MODEL = re.compile(r"\* Solvation model: +(\S+)\n +Solvent +(\S+)")
_ASKED = re.compile(r"^ *program call.* (?:--(alpb|gbsa)|-(g)) +([a-zA-Z0-9_]+)", re.MULTILINE)


def method(text: str) -> str | None:
    """``gfn2`` and the like, from the first title box."""
    match = _BOX.search(text[:_HEAD])
    return _METHODS[match.group(1)] if match else None


def solvent(text: str) -> str:
    """Model and solvent, e.g. ``alpb(toluene)``; ``none`` in the gas phase."""
    match = _MODEL.search(text[:_HEAD])
    if match:
        return f"{match.group(1).lower()}({match.group(2).lower()})"
    asked = _ASKED.search(text[:_HEAD])
    if asked:
        return f"{asked.group(1) or 'gbsa'}({asked.group(3).lower()})"
    return "gbsa(unnamed)" if re.search(r"GBSA solvation +true", text) else "none"


def command_line(text: str) -> str:
    """Options of the program call, without program and geometry file."""
    match = re.search(r"^ *program call +: +\S+ +(?:[^-\s]\S* +)?(-.*)$", text[:_HEAD], re.MULTILINE)
    return match.group(1).strip() if match else ""
