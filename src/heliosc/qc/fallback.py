"""When the program asked for cannot answer: GFN2-xTB instead, only where the user allows it, and marked as such."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from heliosc.errors import ConvergenceError, HelioscError, InputError, MissingDependencyError, ResourceError

Fallback = Literal["none", "gfn2"]
FALLBACKS: tuple[Fallback, ...] = get_args(Fallback)
STATUS_FALLBACK = "fallback"
_KEPT = re.compile(r" \(files kept in [^)]*\)")


def may_fall_back(error: HelioscError) -> bool:
    """Whether an error means that the program is missing, or that every remedy has been tried."""
    return isinstance(error, MissingDependencyError | ConvergenceError | ResourceError)


def check_fallback(name: str) -> None:
    """Refuse unknown names.

    Raises
    ------
    InputError : neither ``none`` nor ``gfn2``
    """
    if name not in FALLBACKS:
        raise InputError(f"fallback is {name!r}; expected one of: {', '.join(FALLBACKS)}")


def marked_as_fallback(result: dict[str, Any], *, asked: str, error: HelioscError) -> dict[str, Any]:
    """A GFN2-xTB result with its status, what was asked, and why that gave none; its values keep level ``gfn2``."""
    details = result["details"]
    reason = f"{error.kind}: {_KEPT.sub('', str(error))}"
    return {
        **result,
        "details": {
            **details,
            "status": STATUS_FALLBACK,
            "requested_level": asked,
            "reason": reason,
            "flags": [*details["flags"], STATUS_FALLBACK],
        },
    }
