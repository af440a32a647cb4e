"""The programs whose outputs are known: how each is recognised and read. Adding one is one entry."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass

from heliosc.qc.external.outputs import ErrorRule, ProgramOutput
from heliosc.qc.gaussian import errors as gaussian_errors
from heliosc.qc.gaussian import level as gaussian_level
from heliosc.qc.gaussian import parse as gaussian
from heliosc.qc.gaussian.steps import split_steps
from heliosc.qc.orca import errors as orca_errors
from heliosc.qc.orca import level as orca_level
from heliosc.qc.orca import parse as orca
from heliosc.qc.orca.chain import split_chain
from heliosc.qc.psi4 import errors as psi4_errors
from heliosc.qc.psi4 import parse as psi4
from heliosc.qc.xtb import errors as xtb_errors
from heliosc.qc.xtb import level as xtb_level
from heliosc.qc.xtb import parse as xtb


@dataclass(frozen=True, slots=True)
class Program:
    """A program's outputs.

    Attributes
    ----------
    banner : line that opens a job
    marks : lines that betray an output whose head is missing
    closing : lines that end a job, well or badly
    version : pattern with one group
    supported : pattern of the versions that the parser was written for
    keywords : what the output repeats of its own input
    chained : the jobs behind one banner, where an input can chain several
    """

    banner: re.Pattern[str]
    marks: re.Pattern[str]
    closing: re.Pattern[str]
    parse: Callable[[str], ProgramOutput]
    error_rules: tuple[ErrorRule, ...]
    version: str
    supported: str
    keywords: Callable[[str], str]
    chained: Callable[[str], list[str]] = lambda text: [text]


_MAX_INPUT = 20_000  # characters of a repeated input file


def _psi4_keywords(text: str) -> str:
    """Option lines of the input file that the output repeats."""
    start = text.find("==> Input File <==")
    block, end, _ = text[start : start + _MAX_INPUT].partition("*** tstart()")
    lines = re.findall(r"^ *(?:set +)?([a-z_]\w* +[\w.+*(),-]+) *$", block, re.MULTILINE) if start >= 0 and end else []
    return "; ".join(lines)


PROGRAMS: dict[str, Program] = {
    "orca": Program(
        re.compile(r"\* O   R   C   A \*"),
        re.compile(r"\*\*\*\*ORCA TERMINATED NORMALLY|^FINAL SINGLE POINT ENERGY", re.MULTILINE),
        re.compile(r"ORCA TERMINATED NORMALLY|ORCA finished by error termination"),
        orca.parse_output,
        orca_errors.ERROR_RULES,
        orca.VERSION_PATTERN,
        r"[456]\.",
        lambda text: " ".join(orca_level.input_words(text)),
        split_chain,
    ),
    "gaussian": Program(
        re.compile(r" Initial command:\n"),
        re.compile(
            r"^ (?:Entering Gaussian System,|Leave Link +\d|(?:Error|Normal) termination (?:via Lnk1e|of Gaussian))",
            re.MULTILINE,
        ),
        re.compile(r" termination (?:of Gaussian|via Lnk1e|in NtrErr|request processed)"),
        gaussian.parse_output,
        gaussian_errors.ERROR_RULES,
        gaussian.VERSION_PATTERN,
        r"Gaussian (?:09|16)",
        gaussian_level.route,
        split_steps,
    ),
    "psi4": Program(
        re.compile(r"4: An Open-Source"),
        re.compile(r"\*\*\* Psi4 (?:exiting|encountered)|^ +@\S+ Final Energy:", re.MULTILINE),
        re.compile(r"\*\*\* Psi4 (?:exiting successfully|encountered an error)"),
        psi4.parse_output,
        psi4_errors.ERROR_RULES,
        psi4.VERSION_PATTERN,
        r"1\.(?:[3-9]|\d\d)",
        _psi4_keywords,
    ),
    "xtb": Program(
        xtb.BANNER,
        re.compile(r"^ \* finished run on", re.MULTILINE),
        re.compile(r"finished run on|abnormal termination of xtb"),
        xtb.parse_output,
        xtb_errors.ERROR_RULES,
        xtb.VERSION_PATTERN,
        r"6\.",
        xtb_level.command_line,
    ),
}


@dataclass(frozen=True, slots=True)
class JobText:
    """The part of a file that belongs to one job."""

    program: str
    text: str


def split_jobs(text: str) -> list[JobText]:
    """Jobs of a file, in order; empty when no program is recognised."""
    return [
        JobText(job.program, part)
        for job in _split_at_banners(text)
        for part in PROGRAMS[job.program].chained(job.text)
    ]


def _split_at_banners(text: str) -> list[JobText]:
    """Cut where a job opens.

    A banner inside an unfinished job of another program belongs to that job: ORCA and Gaussian can call xtb.
    """
    banners = sorted(
        (match.start(), name) for name, program in PROGRAMS.items() for match in program.banner.finditer(text)
    )
    if not banners:
        name = next((name for name, program in PROGRAMS.items() if program.marks.search(text)), None)
        return [JobText(name, text)] if name else []
    ends = {
        name: [match.start() for match in PROGRAMS[name].closing.finditer(text)] for name in {b[1] for b in banners}
    }
    opened = [banners[0]]
    for start, name in banners[1:]:
        last_start, last_name = opened[-1]
        n_ends_between = bisect(ends[last_name], start) - bisect(ends[last_name], last_start)
        if name == last_name or n_ends_between:
            opened.append((start, name))
    starts = [0, *(start for start, _ in opened[1:]), len(text)]
    return [JobText(name, text[starts[i] : starts[i + 1]]) for i, (_, name) in enumerate(opened)]
