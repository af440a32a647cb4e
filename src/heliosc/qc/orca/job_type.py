"""What kind of job an ORCA output is of, beyond its energy: searches, scans, layers, states put together by hand."""

from __future__ import annotations

import re

from heliosc.errors import ParseError
from heliosc.qc.orca.level import DOUBLE_HYBRIDS, FUNCTIONALS, echo, input_words, method

_MANY_GEOMETRIES = {
    "Relaxed Surface Scan": "a relaxed surface scan",
    "Parameter Scan Calculation": "a scan of geometries",
}
_OTHER_JOBS = re.compile(
    r"(?:md|irc|(?:zoom-|fast-)?neb(?:-\w+)?|goat\S*|docker\S*|solvator|extopt|extrapolate\S*|surfcrossopt\S*|ci-opt"
    r"|qm/\S+|oniom\S*|ionic-crystal\S*|mol-crystal\S*)"
)
_BLOCKS = {
    r"^%compound": "a compound script",
    r"^%md": "molecular dynamics",
    r"^%qmmm": "layers (QM/MM)",
    r"^%pointcharges": "point charges",
    r"\befield\b": "an electric field",
    r"\b(?:brokensym|flipspin)\b": "a broken-symmetry state, whose spin is not the one that is printed",
}
_CORRELATED = re.compile(r"^ +(?:ORCA-CASSCF|ORCA +MP2|ORCA-MATRIX DRIVEN CI|ORCA-MRCI|ORCA AUTOCI)\b", re.MULTILINE)
_SCF_METHODS = frozenset(("hf", None, *FUNCTIONALS)) - DOUBLE_HYBRIDS
_SADDLE_POINT = re.compile(r"optts|scants|neb-ts")
_CONSTRAINED = re.compile(r"^(?:.*[^a-z])?(?:constraints|constrainfragments|optimizehydrogens\s+true)\b")
_SCALARS = {"zora": "zora", "dkh": "dkh", "dkh2": "dkh", "x2c": "x2c", "dlu-x2c": "dlu-x2c"}
_RESTRICTED_OPEN_SHELL = frozenset(("rohf", "roks", "rodft"))
_PARAMETERS = {"rangesepmu": "mu", "scalhfx": "hfx"}
_GEOMETRICAL_COUNTERPOISE = re.compile(r"gcp\((\S+)\)")


def refuse_other_jobs(text: str) -> None:
    """Refuse outputs whose last energy is not that of one state at one geometry by the method they name.

    Raises
    ------
    ParseError : scans, paths, dynamics, layers, fields, broken symmetry, or a wave function method set in a block
    """
    what = _other_job(text)
    if what:
        raise ParseError(f"the ORCA output holds {what}; expected one state of one molecule at one geometry")
    if _CORRELATED.search(text) and method(text) in _SCF_METHODS:
        raise ParseError(
            "the ORCA output holds a wave function method beyond the one that its simple input names; the level of its "
            "energy is not clear"
        )


def special_geometry(text: str) -> str | None:
    """What the last geometry is when it is not the end of a free minimisation."""
    words = input_words(text)
    lines = _settings(text)
    if any(_SADDLE_POINT.fullmatch(word) for word in words) or any("ts_search" in line for line in lines):
        return "a transition-state search"
    if "opth" in words or "rigidbodyopt" in words or any(_CONSTRAINED.match(line) for line in lines):
        return "a constrained optimisation"
    return None


def variant(text: str) -> str:
    """What sets the method apart from its name: scalar relativity, restricted open shell, changed parameters."""
    words = input_words(text)
    parts = [_SCALARS[word] for word in words if word in _SCALARS]
    parts += ["ro" for word in words if word in _RESTRICTED_OPEN_SHELL][:1]
    parts += [f"gcp-{found.group(1)}" for word in words if (found := _GEOMETRICAL_COUNTERPOISE.fullmatch(word))]
    settings = "\n".join(_settings(text))
    for name, short in _PARAMETERS.items():
        value = re.search(rf"\b{name}\s*=?\s*(\d*\.?\d+)", settings)
        parts += [f"{short}{value.group(1)}"] if value else []
    return "-".join(parts)


def _other_job(text: str) -> str | None:
    for title, what in _MANY_GEOMETRIES.items():
        if title in text:
            return what
    word = next((word for word in input_words(text) if _OTHER_JOBS.fullmatch(word)), None)
    if word:
        return f"a job of the kind {word[:40]!r}"
    settings = _settings(text)
    return next((what for pattern, what in _BLOCKS.items() if any(re.search(pattern, line) for line in settings)), None)


def _settings(text: str) -> list[str]:
    """Lines of the repeated input, lower case, without comments and simple input lines."""
    lines = (line.split("#")[0].strip().lower() for line in echo(text))
    return [line for line in lines if line and not line.startswith("!")]
