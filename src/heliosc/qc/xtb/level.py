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
_TEMPERATURE = re.compile(r"electronic temp\. +(\d{1,6}\.\d{1,10}) +K")
_USUAL_TEMPERATURE_K = 300.0
_MODEL = re.compile(r"\* Solvation model: +(\S+)\n +Solvent +(\S+)")
_ASKED = re.compile(r"^ *program call.* (?:--(alpb|gbsa)|-(g)) +([a-zA-Z0-9_]+)", re.MULTILINE)


def method(text: str) -> str | None:
    """``gfn2`` and the like, from the first title box."""
    match = _BOX.search(text[:_HEAD])
    if match:
        return _METHODS[match.group(1)]
    asked = re.search(r"--gfn +(\d)\b", command_line(text))
    if not is_by_library(text) or "--method" in command_line(text):
        return None
    return f"gfn{asked.group(1)}" if asked else "gfn2"


def is_by_library(text: str) -> bool:
    """Whether the tblite library did the work (``--tblite``), which prints neither title box nor summary."""
    return "--tblite" in command_line(text) and _BOX.search(text[:_HEAD]) is None


def variant(text: str) -> str:
    """Electronic temperature, where it is not the usual 300 K; empty otherwise."""
    found = _TEMPERATURE.search(text[:_HEAD])
    if found is None or float(found.group(1)) == _USUAL_TEMPERATURE_K:
        return ""
    return f"etemp{float(found.group(1)):.0f}"


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
