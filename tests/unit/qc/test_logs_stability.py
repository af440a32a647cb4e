"""What outputs say of the stability of their SCF solution.

ORCA's and Gaussian's sentences are put into recorded outputs, which hold no such analysis; Psi4's were seen in a run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.jobs import LogFailure, LogJob, read_jobs

_ORCA = (
    "SCF STABILITY ANALYSIS RESULT\n-----------------------------\n{kind}\n\nStability Analysis indicates {verdict}\n"
)
_ORCA_UNSTABLE, _ORCA_STABLE = (
    "an UNSTABLE HF/KS wave function with 1 negative eigenvalue.",
    "a stable HF/KS wave function.",
)
_ORCA_INTERNAL = _ORCA.format(kind="UHF/UKS->UHF/UKS - internal", verdict=_ORCA_UNSTABLE)
_ORCA_EXTERNAL = _ORCA.format(kind="RHF/RKS->UHF/UKS - triplet - external", verdict=_ORCA_UNSTABLE)
_ORCA_MENDED = _ORCA_INTERNAL + _ORCA.format(kind="UHF/UKS->UHF/UKS - internal", verdict=_ORCA_STABLE)
_GAUSSIAN_INTERNAL = " The wavefunction has an internal instability.\n"
_GAUSSIAN_EXTERNAL = " The wavefunction has an RHF -> UHF instability.\n"
_GAUSSIAN_MENDED = f"{_GAUSSIAN_INTERNAL} The wavefunction is stable under the perturbations considered.\n"
_PSI4_UNSTABLE = "    Negative totally symmetric eigenvalue detected: -0.510906 \n    Wavefunction unstable!\n"
_PSI4_MENDED = f"{_PSI4_UNSTABLE}    Wavefunction stable under totally symmetric rotations.\n"
_FILES = {
    "orca": ("ORCA5.0/dvb_sp_un.out", "FINAL SINGLE POINT ENERGY"),
    "gaussian": ("Gaussian09/dvb_un_sp.log", " Normal termination of Gaussian"),
    "psi4": ("Psi4-1.7/dvb_sp_uhf.out", "*** Psi4 exiting successfully"),
}


def _read(folder: Path, program: str, said: str) -> LogJob | LogFailure:
    name, mark = _FILES[program]
    text = (folder / "cclib" / name).read_text().replace(mark, said + mark)
    (found,) = read_jobs(LogFile(name, "0" * 64, text), folder=Path("nowhere"))
    return found


@pytest.mark.parametrize(
    ("program", "said"), [("orca", _ORCA_INTERNAL), ("gaussian", _GAUSSIAN_INTERNAL), ("psi4", _PSI4_UNSTABLE)]
)
def test_an_unstable_solution_is_no_result(recorded_logs_folder: Path, program: str, said: str) -> None:
    found = _read(recorded_logs_folder, program, said)
    assert isinstance(found, LogFailure)
    assert (found.error_class, "unstable solution" in found.reason) == ("convergence", True)


@pytest.mark.parametrize(
    ("program", "said"), [("orca", _ORCA_MENDED), ("gaussian", _GAUSSIAN_MENDED), ("psi4", _PSI4_MENDED)]
)
def test_a_solution_that_was_left_does_not_count(recorded_logs_folder: Path, program: str, said: str) -> None:
    found = _read(recorded_logs_folder, program, said)
    assert isinstance(found, LogJob)
    assert not any("unstable" in flag for flag in found.flags)


@pytest.mark.parametrize(("program", "said"), [("orca", _ORCA_EXTERNAL), ("gaussian", _GAUSSIAN_EXTERNAL)])
def test_an_unrestricted_solution_below_is_flagged(recorded_logs_folder: Path, program: str, said: str) -> None:
    found = _read(recorded_logs_folder, program, said)
    assert isinstance(found, LogJob)
    assert sum("unstable against" in flag for flag in found.flags) == 1
