"""The executor for the ``xtb`` program, driven by its command line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from heliosc.errors import InputError
from heliosc.qc.external.executor import ExternalExecutor, Invocation, probe_version
from heliosc.qc.external.outputs import ProgramOutput
from heliosc.qc.external.remedies import Ladders, Remedy
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.xtb.errors import ERROR_RULES
from heliosc.qc.xtb.parse import parse_output

HAMILTONIANS = {"gfn2": "2", "gfn1": "1"}
SOLVATION = ("alpb", "gbsa")
PARAMETERS = "/usr/share/xtb"  # where Debian puts them
_HOT_K = "1000"

LADDERS: Ladders = {
    "scf": (
        Remedy("500 iterations", max_cycles=500),
        Remedy(f"restart from {_HOT_K} K", max_cycles=500, guess=_HOT_K),
    ),
    "geometry": (
        Remedy("from the last geometry", max_cycles=500),
        Remedy("from the last geometry once more", max_cycles=1000),
    ),
}
_TASKS = {"energy": (), "optimize": ("--opt", "normal"), "frequencies": ("--hess",)}


def check_settings(settings: ProgramSettings) -> None:
    """Hold settings against what the program has.

    Raises
    ------
    InputError : another method, free keywords, or an unknown solvent model
    """
    if settings.method.lower() not in HAMILTONIANS:
        raise InputError(f"xtb runs {', '.join(HAMILTONIANS)}, not {settings.method!r}; ipea1 runs with program tblite")
    if settings.keywords:
        raise InputError(f"xtb takes no free keywords, got {', '.join(settings.keywords)}; it ignores unknown ones")
    if settings.solvation not in ("", *SOLVATION):
        raise InputError(f"xtb has no solvent model {settings.solvation!r}; expected one of: {', '.join(SOLVATION)}")


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """The geometry; everything else is said on the command line.

    Raises
    ------
    InputError : excited states, or a polarizability, of which xtb has only an atom-additive estimate
    """
    if job.task not in _TASKS:
        raise InputError(f"xtb gives no {job.task}; use program tblite for the polarizability, a DFT level for states")
    return job.geometry.to_xyz()


class XtbExecutor(ExternalExecutor):
    """GFN2-xTB or GFN1-xTB with the ``xtb`` program (seen working with 6.5.1).

    Charge and unpaired electrons are always given: xtb runs a wrong parity silently, and ignores unknown options.

    References
    ----------
    Bannwarth et al., WIREs Comput. Mol. Sci. 2021, 11, e1493. doi:10.1002/wcms.1493
    """

    name = "xtb"
    install_hint = "install it with `apt-get install xtb` or `conda install -c conda-forge xtb`"
    default_settings: ClassVar = ProgramSettings(method="gfn2", basis="")
    default_executable: ClassVar = "xtb"
    error_rules: ClassVar = ERROR_RULES
    ladders: ClassVar = LADDERS
    check_settings = staticmethod(check_settings)
    input_text = staticmethod(build_input)
    guess_text = staticmethod(build_input)
    parse = staticmethod(parse_output)

    def probe(self, path: str) -> str | None:
        return probe_version([path, "--version"], pattern=r"xtb version (\S+)", timeout_s=10.0)

    def completed(self, output: ProgramOutput, *, job: Job) -> ProgramOutput:
        """A single point does not print its geometry; it is the one given."""
        if output.geometry is not None or job.task == "optimize":
            return output
        return replace(output, geometry=job.geometry)

    def invocation(self, path: str, job: Job, *, folder: Path, stem: str, settings: ProgramSettings) -> Invocation:
        argv = [path, f"{stem}.xyz", "--gfn", HAMILTONIANS[settings.method.lower()]]
        argv += ["--chrg", str(job.charge), "--uhf", str(job.multiplicity - 1)]
        argv += ["--iterations", str(settings.max_scf_cycles), "--parallel", str(settings.n_cores)]
        if settings.solvation:
            argv += [f"--{settings.solvation}", settings.solvent]
        if stem == "guess":
            argv += ["--etemp", settings.guess]  # leaves its charges in xtbrestart, from which the next run starts
        else:
            argv += _TASKS[job.task]
            if job.task == "optimize":
                argv += ["--cycles", str(settings.max_optimization_cycles)]
            if not settings.guess:
                argv.append("--norestart")
        environment = {"OMP_STACKSIZE": "2G", "XTBPATH": os.environ.get("XTBPATH", PARAMETERS)}
        return Invocation(argv=tuple(argv), input_name=f"{stem}.xyz", environment=environment)
