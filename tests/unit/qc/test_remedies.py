"""The ladders: which failure climbs which, what changes on each rung, what is recorded. The ORCA here is a fake."""

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
    ParseError,
    ResourceError,
    TransientError,
)
from heliosc.qc.external.remedies import COMMON_LADDERS, Climb, Remedy, failure_kind
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.gaussian import GaussianExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.orca import OrcaExecutor
from heliosc.qc.psi4 import Psi4Executor

MakeOrca = Callable[..., tuple[OrcaExecutor, Callable[[], list[str]]]]
FAKE = Path(__file__).parents[2] / "data" / "fake_programs" / "fake_orca.py"
SETTINGS = ProgramSettings("B3LYP", "def2-SVP")


@pytest.fixture
def orca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeOrca:
    """Makes an executor over the labelled fake in a mode, and a reader of the inputs it was given."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    program = tmp_path / "orca"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)

    def make(mode: str, **settings: int) -> tuple[OrcaExecutor, Callable[[], list[str]]]:
        monkeypatch.setenv("FAKE_ORCA", mode)
        monkeypatch.setenv("FAKE_ORCA_INPUTS", str(inputs))
        executor = OrcaExecutor(
            ProgramSettings("B3LYP", "def2-SVP", **settings),  # type: ignore[arg-type]
            executable=str(program),
            scratch=tmp_path / "scratch",
        )
        return executor, lambda: [path.read_text() for path in sorted(inputs.iterdir())]

    return make


def test_scf_climbs_until_a_rung_helps_and_says_what_failed(orca: MakeOrca, hydrogen: Geometry, tmp_path: Path) -> None:
    executor, inputs = orca("scf-until=KDIIS")
    point = executor.single_point(hydrogen, charge=0, multiplicity=1)
    heads = [text.splitlines()[0] for text in inputs()]
    assert heads == [
        "! B3LYP def2-SVP",
        "! B3LYP def2-SVP",
        "! B3LYP def2-SVP SlowConv",
        "! B3LYP def2-SVP VerySlowConv KDIIS",
    ]
    assert ["%scf MaxIter 500 end" in text for text in inputs()] == [False, True, True, False]
    assert [attempt.split(":")[0] for attempt in point.attempts] == ["as asked", "500 iterations", "SlowConv"]
    assert "SCF NOT CONVERGED AFTER 125 CYCLES" in point.attempts[0]
    assert list((tmp_path / "scratch").iterdir()) == []  # failed attempts leave nothing behind once one succeeds


def test_last_rung_starts_from_orbitals_in_a_smaller_basis(orca: MakeOrca, hydrogen: Geometry) -> None:
    executor, inputs = orca("scf-until=MORead")
    executor.single_point(hydrogen, charge=0, multiplicity=1)
    guess, last = inputs()[-2:]
    assert guess.startswith("! B3LYP STO-3G SlowConv")
    assert '%moinp "guess.gbw"' in last


def test_exhausted_ladder_is_a_convergence_error_that_lists_every_attempt(
    orca: MakeOrca, hydrogen: Geometry, tmp_path: Path
) -> None:
    executor, _ = orca("scf")
    with pytest.raises(ConvergenceError) as caught:
        executor.single_point(hydrogen, charge=0, multiplicity=1)
    for name in ("as asked", "500 iterations", "SlowConv", "VerySlowConv with KDIIS"):
        assert f"{name}: convergence error" in str(caught.value)
    (kept,) = (tmp_path / "scratch").iterdir()
    assert str(kept) in str(caught.value)


def test_optimisation_goes_on_from_its_last_geometry(orca: MakeOrca, hydrogen: Geometry) -> None:
    executor, inputs = orca("opt-until=Calc_Hess")
    optimized = executor.optimize(hydrogen, charge=0, multiplicity=1)
    last_z = [float(text.split("*")[1].splitlines()[2].split()[3]) for text in inputs()]
    assert last_z == pytest.approx([0.7414, 0.8414, 0.9414])
    assert "%geom MaxIter 300 Calc_Hess true end" in inputs()[-1]
    assert len(optimized.single_point.attempts) == 2


def test_memory_failure_halves_the_processes_at_equal_memory(orca: MakeOrca, hydrogen: Geometry) -> None:
    executor, inputs = orca("memory", n_cores=4, memory_mb=8000)
    executor.single_point(hydrogen, charge=0, multiplicity=1)
    per_process = [next(line for line in text.splitlines() if "maxcore" in line) for text in inputs()]
    assert per_process == ["%maxcore 1500", "%maxcore 3000", "%maxcore 6000"]
    assert ["%pal nprocs 4 end" in text for text in inputs()] == [True, False, False]


def test_broken_parallel_start_is_tried_once_more_as_it_was(orca: MakeOrca, hydrogen: Geometry) -> None:
    executor, inputs = orca("mpi")
    point = executor.single_point(hydrogen, charge=0, multiplicity=1)
    assert inputs()[0] == inputs()[1]
    assert "transient error" in point.attempts[0]


@pytest.mark.parametrize("error", [InputError("x"), ParseError("x"), CalculationTimeoutError("x")])
def test_other_failures_have_no_ladder(error: HelioscError, hydrogen: Geometry) -> None:
    climb = Climb({**COMMON_LADDERS, **OrcaExecutor.ladders}, SETTINGS, Job(hydrogen, 0, 1))
    assert not climb.step_up(error, None)
    assert len(climb.attempts) == 1


def test_rungs_of_fewer_cores_are_passed_over_on_one_core(hydrogen: Geometry) -> None:
    climb = Climb(COMMON_LADDERS, SETTINGS, Job(hydrogen, 0, 1))
    assert not climb.step_up(ResourceError("memory"), None)
    climb = Climb(COMMON_LADDERS, SETTINGS, Job(hydrogen, 0, 1))
    assert climb.step_up(TransientError("mpi"), None)
    assert not climb.step_up(TransientError("mpi"), None)


def test_geometry_failure_keeps_the_scf_remedy_that_helped(hydrogen: Geometry) -> None:
    ladders = {"scf": (Remedy("slow", ("SlowConv",)),), "geometry": (Remedy("small steps", ("MaxStep=0.1",)),)}
    climb = Climb(ladders, SETTINGS, Job(hydrogen, 0, 1, "optimize"))
    climb.step_up(ConvergenceError("scf"), None)
    output = OrcaExecutor.parse("SCF CONVERGED AFTER 5 CYCLES")
    assert failure_kind(ConvergenceError("geometry"), output=output, job=climb.job) == "geometry"
    climb.step_up(ConvergenceError("geometry"), output)
    assert (climb.settings.scf_words, climb.settings.geometry_words) == (("SlowConv",), ("MaxStep=0.1",))
    assert climb.attempts[1].startswith("slow: ")


@pytest.mark.parametrize("executor", [OrcaExecutor, GaussianExecutor, Psi4Executor])
def test_every_rung_writes_an_input_of_its_own(executor: type, hydrogen: Geometry) -> None:
    for kind, task in (("scf", "energy"), ("geometry", "optimize")):
        texts = set()
        for remedy in executor.ladders[kind]:
            climb = Climb({kind: (remedy,)}, executor.default_settings, Job(hydrogen, 0, 1, task))
            output = OrcaExecutor.parse("SCF CONVERGED AFTER 5 CYCLES") if kind == "geometry" else None
            assert climb.step_up(ConvergenceError("x"), output)
            texts.add(executor.input_text(climb.job, settings=climb.settings))
        asked = executor.input_text(Job(hydrogen, 0, 1, task), settings=executor.default_settings)
        assert len(texts | {asked}) == len(executor.ladders[kind]) + 1


def test_resources_reach_every_program_from_one_setting(hydrogen: Geometry) -> None:
    settings = {"n_cores": 4, "memory_mb": 8000}
    job = Job(hydrogen, 0, 1)
    orca = OrcaExecutor(ProgramSettings("B3LYP", "def2-SVP", **settings)).build_input(job)
    assert "%pal nprocs 4 end" in orca
    assert "%maxcore 1500" in orca
    gaussian = GaussianExecutor(ProgramSettings("B3LYP", "def2-SVP", **settings)).build_input(job)
    assert gaussian.startswith("%nprocshared=4\n%mem=6000MB\n#P B3LYP/def2SVP\n")
    psi4 = Psi4Executor(ProgramSettings("b3lyp", "def2-svp", **settings))
    assert psi4.build_input(job).startswith("memory 6000 MB")
    argv = psi4.invocation("/x/psi4", job, folder=Path("/x"), stem="input", settings=psi4.settings).argv
    assert argv[-2:] == ("-n", "4")
