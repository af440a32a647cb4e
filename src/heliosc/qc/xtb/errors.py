"""Error texts of tblite and xtb, classed by remedy. The text decides, not only the exit code."""

from __future__ import annotations

import re

from heliosc.errors import ConvergenceError, HelioscError, InputError, MissingDependencyError, ParseError, ResourceError
from heliosc.qc.external.outputs import ErrorRule

ERROR_RULES = (
    ErrorRule(
        r"param_\S+\.txt not found!?",
        MissingDependencyError,
        "set XTBPATH=/usr/share/xtb, or to the folder that holds the file",
    ),
    ErrorRule(r"Too close interatomic distances.*", InputError, "atoms overlap; mend the geometry"),
    ErrorRule(
        r"not compatible|(?:N|n)umber of electrons.{0,80}(?:odd|even)",
        InputError,
        "charge and multiplicity contradict the electron count",
    ),
    ErrorRule(r"No parametrization.*", InputError, "the element is not parametrised"),
    ErrorRule(
        r"Could not read geometry.*|Could not open file.*|No atoms present.*",
        InputError,
        "the geometry file is missing or empty; an empty one can make xtb run for ever",
    ),
    ErrorRule(r"No space left on device", ResourceError, "free space in the scratch folder"),
    ErrorRule(r"std::bad_alloc|[Cc]ould not allocate.*|stack smashing.*", ResourceError, "give it more memory"),
    ErrorRule(
        r"SCF not converged(?: in \d+ cycles)?",
        ConvergenceError,
        "the charges oscillate; try another conformer",
    ),
    ErrorRule(
        r"Self consistent charge iterator did not converge|\.sccnotconverged",
        ConvergenceError,
        "--iterations 500, then --etemp 1000, then --gfn 1, then another conformer",
    ),
    ErrorRule(
        r"FAILED TO CONVERGE GEOMETRY OPTIMIZATION",
        ConvergenceError,
        "go on from the last geometry (xtbopt.xyz), or pre-optimise with GFN-FF",
    ),
    ErrorRule(
        r"\[ERROR\] Program stopped due to fatal error",
        ParseError,
        "read the lines around it; heliosc does not know this message",
    ),
)
"""In order: the first that is found decides."""


def classified_error(text: str, *, program: str) -> HelioscError:
    """The error that a program's message stands for; unknown messages are ``ParseError`` with the text kept."""
    for rule in ERROR_RULES:
        match = re.search(rule.pattern, text)
        if match:
            return rule.error(f"{program}: {match.group(0).strip()[:120]}; {rule.remedy}. Message: {_tail(text)}")
    return ParseError(f"{program} failed with a message that heliosc does not know: {_tail(text)}")


def _tail(text: str) -> str:
    return " ".join(text.split())[-300:]
