"""Jobs that one ORCA input chains with ``$new_job``: one head, one repeated input and one closing banner for all."""

from __future__ import annotations

import re
from itertools import pairwise

from heliosc.qc.orca.level import echo

_NEXT_JOB = re.compile(r"^\| *\d+> *\$new_job\b.*\n", re.MULTILINE | re.IGNORECASE)
_BEGINS = re.compile(r"^ *\$+ +JOB NUMBER +(\d+) +\$+ *$", re.MULTILINE)
_END_OF_INPUT = re.compile(r"^\| *\d+> *\*{4}END OF INPUT\*{4}.*\n", re.MULTILINE)
_ENDED = "****ORCA TERMINATED NORMALLY****"


def split_chain(text: str) -> list[str]:
    """An output for each job of the chain, as if it had run alone; the text itself where the jobs cannot be told apart.

    Each gets the head of the file and its own part of the repeated input. ORCA stops at the first job that fails, so
    where the next one began a job has ended; only the last one is ended by the file's own closing banner. A job that
    never began is left without a calculation.
    """
    starts = list(_BEGINS.finditer(text))
    end_of_input = _END_OF_INPUT.search(text)
    if not holds_chain(text) or end_of_input is None or not starts or starts[0].start() < end_of_input.end():
        return [text]
    head_and_inputs = _NEXT_JOB.split(text[: end_of_input.start()])
    head, first_input = _without_input(head_and_inputs[0])
    inputs = [first_input, *head_and_inputs[1:]]
    if [int(start.group(1)) for start in starts] != list(range(1, len(starts) + 1)) or len(starts) > len(inputs):
        return [text]
    edges = [*(start.end() for start in starts), len(text)]
    bodies = [text[begin:end] for begin, end in pairwise(edges)]
    ended = [f"{body}\n{_ENDED}\n" for body in bodies[:-1]]
    never_begun = [""] * (len(inputs) - len(bodies))
    return [
        f"{head}{own_input}{end_of_input.group(0)}{body}"
        for own_input, body in zip(inputs, [*ended, bodies[-1], *never_begun], strict=True)
    ]


def holds_chain(text: str) -> bool:
    """Whether the repeated input chains jobs."""
    return any(line.strip().lower().startswith("$new_job") for line in echo(text))


def _without_input(text: str) -> tuple[str, str]:
    """What stands before the repeated input, and the input."""
    first_line = re.search(r"^\| *\d+>", text, re.MULTILINE)
    start = first_line.start() if first_line else len(text)
    return text[:start], text[start:]
