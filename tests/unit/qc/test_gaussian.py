"""Gaussian: inputs, recorded logs (numbers taken from them by hand), and the run path with a labelled fake."""

from __future__ import annotations

import sys
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
)
from heliosc.qc.external.outputs import classify, failure_reason
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.gaussian import GaussianExecutor
from heliosc.qc.gaussian.errors import ERROR_RULES
from heliosc.qc.gaussian.parse import parse_output
from heliosc.qc.geometries import Geometry

WATER_LOG = """\
 FAKE LOG in Gaussian's format, written for a test; its numbers are made up.
 Initial command:
 Entering Link 1 = /fake/l1.exe PID=         1.
 Gaussian 16, Revision C.01,
 Charge =  0 Multiplicity = 1
                          Input orientation:
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
      1          8           0        0.000000    0.000000    0.117300
      2          1           0        0.000000    0.757200   -0.469200
      3          1           0        0.000000   -0.757200   -0.469200
 ---------------------------------------------------------------------
 SCF Done:  E(RB3LYP) =  -76.3500000000     A.U. after    9 cycles
 Alpha  occ. eigenvalues --  ********** -0.97000-100.50000  -0.29000
 Alpha virt. eigenvalues --    0.06000   0.14000
 Dipole moment (field-independent basis, Debye):
    X=              0.0000    Y=              0.0000    Z=              2.0000  Tot=              2.0000
 Normal termination of Gaussian 16 at Thu Apr  5 09:06:04 2018.
"""


def test_input_text(water: Geometry) -> None:
    settings = ProgramSettings("B3LYP", "def2SVP", ("int=ultrafine",), n_cores=2, memory_mb=4000)
    text = GaussianExecutor(settings).build_input(Job(water, -1, 2, "optimize"))
    assert text == (
        "%nprocshared=2\n%mem=3000MB\n"
        "#P B3LYP/def2SVP\nnosymm\nscf=(maxcycle=200)\nint=ultrafine\nopt=(maxcycles=200)\n"
        "\nheliosc\n\n-1 2\n"
        "O      0.00000000     0.00000000     0.11730000\n"
        "H      0.00000000     0.75720000    -0.46920000\n"
        "H      0.00000000    -0.75720000    -0.46920000\n\n"
    )


@pytest.mark.parametrize(
    ("name", "version", "energy", "homo_hartree", "lumo_hartree", "dipole", "n_atoms"),
    [
        ("cclib/Gaussian16/Trp_polar.log", "Gaussian 16, Revision A.03", -673.590571157, -0.22567, 0.24758, 2.7110, 27),
        ("cclib/Gaussian16/dvb_sp.out", "Gaussian 16, Revision A.03", -382.308266602, -0.15308, 0.03742, None, 20),
        ("cclib/Gaussian09/dvb_gopt.out", "Gaussian 09, Revision D.01", -382.308266580, -0.15308, 0.03742, 0.0, 20),
    ],
)
def test_recorded_closed_shells(
    recorded_log: Callable[[str], str],
    name: str,
    version: str,
    energy: float,
    homo_hartree: float,
    lumo_hartree: float,
    dipole: float | None,
    n_atoms: int,
) -> None:
    output = parse_output(recorded_log(name))
    assert output.version == version
    assert output.terminated_normally
    assert output.scf_converged
    assert output.energy_hartree == pytest.approx(energy, abs=1e-9)
    assert output.homo_eV == pytest.approx(homo_hartree * 27.211386, abs=1e-4)
    assert output.lumo_eV == pytest.approx(lumo_hartree * 27.211386, abs=1e-4)
    assert output.dipole_debye == dipole
    assert (output.charge, output.multiplicity) == (0, 1)
    assert output.geometry is not None
    assert output.geometry.n_atoms == n_atoms


