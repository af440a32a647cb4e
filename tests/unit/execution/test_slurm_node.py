"""The runner on the node, started by the job's script: killed, stopped and started again it doubles nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from slurm_helpers import run_script, slurm_settings, started_script

from heliosc.execution import Task
from heliosc.execution.slurm.folder import JobFolder
from heliosc.execution.slurm.script import job_plan, job_script
from heliosc.execution.slurm.settings import SlurmSettings


def task(token: int, function: str, *, cores: int = 1, timeout_s: float | None = 60.0, **payload: Any) -> Task:
    return Task(f"{token:064x}", f"fake_calculations:{function}", payload, token, 1, timeout_s, cores)


def job(folder: Path, *elements: list[Task], **changes: Any) -> JobFolder:
    """A job's folder, complete."""
    settings: SlurmSettings = slurm_settings(folder, **changes)
    made = JobFolder(folder / "jobs" / "job")
    made.write(job_plan("job", elements, settings), elements, job_script(made, settings))
    return made


def wait_for_start(folder: JobFolder, n_tasks: int = 1) -> None:
    deadline = time.monotonic() + 60
    while len(folder.started()) < n_tasks:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_end_of_a_task_is_written_down(fast_folder: Path) -> None:
    tasks = [
        task(1, "square", x=3),
        task(2, "fails", how="convergence"),
        task(3, "segfaults"),
        task(4, "wait_for_file", timeout_s=0.2, path=str(fast_folder / "never")),
        task(5, "reports_environment", cores=1),
    ]
    folder = job(fast_folder, tasks, cores_per_job=2)
    ended = run_script(folder.path, "1")
    assert (ended.returncode, ended.stdout) == (0, "")
    answers = {token: folder.answer(token) for token in folder.answered()}
    assert answers[1]["result"] == {"square": 9}
    assert answers[1]["host"] == os.uname().nodename
    assert answers[1]["cpu_s"] >= 0
    assert {token: answers[token]["error_class"] for token in (2, 3, 4)} == {
        2: "convergence",
        3: "crash",
        4: "timeout",
    }
    assert "ConvergenceError" in answers[2]["traceback"]
    seen = answers[5]["result"]
    assert seen["OMP_NUM_THREADS"] == "1"
    assert seen["PYTHONPATH"] is None  # the driver's import path is not for programs of a task
    assert folder.started() == {1, 2, 3, 4, 5}


def test_a_task_of_several_cores_gets_as_many_threads(fast_folder: Path) -> None:
    folder = job(fast_folder, [task(1, "reports_environment", cores=3)])
    run_script(folder.path, "1")
    assert folder.answer(1)["result"]["OMP_NUM_THREADS"] == "3"


def test_setup_lines_come_first_and_their_failure_ends_the_job(fast_folder: Path) -> None:
    setup = ("export OMP_STACKSIZE=17M", "export PYTHONPATH=/from/setup")
    folder = job(fast_folder, [task(1, "reports_environment")], setup=setup)
    run_script(folder.path, "1")
    seen = folder.answer(1)["result"]
    assert (seen["OMP_STACKSIZE"], seen["PYTHONPATH"]) == ("17M", "/from/setup")
    broken = job(fast_folder / "broken", [task(1, "square", x=1)], setup=("source /no/such/file",))
    ended = run_script(broken.path, "1")
    assert ended.returncode != 0
    assert "/no/such/file" in ended.stdout
    assert broken.started() == set()


def test_sigterm_stops_it_cleanly_and_the_same_job_goes_on(fast_folder: Path) -> None:
    gate = fast_folder / "gate"
    tasks = [task(1, "square", x=2), task(2, "wait_for_file", path=str(gate)), task(3, "square", x=4)]
    folder = job(fast_folder, tasks)
    with started_script(folder.path, "1") as process:
        wait_for_start(folder, 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 143
    assert folder.answered() == {1}
    before = folder.answer(1)
    gate.touch()
    assert run_script(folder.path, "1").returncode == 0
    assert folder.answered() == {1, 2, 3}
    assert folder.answer(1) == before
    assert not [path for path in folder.path.rglob(".*") if path.is_file()]  # nothing half-written is left


def test_a_task_that_fails_because_all_processes_are_ended_is_no_failure(fast_folder: Path) -> None:
    folder = job(fast_folder, [task(1, "wait_for_file", path=str(fast_folder / "never"))])
    with started_script(folder.path, "1") as process:
        wait_for_start(folder)
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        process.send_signal(signal.SIGSTOP)  # so that all of it has happened when the runner looks
        for pid in [*children, process.pid]:  # as Slurm does
            os.kill(pid, signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=60) == 143
    assert folder.answered() == set()


@pytest.mark.parametrize("moment", ["file-sync:before", "file-sync:after", "file-rename:before", "file-rename:after"])
def test_dying_around_a_result_doubles_and_loses_nothing(fast_folder: Path, moment: str) -> None:
    log = fast_folder / "log"
    tasks = [task(number, "logged_square", x=number, sleep_s=0) for number in (1, 2, 3)]
    folder = job(fast_folder, tasks)
    died = run_script(folder.path, "1", HELIOSC_FAULT=f"{moment}#2", FAKE_LOG=str(log))
    assert died.returncode == 137
    is_there = moment == "file-rename:after"
    assert folder.answered() == ({1, 2} if is_there else {1})
    assert run_script(folder.path, "1", FAKE_LOG=str(log)).returncode == 0
    assert folder.answered() == {1, 2, 3}
    starts = Counter(line for line in log.read_text().splitlines() if line.startswith("start"))
    assert starts["start 1"] == 1  # answered before the death
    assert starts["start 2"] == (1 if is_there else 2)
    assert 1 <= starts["start 3"] <= 2  # perhaps in flight


def test_dying_with_the_claim_in_hand_keeps_nobody_out(fast_folder: Path) -> None:
    folder = job(fast_folder, [task(1, "square", x=2)])
    (folder.path / ".claim.dead").write_text("7")  # written, not yet linked
    assert folder.claimed_by() is None
    assert run_script(folder.path, "1").returncode == 0
    assert folder.claimed_by() == "1"
    assert folder.answered() == {1}


def test_in_a_folder_that_has_gone_a_late_copy_ends(fast_folder: Path) -> None:
    folder = job(fast_folder, [task(1, "square", x=2)])
    script = folder.script.read_text()
    folder.remove()
    late = fast_folder / "late"
    late.mkdir()
    (late / "job.sh").write_text(script)
    ended = run_script(late, "1")
    assert ended.returncode == 75
    assert "cannot claim the job" in ended.stdout
    assert not folder.path.exists()


def test_a_damaged_plan_is_named(fast_folder: Path) -> None:
    folder = job(fast_folder, [task(1, "square", x=2)])
    (folder.path / "tasks-0.json").write_text(json.dumps([{"key": "x"}])[:-4])
    ended = run_script(folder.path, "1")
    assert ended.returncode == 5
    assert "tasks-0.json cannot be read" in ended.stdout
    assert "Traceback" not in ended.stdout
