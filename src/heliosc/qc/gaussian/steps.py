"""Job steps that one Gaussian log holds: those that the input chains with ``--Link1--`` are jobs of their own."""

from __future__ import annotations

import re
from itertools import pairwise

from heliosc.qc.gaussian import level

_BEGINS = re.compile(r"^ Link1: +Proceeding to internal job step number +\d+\.\n", re.MULTILINE)
_ROUTE = re.compile(r"^ -{5,}\n #", re.MULTILINE)
_LOOKED_AT = 2_000  # characters of a step, which hold its route


def split_steps(text: str) -> list[str]:
    """A log for each job, with the head of the file.

    The frequencies that Gaussian appends to an optimisation by itself (``opt freq``) stay with it: they are of the same
    method at the same geometry.
    """
    starts = [begin for begin in _BEGINS.finditer(text) if not _continues(text[begin.end() :][:_LOOKED_AT])]
    route = _ROUTE.search(text)
    if not starts or route is None or starts[0].start() < route.start():
        return [text]
    head = text[: route.start()]
    edges = [(0, starts[0].start()), *pairwise([*(start.end() for start in starts), len(text)])]
    first, *others = (text[begin:end] for begin, end in edges)
    return [first, *(head + other for other in others)]


def _continues(step: str) -> bool:
    words = level.route(step).lower().split()
    return {"geom=allcheck", "guess=tcheck"} <= set(words) and any(word.startswith("freq") for word in words)