def test_recorded_open_shell(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/Gaussian09/dvb_un_sp.log"))
    assert output.energy_hartree == pytest.approx(-382.081395204, abs=1e-9)
    assert output.s_squared == pytest.approx(0.7778)
    assert (output.charge, output.multiplicity) == (1, 2)
    assert output.homo_eV == pytest.approx(-0.36976 * 27.211386, abs=1e-4)
    assert output.lumo_eV == pytest.approx(-0.17750 * 27.211386, abs=1e-4)


def test_recorded_optimisation(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("autodE/g09_opt_g09.log"))
    assert output.optimization_converged is True
    assert output.energy_hartree == pytest.approx(-499.729222331, abs=1e-9)
    assert output.n_energies == 3
    assert output.geometry is not None
    assert sorted(output.geometry.symbols) == ["C", "Cl", "H", "H", "H"]


@pytest.mark.parametrize(
    ("name", "error", "marker"),
    [
        (
            "custodian/gaussian/scf_convergence_algorithm.out.gz",
            ConvergenceError,
            "Convergence failure -- run terminated",
        ),
        ("custodian/gaussian/scf_convergence_better_guess.out.gz", ConvergenceError, "Convergence failure"),
        ("custodian/gaussian/opt_steps_cycles.out.gz", ConvergenceError, "Optimization stopped"),
        ("cclib-data/fail/G09_dvb_gopt_unconverged_l9999.log", ConvergenceError, "Optimization stopped"),
        ("autodE/g09_angle_fail_g09.log", ConvergenceError, "Bend failed for angle"),
        ("custodian/gaussian/linear_bend.tail60k.out.gz", ConvergenceError, "Cartesian"),
        ("custodian/gaussian/insufficient_memory.out.gz", ResourceError, "Use %mem=11MW"),
        ("custodian/gaussian/bad_file.out.gz", ResourceError, "Bad file opened"),
        ("custodian/gaussian/missing_file.out.gz", ResourceError, "non-existent file"),
        ("custodian/gaussian/zmatrix.out.gz", InputError, "End of file in ZSymb"),
        ("custodian/gaussian/missing_mol.out.gz", InputError, "Input Error"),
        ("custodian/gaussian/found_coords.out.gz", InputError, "Atom specifications unexpectedly found"),
        ("cclib-data/fail/G03_DCV4T+C60_truncated.log", CalculationTimeoutError, "probably killed"),
    ],
)
def test_recorded_failures(
    recorded_log: Callable[[str], str], water: Geometry, name: str, error: type[HelioscError], marker: str
) -> None:
    text = recorded_log(name)
    output = parse_output(text)
    reason = failure_reason(output, job=Job(water, 0, 1, "optimize"), exit_code=1)
    assert reason is not None
    found = classify(text, rules=ERROR_RULES, output=output, reason=reason)
    assert type(found) is error
    assert marker in str(found)


def test_energy_of_an_unconverged_scf_does_not_count(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("custodian/gaussian/scf_convergence_algorithm.out.gz"))
    assert output.energy_hartree is not None
    assert not output.scf_converged


def test_log_with_lost_geometry_is_no_success_in_spite_of_its_banner(
    recorded_log: Callable[[str], str], water: Geometry
) -> None:
    output = parse_output(recorded_log("aiida-gaussian/nan_inf/aiida.out"))
    assert output.terminated_normally
    assert output.optimization_converged
    assert failure_reason(output, job=Job(water, 0, 1, "optimize"), exit_code=0) is not None


def test_columns_that_touch_and_overflow_are_read_by_width() -> None:
    output = parse_output(WATER_LOG)
    assert output.homo_eV == pytest.approx(-0.29 * 27.211386, abs=1e-4)
    assert output.lumo_eV == pytest.approx(0.06 * 27.211386, abs=1e-4)


def test_post_scf_energy_is_refused() -> None:
    with pytest.raises(ParseError, match="double-hybrid"):
        parse_output(WATER_LOG + " E2 =    -0.2009946217D+00 EUMP2 =    -0.76198947163D+02\n")


def test_two_jobs_in_one_file_are_refused() -> None:
    with pytest.raises(ParseError, match="2 jobs"):
        parse_output(WATER_LOG + WATER_LOG)


def test_impossible_multiplicity_is_an_input_error() -> None:
    text = " The combination of multiplicity  1 and\n    9 electrons is impossible.\n"
    assert type(classify(text, rules=ERROR_RULES, output=parse_output(text), reason="x")) is InputError


def fake_gaussian(folder: Path, log: str) -> GaussianExecutor:
    """An executor over a fake that replays a text; no Gaussian is involved. It needs its input on standard input."""
    (folder / "replayed.log").write_text(log)
    program = folder / "g16"
    program.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        f"assert sys.stdin.read().rstrip().splitlines()[-1][0] in 'H'\n"
        f"sys.stdout.write(pathlib.Path({str(folder / 'replayed.log')!r}).read_text())\n"
    )
    program.chmod(0o755)
    return GaussianExecutor(executable=str(program), scratch=folder / "scratch")


def test_fake_run(tmp_path: Path, water: Geometry) -> None:
    executor = fake_gaussian(tmp_path, WATER_LOG)
    assert executor.version() == "Gaussian 16, Revision C.01"
    point = executor.single_point(water, charge=0, multiplicity=1)
    assert point.energy_hartree == -76.35
    assert point.dipole_debye == 2.0
    assert point.level == "b3lyp/def2-svp[gaussian]"


def test_fake_run_of_another_molecule_is_refused(tmp_path: Path, hydrogen: Geometry) -> None:
    executor = fake_gaussian(tmp_path, WATER_LOG)
    with pytest.raises(ParseError, match="the atoms are"):
        executor.single_point(hydrogen, charge=0, multiplicity=1)


def test_absent_program_is_said_with_how_to_get_it(tmp_path: Path, hydrogen: Geometry) -> None:
    executor = GaussianExecutor(executable=str(tmp_path / "g16"))
    assert not executor.found()
    with pytest.raises(MissingDependencyError, match="licence"):
        executor.single_point(hydrogen, charge=0, multiplicity=1)
