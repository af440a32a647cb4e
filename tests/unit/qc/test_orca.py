"""ORCA: inputs, recorded outputs (numbers taken from them by hand), and the run path with a labelled fake."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
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
from heliosc.qc.executors import QCExecutor
from heliosc.qc.external.outputs import classify, failure_reason
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.orca import OrcaExecutor
from heliosc.qc.orca.errors import ERROR_RULES
from heliosc.qc.orca.parse import parse_output

FAKE = Path(__file__).parents[2] / "data" / "fake_programs" / "fake_orca.py"


def test_input_text(water: Geometry) -> None:
    settings = ProgramSettings("B3LYP", "def2-SVP", ("TightSCF",), n_cores=4, memory_mb=8000)
    text = OrcaExecutor(settings).build_input(Job(water, 1, 2, "optimize"))
    assert text.splitlines() == [
        "! B3LYP def2-SVP TightSCF Opt",
        "%maxcore 1500",  # 75 % of 8000 MB over four processes
        "%pal nprocs 4 end",
        "%scf MaxIter 200 end",
        "%geom MaxIter 200 end",
        "* xyz 1 2",
        "O      0.00000000     0.00000000     0.11730000",
        "H      0.00000000     0.75720000    -0.46920000",
        "H      0.00000000    -0.75720000    -0.46920000",
        "*",
    ]


@pytest.mark.parametrize(
    ("name", "version", "energy", "homo", "lumo", "dipole", "n_atoms"),
    [
        ("cclib/ORCA6.0/water_hf_solvent_smd.log", "6.0.1", -74.967666633980, -10.4717, 15.7194, 1.706607421, 3),
        ("cclib/ORCA6.0/Trp_polar.out", "6.0.1", -673.590571115239, -6.1408, 6.7369, 2.711058506, 27),
        ("cclib/ORCA5.0/dvb_sp.out", "5.0.0", -382.055108614123, -4.0652, 1.1197, 0.0, 20),
        ("cclib-data/ORCA4.0/1-ttt_td.out", "4.0.0", -283.904246814998, -5.4999, -0.8421, 1.20751, 10),
    ],
)
def test_recorded_closed_shells(
    recorded_log: Callable[[str], str],
    name: str,
    version: str,
    energy: float,
    homo: float,
    lumo: float,
    dipole: float,
    n_atoms: int,
) -> None:
    output = parse_output(recorded_log(name))
    assert output.version == version
    assert output.terminated_normally
    assert output.scf_converged
    assert output.optimization_converged is None
    assert output.energy_hartree == pytest.approx(energy, abs=1e-11)
    assert (output.homo_eV, output.lumo_eV) == pytest.approx((homo, lumo), abs=2e-4)
    assert output.dipole_debye == pytest.approx(dipole, abs=1e-9)
    assert (output.charge, output.multiplicity) == (0, 1)
    assert output.geometry is not None
    assert output.geometry.n_atoms == n_atoms
    assert output.s_squared is None


def test_recorded_open_shell_takes_alpha_orbitals(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/ORCA5.0/dvb_sp_un.out"))
    assert output.energy_hartree == pytest.approx(-381.831981252254, abs=1e-11)
    assert output.s_squared == pytest.approx(0.778096)
    assert (output.charge, output.multiplicity) == (1, 2)
    assert (output.homo_eV, output.lumo_eV) == pytest.approx((-9.9650, -4.7322), abs=2e-4)


def test_recorded_optimisation_gives_its_last_energy_and_geometry(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/ORCA6.0/dvb_gopt.out"))
    assert output.optimization_converged is True
    assert output.n_energies == 4
    assert output.energy_hartree == pytest.approx(-382.055133399486, abs=1e-11)
    assert output.geometry is not None
    assert output.geometry.symbols.count("C") == 10


def test_unconverged_optimisation_is_no_success_in_spite_of_its_banner(recorded_log: Callable[[str], str]) -> None:
    text = recorded_log("cclib-data/fail/ORCA3.0_dvb_gopt_unconverged.out")
    output = parse_output(text)
    assert output.terminated_normally
    assert output.geometry is not None
    reason = failure_reason(output, job=Job(output.geometry, 0, 1, "optimize"), exit_code=0)
    assert reason == "the optimisation did not converge"
    assert isinstance(classify(text, rules=ERROR_RULES, output=output, reason=reason), ConvergenceError)


def test_unconverged_scf_is_no_success_in_spite_of_its_energy(recorded_log: Callable[[str], str]) -> None:
    text = recorded_log("cclib-data/fail/ORCA4.0_scf_not_converged_IrCl6_sp.out")
    output = parse_output(text)
    assert output.energy_hartree == pytest.approx(-2821.903615435997)
    assert not output.scf_converged
    assert isinstance(classify(text, rules=ERROR_RULES, output=output, reason="x"), ConvergenceError)


def test_solvent_or_hamiltonian_that_was_not_asked_is_no_success(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/ORCA6.0/water_hf_solvent_smd.log"))  # HF/STO-3G, SMD of toluene
    assert output.geometry is not None
    job = Job(output.geometry, 0, 1)
    asked = ProgramSettings("hf", "sto-3g", solvation="smd", solvent="toluene")
    assert failure_reason(output, job=job, exit_code=0, settings=asked) is None
    in_vacuum = ProgramSettings("hf", "sto-3g")
    assert "smd(toluene)" in str(failure_reason(output, job=job, exit_code=0, settings=in_vacuum))
    relativistic = replace(output, variant="zora")
    assert "zora" in str(failure_reason(relativistic, job=job, exit_code=0, settings=asked))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.995])
def test_truncated_output_is_never_a_success(recorded_log: Callable[[str], str], share: float) -> None:
    text = recorded_log("cclib/ORCA6.0/water_hf_solvent_smd.log")
    whole = parse_output(text)
    assert whole.geometry is not None
    job = Job(whole.geometry, 0, 1)
    assert failure_reason(whole, job=job, exit_code=0) is None
    cut = parse_output(text[: int(len(text) * share)])
    reason = failure_reason(cut, job=job, exit_code=0)
    assert reason is not None
    assert isinstance(classify("", rules=ERROR_RULES, output=cut, reason=reason), CalculationTimeoutError)


def test_two_jobs_in_one_file_are_refused(recorded_log: Callable[[str], str]) -> None:
    text = recorded_log("cclib/ORCA6.0/water_hf_solvent_smd.log")
    with pytest.raises(ParseError, match="2 jobs"):
        parse_output(text + text)


@pytest.mark.parametrize("spoilt", ["****************", "nan", "-inf"])
def test_last_energy_that_is_no_number_is_not_replaced_by_an_older_one(
    recorded_log: Callable[[str], str], spoilt: str
) -> None:
    text = recorded_log("cclib/ORCA6.0/dvb_gopt.out").replace("-382.055133399486", spoilt)
    assert parse_output(text).energy_hartree is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("UNRECOGNIZED OR DUPLICATED KEYWORD(S) IN SIMPLE INPUT LINE\n  B4LYP", InputError),
        ("multiplicity (1) is odd and number of electrons (9) is odd -> impossible", InputError),
        ("INPUT ERROR", InputError),
        ("Please increase MaxCore to more than: 2048 MB", ResourceError),
        ("mpirun noticed that process rank 1 with PID 5 on node n exited on signal 9 (Killed).", TransientError),
        ("ORCA finished by error termination in LEANSCF", ConvergenceError),
    ],
)
def test_error_markers(text: str, error: type[HelioscError]) -> None:
    assert type(classify(text, rules=ERROR_RULES, output=parse_output(""), reason="x")) is error


@pytest.fixture
def fake_orca(tmp_path: Path) -> OrcaExecutor:
    """An executor over the labelled fake; no ORCA is involved."""
    program = tmp_path / "bin" / "orca"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    return OrcaExecutor(executable=str(program), scratch=tmp_path / "scratch")


def test_fake_run_gives_a_single_point_and_removes_its_scratch(
    fake_orca: OrcaExecutor, hydrogen: Geometry, tmp_path: Path
) -> None:
    assert isinstance(fake_orca, QCExecutor)
    assert fake_orca.version() == "6.0.0"
    point = fake_orca.single_point(hydrogen, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(0.529177210903 / 0.7414, abs=1e-9)  # nuclear repulsion of H2
    assert point.homo_eV == pytest.approx(-13.605693)
    assert point.level == "b3lyp/def2-svp[orca]"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_dipole_of_an_ion_is_not_reported(fake_orca: OrcaExecutor, hydrogen: Geometry) -> None:
    assert fake_orca.single_point(hydrogen, charge=0, multiplicity=1).dipole_debye == 1.5
    assert fake_orca.single_point(hydrogen, charge=1, multiplicity=2).dipole_debye is None


@pytest.mark.parametrize(
    ("mode", "error", "message"),
    [
        ("scf", ConvergenceError, "SCF NOT CONVERGED AFTER 125 CYCLES"),
        ("killed", CalculationTimeoutError, "exit code -9"),
        ("charge", ParseError, r"charge and multiplicity are \(1, 1\), asked \(0, 1\)"),
        ("exit", ParseError, "the exit code is 3"),
    ],
)
def test_fake_failures(
    fake_orca: OrcaExecutor,
    hydrogen: Geometry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    error: type[HelioscError],
    message: str,
) -> None:
    monkeypatch.setenv("FAKE_ORCA", mode)
    with pytest.raises(error, match=message):
        fake_orca.single_point(hydrogen, charge=0, multiplicity=1)
    (kept,) = (tmp_path / "scratch").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["input.inp", "stderr", "stdout"]


def test_time_limit_ends_the_program_and_its_child(
    fake_orca: OrcaExecutor,
    hydrogen: Geometry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_ended: Callable[[int], bool],
) -> None:
    monkeypatch.setenv("FAKE_ORCA", "hang")
    monkeypatch.setenv("FAKE_ORCA_PIDS", str(tmp_path / "pids"))
    with pytest.raises(CalculationTimeoutError, match="limit of 3 s"):
        fake_orca.single_point(hydrogen, charge=0, multiplicity=1, timeout_s=3.0)
    assert all(has_ended(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_another_program_of_the_same_name_is_not_orca(tmp_path: Path, hydrogen: Geometry) -> None:
    reader = tmp_path / "orca"
    reader.write_text("#!/bin/sh\necho 'orca: screen reader 43.1'\n")
    reader.chmod(0o755)
    executor = OrcaExecutor(executable=str(reader), scratch=tmp_path)
    assert not executor.found()
    with pytest.raises(MissingDependencyError, match="faccts"):
        executor.single_point(hydrogen, charge=0, multiplicity=1)


def test_program_that_does_not_answer_is_not_called_missing(
    tmp_path: Path, hydrogen: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "orca"
    silent.write_text("#!/bin/sh\nsleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr("heliosc.qc.orca.run.PROBE_TIMEOUT_S", 0.5)
    executor = OrcaExecutor(executable=str(silent), scratch=tmp_path)
    assert not executor.found()
    with pytest.raises(TransientError, match="cannot tell whether"):
        executor.single_point(hydrogen, charge=0, multiplicity=1)


@pytest.mark.skipif(shutil.which("orca") is not None, reason="an orca is installed here")
def test_absent_program_is_said_with_how_to_get_it(hydrogen: Geometry) -> None:
    assert OrcaExecutor().version() is None
    with pytest.raises(MissingDependencyError, match="faccts"):
        OrcaExecutor().single_point(hydrogen, charge=0, multiplicity=1)


def test_impossible_state_is_refused_before_anything_runs(hydrogen: Geometry) -> None:
    with pytest.raises(InputError, match="multiplicity"):
        OrcaExecutor(executable="/nonexistent").single_point(hydrogen, charge=0, multiplicity=2)


def test_last_geometry_is_read_in_angstrom(recorded_log: Callable[[str], str]) -> None:
    output = parse_output(recorded_log("cclib/ORCA6.0/water_hf_solvent_smd.log"))
    assert output.geometry is not None
    expected = [[0.0, -0.119159, 0.0], [-0.790649, 0.476637, 0.0], [0.790649, 0.476637, 0.0]]
    np.testing.assert_allclose(output.geometry.positions, expected, atol=1e-9)
