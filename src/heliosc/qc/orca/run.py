"""The executor for ORCA."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from heliosc.qc.external.executor import ExternalExecutor, Invocation, probe_version
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.orca import input as orca_input
from heliosc.qc.orca.errors import ERROR_RULES
from heliosc.qc.orca.parse import VERSION_PATTERN, parse_output
from heliosc.qc.orca.remedies import LADDERS

PROBE_TIMEOUT_S = 10.0


class OrcaExecutor(ExternalExecutor):
    """Single points and optimisations with ORCA, tried on recorded outputs of versions 4 to 6.

    On Linux desktops ``orca`` is often the screen reader: the program is recognised by its banner.

    References
    ----------
    Neese, WIREs Comput. Mol. Sci. 2022, 12, e1606. doi:10.1002/wcms.1606
    """

    name = "orca"
    install_hint = (
        "register and download ORCA at https://www.faccts.de/orca, then put it on PATH or give its full path; "
        "the `orca` of Debian is a screen reader"
    )
    default_settings: ClassVar = ProgramSettings(method="B3LYP", basis="def2-SVP")
    default_executable: ClassVar = "orca"
    error_rules: ClassVar = ERROR_RULES
    ladders: ClassVar = LADDERS
    check_settings = staticmethod(orca_input.check_settings)
    input_text = staticmethod(orca_input.build_input)
    guess_text = staticmethod(orca_input.build_guess)
    parse = staticmethod(parse_output)

    def probe(self, path: str) -> str | None:
        # every version prints its banner before it looks for the input file
        return probe_version([path, "no_such_input"], pattern=VERSION_PATTERN, timeout_s=PROBE_TIMEOUT_S)

    def invocation(self, path: str, job: Job, *, folder: Path, stem: str, settings: ProgramSettings) -> Invocation:
        return Invocation(
            argv=(path, f"{stem}.inp"),  # ORCA in parallel starts itself and needs its full path
            input_name=f"{stem}.inp",
            environment={"OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},  # its processes are MPI ranks
        )
