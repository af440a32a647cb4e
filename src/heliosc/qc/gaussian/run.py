"""The executor for Gaussian."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from heliosc.qc.external.executor import ExternalExecutor, Invocation, probe_version
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.gaussian import input as gaussian_input
from heliosc.qc.gaussian.errors import ERROR_RULES
from heliosc.qc.gaussian.parse import VERSION_PATTERN, parse_output
from heliosc.qc.gaussian.remedies import LADDERS

_HELIUM_PROBE = "#P HF/STO-3G\n\nprobe\n\n0 1\nHe 0.0 0.0 0.0\n\n"


class GaussianExecutor(ExternalExecutor):
    """Single points and optimisations with Gaussian, tried on recorded logs of 09 and 16.

    Gaussian has no version switch: it is recognised by the banner of a helium atom.

    References
    ----------
    Frisch et al., Gaussian 16, Gaussian, Inc., Wallingford CT, 2016.
    """

    name = "gaussian"
    install_hint = "Gaussian needs a licence (https://gaussian.com); put g16 on PATH or give its full path"
    default_settings: ClassVar = ProgramSettings(method="B3LYP", basis="def2-SVP")
    default_executable: ClassVar = "g16"
    error_rules: ClassVar = ERROR_RULES
    ladders: ClassVar = LADDERS
    check_settings = staticmethod(gaussian_input.check_settings)
    input_text = staticmethod(gaussian_input.build_input)
    guess_text = staticmethod(gaussian_input.build_guess)
    parse = staticmethod(parse_output)

    def probe(self, path: str) -> str | None:
        return probe_version([path], pattern=VERSION_PATTERN, timeout_s=30.0, stdin_text=_HELIUM_PROBE)

    def invocation(self, path: str, job: Job, *, folder: Path, stem: str, settings: ProgramSettings) -> Invocation:
        return Invocation(
            argv=(path,),
            input_name=f"{stem}.com",
            stdin=f"{stem}.com",
            environment={"GAUSS_SCRDIR": str(folder)},
        )
