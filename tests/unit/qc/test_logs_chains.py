"""Several jobs of one input in one output: ORCA's ``$new_job``, Gaussian's ``--Link1--``.

No recorded output holds such a chain. These are put together from recorded outputs of single jobs, with the marks that
the programs print between jobs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.jobs import LogFailure, LogJob, read_jobs

_END = "****END OF INPUT****"
_CLOSED = "****ORCA TERMINATED NORMALLY****"


def _read(text: str) -> list[LogJob | LogFailure]:
    return list(read_jobs(LogFile("chain.out", "0" * 64, text), folder=Path("nowhere")))


def _only(text: str) -> LogJob:
    (job,) = _read(text)
    assert isinstance(job, LogJob), job
    return job


def _orca_chain(*outputs: str, closed: bool = True) -> str:
    """One output as ORCA writes it for inputs joined by ``$new_job``."""
    echoes = [re.findall(r"^\| *\d+> ?(.*)\n", output, re.MULTILINE)[:-1] for output in outputs]
    lines = [line for echo in echoes for line in [*echo, "$new_job"]][:-1]
    head = outputs[0][: outputs[0].index("|  1>")]
    text = head + "".join(f"| {i:2d}> {line}\n" for i, line in enumerate(lines, 1)) + f"| 99>    {_END}\n"
    for number, output in enumerate(outputs, 1):
        body = output[output.index("\n", output.index(_END)) :].replace(_CLOSED, "")
        text += f"\n   $$$$$$$$$$$$$$$$  JOB NUMBER  {number} $$$$$$$$$$$$$$\n{body}"
    return text + (f"\n          {_CLOSED}\n" if closed else "")


@pytest.fixture(params=["ORCA5.0", "ORCA6.0"])
def orca_outputs(request: pytest.FixtureRequest, recorded_logs_folder: Path) -> list[str]:
    """An optimisation, a single point and one of water in a solvent."""
    folder = recorded_logs_folder / "cclib" / request.param
    single_point = "dvb_sp.out" if request.param == "ORCA5.0" else "dvb_sp_dft.out"
    return [(folder / name).read_text() for name in ("dvb_gopt.out", single_point, "water_hf_solvent_smd.log")]


def test_each_orca_job_of_a_chain_is_read_as_if_it_had_run_alone(orca_outputs: list[str]) -> None:
    found = _read(_orca_chain(*orca_outputs))
    assert len(found) == 3
    for number, (job, alone) in enumerate(zip(found, map(_only, orca_outputs), strict=True), 1):
        assert isinstance(job, LogJob), job
        assert (job.source.part, job.source.n_parts) == (number, 3)
        assert (job.energy_hartree, job.level, job.charge) == (alone.energy_hartree, alone.level, alone.charge)
        assert (job.is_minimum, job.keywords) == (alone.is_minimum, alone.keywords)
        assert job.output.homo_eV == alone.output.homo_eV


def test_a_cut_orca_chain_gives_the_jobs_that_ended(orca_outputs: list[str]) -> None:
    first, second, third = orca_outputs
    text = _orca_chain(first, second, third, closed=False)
    ended, truncated, never_begun = _read(text[: text.rindex("$$$$  JOB NUMBER  3") - 4_000])
    assert isinstance(ended, LogJob)
    for failure in (truncated, never_begun):
        assert isinstance(failure, LogFailure)
        assert "no closing banner" in failure.reason


def test_an_orca_chain_without_its_marks_is_refused(orca_outputs: list[str]) -> None:
    text = re.sub(r"^.*JOB NUMBER.*\n", "", _orca_chain(*orca_outputs[:2]), flags=re.MULTILINE)
    (failure,) = _read(text)
    assert isinstance(failure, LogFailure)
    assert "chained by $new_job" in failure.reason


def _step(log: str) -> str:
    """A Gaussian log from its route on."""
    return log[log.rindex(" -----", 0, log.index("\n #") + 1) :]


@pytest.fixture
def gaussian_logs(recorded_logs_folder: Path) -> tuple[str, str]:
    """An optimisation of a neutral, a single point of its cation."""
    folder = recorded_logs_folder / "cclib"
    optimization, cation = folder / "Gaussian16" / "dvb_gopt.out", folder / "Gaussian09" / "dvb_un_sp.log"
    return optimization.read_text(), cation.read_text()


@pytest.mark.parametrize("opening", [" Link1:  Proceeding to internal job step number  2.\n", ""])
def test_each_gaussian_job_of_a_chain_has_its_own_energy(gaussian_logs: tuple[str, str], opening: str) -> None:
    neutral, cation = gaussian_logs
    jobs = _read(f"{neutral.rstrip()}\n{opening}{_step(cation) if opening else cation}")
    assert [job.energy_hartree for job in jobs if isinstance(job, LogJob)] == [-382.308266602, -382.081395204]
    states = [(job.charge, job.multiplicity, job.is_minimum) for job in jobs if isinstance(job, LogJob)]
    assert states == [(0, 1, True), (1, 2, False)]


def test_frequencies_that_gaussian_appends_belong_to_the_optimisation(
    gaussian_logs: tuple[str, str], recorded_logs_folder: Path
) -> None:
    frequencies = (recorded_logs_folder / "cclib" / "Gaussian16" / "dvb_ir.out").read_text()
    route = "#N Geom=AllCheck Guess=TCheck SCRF=Check GenChk RB3LYP/STO-3G Freq"
    step = re.sub(r"^ #.*\n", f" {route}\n", _step(frequencies), count=1, flags=re.MULTILINE)
    job = _only(f"{gaussian_logs[0].rstrip()}\n Link1:  Proceeding to internal job step number  2.\n{step}")
    assert job.is_minimum
    assert job.output.frequencies_per_cm[0] == pytest.approx(53.1981, abs=0.01)


def test_a_chain_that_broke_off_keeps_what_ended(gaussian_logs: tuple[str, str]) -> None:
    neutral, cation = gaussian_logs
    cut = _step(cation)
    text = f"{neutral.rstrip()}\n Link1:  Proceeding to internal job step number  2.\n{cut[: len(cut) // 2]}"
    ended, broken = _read(text)
    assert isinstance(ended, LogJob)
    assert isinstance(broken, LogFailure)
    assert "no closing banner" in broken.reason
