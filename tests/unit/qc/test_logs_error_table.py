"""Every row of the table of errors: the text that a program writes, the class it means, the remedy it names.

The texts are recorded ones where we have them: from the reference data (``recorded_log``), or from runs of our own that
were made to fail (``tests/data/logs/failures``). The others are literal lines of the programs.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.errors import (
    CalculationTimeoutError,
    ConvergenceError,
    HelioscError,
    InputError,
    MissingDependencyError,
    ParseError,
    ResourceError,
    TransientError,
)
from heliosc.qc.external.outputs import classify
from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.jobs import LogFailure, LogJob, read_jobs
from heliosc.qc.logs.programs import PROGRAMS
from heliosc.qc.xtb.errors import classified_error

OWN = Path(__file__).parents[2] / "data" / "logs"
HEADS = {
    "orca": " * O   R   C   A *\nProgram Version 5.0.3\n",
    "gaussian": " Initial command:\n Gaussian 16, Revision C.01\n",
    "psi4": "   Psi4: An Open-Source\n   Psi4 1.3.2 release\n",
    "xtb": "  |    x T B    |\n   * xtb version 6.5.1\n",
}


def refused(text: str, folder: Path = OWN) -> LogFailure:
    (found,) = read_jobs(LogFile("any.out", "", text), folder=folder)
    assert isinstance(found, LogFailure), found
    return found


def own(name: str) -> str:
    return gzip.decompress((OWN / "failures" / name).read_bytes()).decode()


LITERAL = [
    ("orca", "SCF NOT CONVERGED AFTER 125 CYCLES", ConvergenceError, "SlowConv"),
    ("orca", "FINAL SINGLE POINT ENERGY     -2821.9   (SCF not fully converged!)", ConvergenceError, "SlowConv"),
    ("orca", "ORCA finished by error termination in SCF", ConvergenceError, "SlowConv"),
    ("orca", "ORCA finished by error termination in LEANSCF", ConvergenceError, "SlowConv"),
    ("orca", "Error  (ORCA_SCF): Not enough memory available!", ResourceError, "memory"),
    ("orca", "Please increase MaxCore to more than: 3500 MB", ResourceError, "more than: 3500 MB"),
    ("orca", "not a single batch is possible with the present MaxCore", ResourceError, "n_cores"),
    ("orca", "UNRECOGNIZED OR DUPLICATED KEYWORD(S) IN SIMPLE INPUT LINE\n  B3LIP", InputError, "B3LIP"),
    (
        "orca",
        "Error : multiplicity (1) is odd and number of electrons (9) is odd -> impossible",
        InputError,
        "multiplicity",
    ),
    ("orca", "[file orca_main/maininp2.cpp] INPUT ERROR", InputError, "correct the input"),
    (
        "orca",
        "mpirun noticed that process rank 3 with PID 0 on node n01 exited on signal 9 (Killed).",
        TransientError,
        "n_cores 1",
    ),
    ("gaussian", " Convergence failure -- run terminated.", ConvergenceError, "yqc"),
    ("gaussian", " Optimization stopped.\n    -- Number of steps exceeded,", ConvergenceError, "last geometry"),
    ("gaussian", " FormBX had a problem.", ConvergenceError, "Cartesian"),
    ("gaussian", " Linear angle in Tors.", ConvergenceError, "Cartesian"),
    ("gaussian", " Bend failed for angle     2 -    13 -     7", ConvergenceError, "Cartesian"),
    ("gaussian", " Error termination via Lnk1e in /opt/g16/l103.exe at Fri", ConvergenceError, "cartesian"),
    ("gaussian", " Out-of-memory error in routine RdGeom-1\n Use %mem=11MW to provide", ResourceError, "%mem=11MW"),
    ("gaussian", "galloc:  could not allocate memory.", ResourceError, "memory"),
    ("gaussian", " Bad file opened by FileIO: Unit= 1", ResourceError, "scratch"),
    ("gaussian", " FileIO operation on non-existent file.", ResourceError, "scratch"),
    ("gaussian", " No data on chk file.", ResourceError, "missing or broken"),
    ("gaussian", " Erroneous write. Write -1 instead of 4096.", ResourceError, "free space"),
    ("gaussian", " QPErr --- A syntax error was detected in the input line.", InputError, "correct the input"),
    ("gaussian", " End of file in ZSymb.", InputError, "correct the input"),
    (
        "gaussian",
        " The combination of multiplicity  1 and\n     9 electrons is impossible.",
        InputError,
        "charge and multiplicity",
    ),
    ("psi4", "PsiException: Could not converge SCF iterations in 100 iterations.", ConvergenceError, "soscf"),
    (
        "psi4",
        "OptimizationConvergenceError: Could not converge geometry optimization in 50",
        ConvergenceError,
        "restart",
    ),
    ("psi4", "PSIO Error: unit = 97, errval = 12", TransientError, "disk"),
    ("psi4", "PSIO_ERROR: 12 (Write error)\nNo space left on device", ResourceError, "free space"),
    ("psi4", "ValidationError: Inconsistent or unspecified chg/mult: sys chg: None", InputError, "multiplicity"),
    ("psi4", "*** Psi4 encountered an error. Buy a developer more coffee!", InputError, "read the end"),
    ("xtb", "-3- scf: Self consistent charge iterator did not converge", ConvergenceError, "--iterations 500"),
    ("xtb", "file .sccnotconverged was written", ConvergenceError, "--etemp 1000"),
    ("xtb", "[ERROR] Program stopped due to fatal error\n-1- something unheard of", ParseError, "does not know"),
    ("xtb", "*** FAILED TO CONVERGE GEOMETRY OPTIMIZATION IN 200 ITERATIONS ***", ConvergenceError, "xtbopt.xyz"),
    ("xtb", "-1- xtb_calculator: Parameter file param_ipea-xtb.txt not found!", MissingDependencyError, "XTBPATH"),
]


@pytest.mark.parametrize(("program", "line", "error", "remedy"), LITERAL)
def test_literal_lines(program: str, line: str, error: type[HelioscError], remedy: str) -> None:
    text = f"{HEADS[program]}{line}\n"
    found = refused(text)
    assert (found.program, found.error_class) == (program, error.kind)
    assert remedy in found.reason
    entry = PROGRAMS[program]
    assert type(classify(text, rules=entry.error_rules, output=entry.parse(text), reason="x")) is error


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("psi4_scf.out.gz", ConvergenceError, "Could not converge SCF iterations in 2 iterations"),
        ("psi4_opt.out.gz", ConvergenceError, "Could not converge geometry optimization in 1 iterations"),
        ("psi4_mult.out.gz", InputError, "Inconsistent or unspecified chg/mult"),
        ("psi4_basis.out.gz", InputError, "Unable to find a basis set"),
        ("psi4_d3.out.gz", MissingDependencyError, "dftd3"),
        ("xtb_noscc.out.gz", ConvergenceError, "Self consistent charge iterator did not converge"),
        ("xtb_unconv.out.gz", ConvergenceError, "FAILED TO CONVERGE GEOMETRY OPTIMIZATION"),
        ("xtb_noparam.out.gz", MissingDependencyError, "param_ipea-xtb.txt not found"),
    ],
)
def test_runs_of_our_own_that_failed(name: str, error: type[HelioscError], words: str) -> None:
    found = refused(own(name))
    assert found.error_class == error.kind
    assert words in found.reason


def test_double_hybrid_energy_is_not_taken_from_the_scf() -> None:
    found = refused(own("psi4_b2plyp.out.gz"))
    assert found.error_class == "parse"
    assert "double-hybrid" in found.reason


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("cclib-data/fail/ORCA4.0_scf_not_converged_IrCl6_sp.out", ConvergenceError, "SCF NOT CONVERGED AFTER 125"),
        ("aiida-orca/unrestricted/aiida.out", ConvergenceError, "reached the maximum number"),
        ("custodian/gaussian/scf_convergence_algorithm.out.gz", ConvergenceError, "Convergence failure"),
        ("custodian/gaussian/opt_steps_cycles.out.gz", ConvergenceError, "Optimization stopped."),
        ("autodE/g09_angle_fail_g09.log", ConvergenceError, "Bend failed for angle"),
        ("custodian/gaussian/insufficient_memory.out.gz", ResourceError, "Use %mem=11MW"),
        ("custodian/gaussian/bad_file.out.gz", ResourceError, "Bad file opened by FileIO"),
        ("custodian/gaussian/missing_file.out.gz", ResourceError, "non-existent file"),
        ("custodian/gaussian/zmatrix.out.gz", InputError, "End of file in ZSymb."),
        ("cclib-data/fail/G03_DCV4T+C60_truncated.log", CalculationTimeoutError, "killed"),
        ("cclib-data/fail/Psi4beta5_killed_in_scf.out", CalculationTimeoutError, "killed"),
    ],
)
def test_recorded_failures(
    recorded_log: Callable[[str], str], name: str, error: type[HelioscError], words: str
) -> None:
    found = refused(recorded_log(name))
    assert found.error_class == error.kind
    assert words in found.reason


@pytest.mark.parametrize("program", HEADS)
def test_neither_banner_nor_error_means_killed(program: str) -> None:
    assert refused(HEADS[program]).error_class == CalculationTimeoutError.kind


@pytest.mark.parametrize(
    "name",
    [
        "cclib/ORCA6.0/dvb_gopt.out",
        "cclib/ORCA5.0/dvb_gopt.out",
        "cclib/Gaussian16/dvb_gopt.out",
        "cclib/Psi4-1.3.1/dvb_gopt_rks.out",
        "cclib/XTB6.6.1/dvb_opt/dvb_opt.out",
    ],
)
def test_success_needs_more_than_the_closing_banner(recorded_log: Callable[[str], str], name: str) -> None:
    text = recorded_log(name)
    (found,) = read_jobs(LogFile(name, "", text), folder=OWN)
    assert isinstance(found, LogJob)
    assert found.is_minimum
    for mark in (
        "THE OPTIMIZATION HAS CONVERGED",
        "Optimization completed.",
        "Optimization is complete!",
        "GEOMETRY OPTIMIZATION CONVERGED AFTER",
    ):
        text = text.replace(mark, "")
    assert refused(text).error_class == ConvergenceError.kind


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SCF not converged in 250 cycles", ConvergenceError),
        ("Too close interatomic distances found", InputError),
        ("Charge and multiplicity are not compatible with the electron count", InputError),
    ],
)
def test_messages_of_tblite(text: str, error: type[HelioscError]) -> None:
    assert type(classified_error(text, program="tblite")) is error
