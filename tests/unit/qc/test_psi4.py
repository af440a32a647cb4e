"""Psi4: inputs and recorded outputs (numbers taken from them by hand); the program itself runs in tests/programs."""

from __future__ import annotations

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
)
from heliosc.qc.external.outputs import classify, failure_reason
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.psi4 import Psi4Executor
from heliosc.qc.psi4.errors import ERROR_RULES
from heliosc.qc.psi4.marks import parse_own_output
from heliosc.qc.psi4.parse import parse_output


def test_input_text(water: Geometry) -> None:
    settings = ProgramSettings("b3lyp", "6-31G(d,p)", ("scf_type=df",), memory_mb=2000)
    text = Psi4Executor(settings).build_input(Job(water, 0, 1, "optimize"))
    assert text.splitlines() == [
        "memory 1500 MB",
        "molecule heliosc {",
        "0 1",
        "O      0.00000000     0.00000000     0.11730000",
        "H      0.00000000     0.75720000    -0.46920000",
        "H      0.00000000    -0.75720000    -0.46920000",
        "units angstrom",
        "symmetry c1",
        "no_reorient",
        "no_com",
        "}",
        "set {",
        "basis 6-31G(d,p)",
        "reference rhf",
        "maxiter 200",
        "geom_maxiter 200",
        "scf_type df",
        "}",
        'heliosc_energy = optimize("b3lyp")',
        'print_out("heliosc energy %.12f\\n" % heliosc_energy)',
    ]


@pytest.mark.parametrize(("charge", "spins"), [(1, "(1,)"), (-1, "(0,)")])
def test_open_shells_are_started_from_exchanged_orbitals_too(water: Geometry, charge: int, spins: str) -> None:
    text = Psi4Executor(ProgramSettings("b3lyp", "6-31g")).build_input(Job(water, charge, 2))
    check = text[text.index("}\n", text.index("set {")) :]
    assert f"for heliosc_spin in {spins}:" in check
    assert check.index("set guess read") < check.index("heliosc_energy = ")
    compile(check.replace("set guess read", "").replace("set basis_guess false", "").lstrip("}\n"), "input", "exec")
    assert "heliosc_spin" not in Psi4Executor(ProgramSettings("mp2", "6-31g")).build_input(Job(water, charge, 2))


def test_lower_state_found_in_the_job_is_an_attempt(recorded_log: Callable[[str], str]) -> None:
    text = recorded_log("cclib/Psi4-1.3.1/dvb_sp_uks.out") + "\nheliosc lower state 0.014444\n"
    assert parse_own_output(text).notes == ("excited state of the open shell: the field 0.014444 Eh below is taken",)


def test_recorded_closed_shell(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/Psi4-1.3.1/dvb_sp_rks.out"))
    assert output.version == "1.3.1"
    assert output.energy_hartree == pytest.approx(-382.31092249631331, abs=1e-11)
    assert output.homo_eV == pytest.approx(-0.153010 * 27.211386, abs=1e-5)
    assert output.lumo_eV == pytest.approx(0.037507 * 27.211386, abs=1e-5)
    assert (output.charge, output.multiplicity) == (0, 1)
    assert output.geometry is not None
    assert failure_reason(output, job=Job(output.geometry, 0, 1), exit_code=0) is None


@pytest.mark.parametrize(
    ("name", "energy", "homo_hartree", "lumo_hartree", "s_squared"),
    [
        ("cclib/Psi4-1.3.1/dvb_sp_uks.out", -382.08410943870763, -0.369713, -0.177450, 0.7777722036),
        ("cclib/Psi4-1.7/dvb_sp_uhf.out", -379.60025441779283, -0.479072, -0.047715, 1.359952579),
    ],
)
def test_recorded_open_shells_take_alpha_orbitals(
    recorded_log: Callable[[str], str],
    name: str,
    energy: float,
    homo_hartree: float,
    lumo_hartree: float,
    s_squared: float,
) -> None:
    output = parse_output(recorded_log(name))
    assert output.energy_hartree == pytest.approx(energy, abs=1e-11)
    assert output.homo_eV == pytest.approx(homo_hartree * 27.211386, abs=1e-4)
    assert output.lumo_eV == pytest.approx(lumo_hartree * 27.211386, abs=1e-4)
    assert output.s_squared == pytest.approx(s_squared, abs=1e-9)
    assert output.dipole_debye == 0.0
    assert (output.charge, output.multiplicity) == (1, 2)


def test_recorded_optimisation(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/Psi4-1.3.1/dvb_gopt_rks.out"))
    assert output.optimization_converged is True
    assert output.n_energies == 3
    assert output.geometry is not None
    assert output.geometry.n_atoms == 20


def test_own_mark_outranks_the_scf_energy(recorded_log: Callable[[str], str]) -> None:
    text = recorded_log("cclib/Psi4-1.3.1/dvb_sp_rks.out") + "\nheliosc energy -400.000000000000\n"
    assert parse_output(text).energy_hartree == -400.0


def test_killed_program_is_a_timeout(recorded_log: Callable[[str], str], water: Geometry) -> None:
    text = recorded_log("cclib-data/fail/Psi4beta5_killed_in_scf.out")
    output = parse_output(text)
    reason = failure_reason(output, job=Job(water, 0, 1), exit_code=-9)
    assert reason == "there is no closing banner (exit code -9)"
    assert type(classify(text, rules=ERROR_RULES, output=output, reason=reason)) is CalculationTimeoutError


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("PsiException: Could not converge SCF iterations in 2 iterations.", ConvergenceError),
        ("PsiException: Could not converge geometry optimization in 1 iterations.", ConvergenceError),
        ("RuntimeError: Command (`dftd3 dftd3_geometry.xyz`) failed with PATH", MissingDependencyError),
        ("ValidationError: Inconsistent or unspecified chg/mult: sys chg: None", InputError),
        ("BasisSet::construct: Unable to find a basis set for atom 1 for key BASIS among:", InputError),
        ('ValidationError: Energy method "nonsense" is not available.', InputError),
        ("Fatal Error: SCF_TYPO is not a valid option.", InputError),
    ],
)
def test_error_markers_seen_in_psi4_1_3_2(text: str, error: type[HelioscError]) -> None:
    text += "\n*** Psi4 encountered an error. Buy a developer more coffee!\n"
    assert type(classify(text, rules=ERROR_RULES, output=parse_output(text), reason="x")) is error


def test_two_jobs_in_one_file_are_refused() -> None:
    with pytest.raises(ParseError, match="2 jobs"):
        parse_output("Psi4 started on: a\nPsi4 started on: b\n")


def test_absent_program_is_said_with_how_to_get_it(tmp_path: Path, water: Geometry) -> None:
    with pytest.raises(MissingDependencyError, match="apt-get install psi4"):
        Psi4Executor(executable=str(tmp_path / "psi4")).single_point(water, charge=0, multiplicity=1)
