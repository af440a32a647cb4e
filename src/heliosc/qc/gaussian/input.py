"""Gaussian inputs."""

from __future__ import annotations

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words

RESERVED = (
    "opt",
    "popt",
    "freq",
    "force",
    "geom",
    "guess",
    "iop",
    "scan",
    "irc",
    "td",
    "cis",
    "stable",
    "external",
    "oniom",
)


def check_settings(settings: ProgramSettings) -> None:
    """Refuse words that change the job, its start or the checks in Gaussian.

    Raises
    ------
    InputError : such a word, or a slash, which separates method and basis
    """
    refuse_words(settings, reserved=RESERVED, program="Gaussian")
    for word in (settings.method, settings.basis, *settings.keywords):
        if "/" in word:
            raise InputError(f"Gaussian: {word!r} holds a slash; give method and basis as two settings")


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; without symmetry, so that geometries stay in the caller's frame."""
    route = [
        f"#P {settings.method}/{settings.basis}",
        "nosymm",
        f"scf=(maxcycle={settings.max_scf_cycles})",
        *settings.keywords,
    ]
    if job.task == "optimize":
        route.append(f"opt=(maxcycles={settings.max_optimization_cycles})")
    lines = [
        f"%nprocshared={settings.n_cores}",
        f"%mem={settings.program_memory_mb}MB",
        *route,  # one word a line: a route may go on over lines, and a line has a length limit
        "",
        "heliosc",
        "",
        f"{job.charge} {job.multiplicity}",
        job.atom_lines(),
        "",
        "",
    ]
    return "\n".join(lines)
