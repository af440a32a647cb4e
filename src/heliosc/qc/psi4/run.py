"""The executor for Psi4."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from heliosc.qc.external.executor import ExternalExecutor, Invocation, probe_version
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.psi4 import input as psi4_input
from heliosc.qc.psi4.errors import ERROR_RULES
from heliosc.qc.psi4.marks import parse_own_output
from heliosc.qc.psi4.remedies import LADDERS


class Psi4Executor(ExternalExecutor):
    """Single points, optimisations and response properties with Psi4 (seen working with 1.3.2).

    References
    ----------
    Parrish et al., J. Chem. Theory Comput. 2017, 13, 3185. doi:10.1021/acs.jctc.7b00174
    """

    name = "psi4"
    install_hint = "install it with `apt-get install psi4` or `conda install -c conda-forge psi4`"
    default_settings: ClassVar = ProgramSettings(method="b3lyp", basis="def2-svp")
    default_executable: ClassVar = "psi4"
    error_rules: ClassVar = ERROR_RULES
    ladders: ClassVar = LADDERS
    check_settings = staticmethod(psi4_input.check_settings)
    input_text = staticmethod(psi4_input.build_input)
    parse = staticmethod(parse_own_output)

    def probe(self, path: str) -> str | None:
        # it imports itself first: half a second on an idle machine, ten and more on a busy one
        return probe_version([path, "--version"], pattern=r"^(\d+\.\d+\S*)\s*$", timeout_s=60.0)

    def invocation(self, path: str, job: Job, *, folder: Path, stem: str, settings: ProgramSettings) -> Invocation:
        return Invocation(
            argv=(path, "-i", f"{stem}.dat", "-o", f"{stem}.out", "-n", str(settings.n_cores)),
            input_name=f"{stem}.dat",
            output=f"{stem}.out",
            environment={"PSI_SCRATCH": str(folder)},
        )
