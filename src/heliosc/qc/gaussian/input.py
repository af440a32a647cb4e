"""Gaussian inputs."""

from __future__ import annotations

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words

RESERVED = (
    "opt", "popt", "freq", "force", "geom", "guess", "iop", "scan", "irc", "td", "cis", "stable", "external", "oniom",
    "scrf", "scf", "empiricaldispersion", "gen", "genecp", "chkbasis", "extrabasis", "extradensitybasis", "pseudo",
    "tda", "units", "counterpoise", "massage", "transformation", "fopt", "dkh", "douglaskrollhess", "charge", "field",
    "output", "punch", "restart", "rerun", "density", "admp", "bomd", "link0", "formcheck", "cphf",
)  # fmt: skip
SOLVATION = {"smd": "smd", "cpcm": "cpcm", "pcm": "iefpcm"}
FUNCTIONALS = {"pbe0": "PBE1PBE", "wb97x-d": "wB97XD", "cam-b3lyp": "CAM-B3LYP"}
_GRIDS = {"coarse": ["int=finegrid"], "normal": [], "fine": ["int=superfine"]}  # ultrafine is Gaussian 16's default
_TASKS = {
    "energy": [],
    "excitations": ["tda=(50-50,nstates=5)"],
    "polarizability": ["polar"],
    "frequencies": ["freq"],
}


def check_settings(settings: ProgramSettings) -> None:
    """Refuse words that change the job, its start or the checks in Gaussian.

    Raises
    ------
    InputError : such a word, a slash, which separates method and basis, D4, or a solvent model of another program
    """
    refuse_words(settings, reserved=RESERVED, program="Gaussian")
    for word in (settings.method, settings.basis, *settings.keywords):
        if "/" in word:
            raise InputError(f"Gaussian: {word!r} holds a slash; give method and basis as two settings")
        if "dkh" in word.lower() or "douglaskrollhess" in word.lower():
            raise InputError(f"Gaussian: {word!r} changes the Hamiltonian, which no level names; leave it out")
    if settings.dispersion not in ("", "d3bj"):
        raise InputError(f"Gaussian has no dispersion correction {settings.dispersion!r}; expected d3bj")
    if settings.solvation and settings.solvation not in SOLVATION:
        raise InputError(
            f"Gaussian has no solvent model {settings.solvation!r}; expected one of: {', '.join(SOLVATION)}"
        )


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; without symmetry, so that geometries stay in the caller's frame."""
    route = [
        f"#P {_method(settings.method)}/{_basis(settings.basis)}",
        "nosymm",
        f"scf=({','.join((f'maxcycle={settings.max_scf_cycles}', *settings.scf_words))})",
        *_GRIDS[settings.grid],
        *(["empiricaldispersion=gd3bj"] if settings.dispersion else []),
        *_solvent(settings),
        *settings.keywords,
    ]
    if settings.guess:
        route.append("guess=read")
    if job.task == "optimize":
        route.append(f"opt=({','.join((f'maxcycles={settings.max_optimization_cycles}', *settings.geometry_words))})")
    else:
        route += _TASKS[job.task]
    return _text(job, settings=settings, route=route, checkpoint="%oldchk=guess.chk" if settings.guess else "")


def build_guess(job: Job, *, settings: ProgramSettings) -> str:
    """Input of the orbitals in a smaller basis; Gaussian leaves them in ``guess.chk``."""
    route = [f"#P {_method(settings.method)}/{_basis(settings.guess)}", "nosymm", "scf=(maxcycle=500,xqc)"]
    return _text(job, settings=settings, route=route, checkpoint="%chk=guess.chk")


def _text(job: Job, *, settings: ProgramSettings, route: list[str], checkpoint: str) -> str:
    lines = [
        f"%nprocshared={settings.n_cores}",
        f"%mem={settings.program_memory_mb}MB",
        *([checkpoint] if checkpoint else []),
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


def _method(name: str) -> str:
    return FUNCTIONALS.get(name.lower(), name)


def _basis(name: str) -> str:
    """Gaussian writes the def2 sets without their hyphen."""
    return name.replace("-", "", 1) if name.lower().startswith("def2-") else name


def _solvent(settings: ProgramSettings) -> list[str]:
    return [f"scrf=({SOLVATION[settings.solvation]},solvent={settings.solvent})"] if settings.solvation else []
