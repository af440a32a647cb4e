"""Error texts of tblite and xtb, classed by remedy. The text decides, not only the exit code."""

from __future__ import annotations

from heliosc.errors import ConvergenceError, HelioscError, InputError, MissingDependencyError, ParseError

_MARKERS: tuple[tuple[str, type[HelioscError], str], ...] = (
    ("SCF not converged", ConvergenceError, "the charges oscillate; try another conformer"),
    ("Self consistent charge iterator did not converge", ConvergenceError, "try another conformer"),
    ("FAILED TO CONVERGE GEOMETRY OPTIMIZATION", ConvergenceError, "go on from the last geometry"),
    ("Too close interatomic distances", InputError, "atoms overlap; mend the geometry"),
    ("not compatible", InputError, "charge and multiplicity contradict the electron count"),
    ("No parametrization", InputError, "the element is not parametrised"),
    ("param_ipea-xtb.txt not found", MissingDependencyError, "set XTBPATH=/usr/share/xtb"),
)


def classified_error(text: str, *, program: str) -> HelioscError:
    """The error that a program's message stands for; unknown messages are ``ParseError`` with the text kept."""
    for marker, error_type, remedy in _MARKERS:
        if marker in text:
            return error_type(f"{program}: {marker}; {remedy}. Message: {_tail(text)}")
    return ParseError(f"{program} failed with a message that heliosc does not know: {_tail(text)}")


def _tail(text: str) -> str:
    return " ".join(text.split())[-300:]
