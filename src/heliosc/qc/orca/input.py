"""ORCA inputs."""

from __future__ import annotations

from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words

RESERVED = (
    "opt", "copt", "zopt", "gdiis-opt", "optts", "looseopt", "tightopt", "verytightopt", "optfirst", "engrad", "freq",
    "numfreq", "anfreq", "md", "irc", "neb", "neb-ts", "neb-ci", "moread", "xyzfile", "bohrs", "miniprint", "nopop",
    "extopt", "uhf", "uks", "rohf", "roks",
)  # fmt: skip


def check_settings(settings: ProgramSettings) -> None:
    """Refuse words that change the job, its start or what is printed.

    Raises
    ------
    InputError : such a word
    """
    refuse_words(settings, reserved=RESERVED, program="ORCA")


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; ORCA itself turns an open shell into UHF or UKS."""
    task = ["Opt"] if job.task == "optimize" else []
    blocks = [
        "! " + " ".join([settings.method, settings.basis, *settings.keywords, *task]),
        f"%maxcore {max(settings.program_memory_mb // settings.n_cores, 1)}",
        f"%scf MaxIter {settings.max_scf_cycles} end",
    ]
    if settings.n_cores > 1:
        blocks.append(f"%pal nprocs {settings.n_cores} end")
    if task:
        blocks.append(f"%geom MaxIter {settings.max_optimization_cycles} end")
    return "\n".join([*blocks, f"* xyz {job.charge} {job.multiplicity}", job.atom_lines(), "*", ""])
