"""ORCA inputs."""

from __future__ import annotations

import re

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words
from heliosc.qc.orca.level import names_method

RESERVED = (
    "opt", "copt", "zopt", "gdiis-opt", "optts", "looseopt", "tightopt", "verytightopt", "optfirst", "engrad", "freq",
    "numfreq", "anfreq", "md", "irc", "neb", "neb-ts", "neb-ci", "moread", "xyzfile", "bohrs", "miniprint", "nopop",
    "extopt", "uhf", "uks", "rohf", "roks", "cpcm", "smd", "noiter", "compound", "dryrun", "readhess", "readfrag",
    "aimd", "goat", "docker", "solvator", "nmscan", "qmmm", "xtbdriver",
)  # fmt: skip
SOLVATION = ("cpcm", "smd")
_PROCESSES = re.compile(r"pal\d*", re.IGNORECASE)
_DISPERSION = {"": (), "d3bj": ("D3BJ",), "d4": ("D4",)}
_GRIDS = {"coarse": ("DefGrid1",), "normal": (), "fine": ("DefGrid3",)}  # of ORCA 5 and later; 2 is its default
_TASKS = {"energy": (), "optimize": ("Opt",), "excitations": (), "polarizability": (), "frequencies": ("Freq",)}


def check_settings(settings: ProgramSettings) -> None:
    """Refuse words that change the job, its start or what is printed.

    Raises
    ------
    InputError : such a word, or a solvent model that ORCA does not have
    """
    refuse_words(settings, reserved=RESERVED, program="ORCA")
    for word in settings.keywords:
        if _PROCESSES.fullmatch(word):
            raise InputError(f"ORCA: {word!r} sets the number of processes; set qc.resources.cores_per_task instead")
        if names_method(word.lower()):
            raise InputError(
                f"ORCA: {word!r} names a method or correction; it belongs to the level, e.g. b3lyp-d4/BASIS"
            )
    if settings.solvation not in ("", *SOLVATION):
        raise InputError(f"ORCA has no solvent model {settings.solvation!r}; expected one of: {', '.join(SOLVATION)}")


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; ORCA itself turns an open shell into UHF or UKS."""
    words = [
        settings.method,
        settings.basis,
        *_DISPERSION[settings.dispersion],
        *_GRIDS[settings.grid],
        *settings.keywords,
        *settings.scf_words,
        *_TASKS[job.task],
    ]
    if settings.guess:
        words.append("MORead")
    blocks = [f"! {' '.join(words)}", *_resources(settings), f"%scf MaxIter {settings.max_scf_cycles} end"]
    if settings.guess:
        blocks.append('%moinp "guess.gbw"')
    if settings.solvation:
        blocks.append(_solvent(settings))
    if job.task == "optimize":
        lines = "".join(f" {word.replace('=', ' ')}" for word in settings.geometry_words)
        blocks.append(f"%geom MaxIter {settings.max_optimization_cycles}{lines} end")
    elif job.task == "excitations":
        blocks.append("%tddft NRoots 5 TDA true Triplets true end")
    elif job.task == "polarizability":
        blocks.append("%elprop Polar 1 end")
    return "\n".join([*blocks, *_atoms(job)])


def build_guess(job: Job, *, settings: ProgramSettings) -> str:
    """Input of the orbitals in a smaller basis; ORCA leaves them in ``guess.gbw``."""
    words = " ".join([settings.method, settings.guess, "SlowConv"])
    return "\n".join([f"! {words}", *_resources(settings), "%scf MaxIter 500 end", *_atoms(job)])


def _resources(settings: ProgramSettings) -> list[str]:
    blocks = [f"%maxcore {max(settings.program_memory_mb // settings.n_cores, 1)}"]
    if settings.n_cores > 1:
        blocks.append(f"%pal nprocs {settings.n_cores} end")
    return blocks


def _solvent(settings: ProgramSettings) -> str:
    if settings.solvation == "smd":
        return f'%cpcm smd true SMDsolvent "{settings.solvent}" end'
    return f'%cpcm solvent "{settings.solvent}" end'


def _atoms(job: Job) -> list[str]:
    return [f"* xyz {job.charge} {job.multiplicity}", job.atom_lines(), "*", ""]
