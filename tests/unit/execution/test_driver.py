"""Running tasks on real worker processes: results, failures by class, limits, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from heliosc.errors import ResourceError, UsageError
from heliosc.execution import Counts, QCResultStore, TaskRequest, WorkerSettings, run_tasks
from heliosc.execution.processes import start_time

RUN = """
import sys
from pathlib import Path
from heliosc.errors import HelioscError
from heliosc.execution import QCResultStore, run_tasks
try:
    run_tasks(QCResultStore(Path(sys.argv[1])), n_workers=2, on_event=lambda event: print(event["state"], flush=True))
except HelioscError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def environment_with_fakes() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def submit(store: QCResultStore, function: str, **payload: Any) -> str:
    return store.submit(f"fake_calculations:{function}", payload, timeout_s=60, max_attempts=1)


def test_tasks_run_and_progress_is_told(store: QCResultStore, tmp_path: Path) -> None:
    keys = [submit(store, "square", x=x) for x in range(12)]
    other = submit(store, "square", x=99)
    told: list[dict[str, Any]] = []
    settings = WorkerSettings(scratch=tmp_path / "scratch")
    assert run_tasks(store, keys, n_workers=2, on_event=told.append, settings=settings) == Counts(done=12)
    assert [store.result(key)["square"] for key in keys] == [x**2 for x in range(12)]
    assert store.states([other]) == {other: "queued"}
    ends = [event for event in told if event["state"] == "done"]
    assert [event["done"] for event in ends] == list(range(1, 13))
    assert {event["total"] for event in told} == {12}
    assert ends[-1]["eta_s"] == 0
    assert ends[-1]["running"] == 0
    assert sorted(event["key"] for event in told if event["state"] == "running") == sorted(keys)
    assert all(len(store.attempts(key)) == 1 for key in keys)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_finished_tasks_are_not_run_again(store: QCResultStore) -> None:
    key = submit(store, "square", x=2)
    run_tasks(store, n_workers=1)
    told: list[dict[str, Any]] = []
    assert run_tasks(store, n_workers=1, on_event=told.append) == Counts(done=1)
    assert [event["state"] for event in told] == ["done"]
    assert len(store.attempts(key)) == 1


def test_a_calculation_sees_its_own_folder_one_thread_and_no_input(store: QCResultStore) -> None:
    keys = [submit(store, "reports_environment", x=x) for x in range(2)]
    run_tasks(store, keys, n_workers=1, settings=WorkerSettings(n_threads=3))
    first, second = (store.result(key) for key in keys)
    assert (first["OMP_NUM_THREADS"], first["OPENBLAS_NUM_THREADS"], first["MKL_NUM_THREADS"]) == ("3", "3", "3")
    assert first["OMP_STACKSIZE"]
    assert first["stdin"] == ""
    assert first["PYTHONPATH"] == os.environ.get("PYTHONPATH")  # another Python's program must not see ours
    assert first["pid"] == second["pid"]  # the worker and what it imported are used again
    assert first["cwd"] != second["cwd"]
    assert not Path(first["cwd"]).exists()
    assert all((attempt.cpu_s or 0) >= 0 and attempt.wall_s is not None for attempt in store.attempts(keys[0]))


def test_every_failure_gets_its_class_and_the_rest_goes_on(store: QCResultStore, tmp_path: Path) -> None:
    expected = {
        submit(store, "fails", how="convergence"): ("convergence", "no SCF"),
        submit(store, "fails", how="transient"): ("transient", "busy"),
        submit(store, "fails", how="bug"): ("unexpected", "ValueError: bug"),
        submit(store, "exits"): ("unexpected", "SystemExit: leaving"),
        submit(store, "returns_nan"): ("input", "not canonical JSON"),
        submit(store, "segfaults"): ("crash", "SIGSEGV; last output: last word"),
        submit(store, "no_such_function"): ("usage", "no function"),
        store.submit("no_such_module:f", {}): ("missing", "No module named 'no_such_module'"),
        submit(store, "allocates", n_bytes=8 << 30): ("resource", "out of memory"),
    }
    good = submit(store, "square", x=3)
    settings = WorkerSettings(memory_limit_bytes=4 << 30, scratch=tmp_path, keep_scratch="failed")
    assert run_tasks(store, n_workers=2, settings=settings) == Counts(done=1, failed=len(expected))
    assert store.result(good)["square"] == 9
    for key, (error_class, reason) in expected.items():
        failure = store.failure(key)
        assert failure is not None
        assert failure.error_class == error_class
        assert reason in failure.reason
    bug = store.attempts(list(expected)[2])[0]
    assert 'raise errors[payload["how"]]' in (bug.traceback or "")
    assert (Path(bug.scratch or "") / "output.txt").is_file()
    assert store.attempts(good)[0].scratch is None


def test_a_passing_trouble_is_tried_again(store: QCResultStore, tmp_path: Path) -> None:
    key = store.submit("fake_calculations:fails_once", {"marker": str(tmp_path / "marker")})
    assert run_tasks(store, n_workers=1) == Counts(done=1)
    assert [attempt.outcome for attempt in store.attempts(key)] == ["failed", "done"]


def test_a_timeout_ends_even_a_program_that_hides(store: QCResultStore, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    key = store.submit(
        "fake_calculations:starts_stubborn_program", {"pid_file": str(pid_file)}, timeout_s=1.5, max_attempts=1
    )
    good = submit(store, "square", x=4)
    assert run_tasks(store, n_workers=1) == Counts(done=1, failed=1)
    failure = store.failure(key)
    assert failure is not None
    assert failure.error_class == "timeout"
    assert "1.5 s" in failure.reason
    assert start_time(int(pid_file.read_text())) is None
    assert store.result(good)["square"] == 16


@pytest.mark.parametrize("then", ["hang", "crash"])
def test_a_program_without_environment_ends_with_its_worker(store: QCResultStore, tmp_path: Path, then: str) -> None:
    payload = {"pid_file": str(tmp_path / "pid"), "then": then}
    key = store.submit("fake_calculations:starts_program_without_environment", payload, timeout_s=1.0, max_attempts=1)
    assert run_tasks(store, n_workers=1) == Counts(failed=1)
    failure = store.failure(key)
    assert failure is not None
    assert failure.error_class == {"hang": "timeout", "crash": "crash"}[then]
    assert start_time(int((tmp_path / "pid").read_text())) is None


def test_an_error_that_is_no_text_is_recorded_and_the_rest_goes_on(store: QCResultStore) -> None:
    key = submit(store, "speaks_in_bytes")
    submit(store, "square", x=1)
    assert run_tasks(store, n_workers=1) == Counts(failed=1, done=1)
    failure = store.failure(key)
    assert failure is not None
    assert failure.reason == "ValueError: caf\\udce9 \N{SYMBOL FOR NULL}"


def test_asked_to_stop_it_queues_the_rest_again(store: QCResultStore, tmp_path: Path) -> None:
    waiting = submit(store, "wait_for_file", path=str(tmp_path / "never"))
    done = store.submit("fake_calculations:square", {"x": 5}, priority=1)
    finished: list[str] = []

    def note(event: dict[str, Any]) -> None:
        finished.extend([event["key"]] if event["state"] == "done" else [])

    assert run_tasks(store, n_workers=2, on_event=note, stop=lambda: bool(finished)) == Counts(queued=1, done=1)
    assert finished == [done]
    assert store.attempts(waiting)[-1].outcome in (None, "interrupted")
    assert store.states([waiting]) == {waiting: "queued"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_the_same_command_goes_on(
    store: QCResultStore, tmp_path: Path, number: signal.Signals
) -> None:
    gate = tmp_path / "gate"
    keys = [submit(store, "wait_for_file", path=str(gate), x=x) for x in range(3)]
    command = [sys.executable, "-c", RUN, str(store.path)]
    environment = environment_with_fakes()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["running\n"] * 2
        process.send_signal(number)
        assert "run the same command again" in process.communicate(timeout=10)[0]
    assert process.returncode == 128 + number
    assert store.counts() == Counts(queued=3)
    gate.touch()
    again = subprocess.run(command, env=environment, timeout=30, check=False, stdout=subprocess.DEVNULL)
    assert again.returncode == 0
    assert store.counts(keys) == Counts(done=3)


def test_a_crash_is_tried_once_more(store: QCResultStore) -> None:
    key = store.submit("fake_calculations:segfaults", {}, max_attempts=3)
    assert run_tasks(store, n_workers=1) == Counts(failed=1)
    assert [attempt.error_class for attempt in store.attempts(key)] == ["crash", "crash"]


def test_two_drivers_share_the_work_without_doubling_it(store: QCResultStore) -> None:
    keys = [submit(store, "square", x=x) for x in range(40)]
    command = [sys.executable, "-c", RUN, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment_with_fakes()) as other:
        assert run_tasks(store, keys, n_workers=1) == Counts(done=40)
        assert other.wait(timeout=30) == 0
    assert all(len(store.attempts(key)) == 1 for key in keys)


def test_a_running_task_that_is_cancelled_is_stopped(store: QCResultStore, tmp_path: Path) -> None:
    key = submit(store, "wait_for_file", path=str(tmp_path / "never"))

    def cancel(event: dict[str, Any]) -> None:
        if event["state"] == "running":
            store.cancel([key])

    before = time.monotonic()
    assert run_tasks(store, n_workers=1, on_event=cancel) == Counts(cancelled=1)
    assert time.monotonic() - before < 60  # the task's own limit


def test_a_disk_that_fills_up_stops_the_run_and_later_it_goes_on(store: QCResultStore) -> None:
    keys = [submit(store, "wordy", n_words=10_000, x=x) for x in range(3)]

    def fill_disk(event: dict[str, Any]) -> None:
        store._db.execute("PRAGMA max_page_count=1")  # SQLite answers as on a full disk

    with pytest.raises(ResourceError, match="disk full"):
        run_tasks(store, keys, n_workers=1, on_event=fill_disk, lease_s=1)
    store._db.execute("PRAGMA max_page_count=1000000")
    assert run_tasks(store, keys, n_workers=1, lease_s=1) == Counts(done=3)
    store.check()


def test_an_unwritable_scratch_folder_is_named(store: QCResultStore) -> None:
    submit(store, "square", x=1)
    with pytest.raises(ResourceError, match="choose a writable folder"):
        run_tasks(store, n_workers=1, settings=WorkerSettings(scratch=Path("/proc/scratch")))
    assert store.counts() == Counts(queued=1)


def test_workers_that_cannot_start_stop_the_run(store: QCResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    keys = store.submit_many([TaskRequest("fake_calculations:square", {"x": x}) for x in range(3)]).keys
    with pytest.raises(ResourceError, match="worker processes cannot start here"):
        run_tasks(store, n_workers=1)
    assert store.counts(keys) == Counts(queued=3)


def test_nonsense_is_refused(store: QCResultStore) -> None:
    with pytest.raises(UsageError, match="not in"):
        run_tasks(store, ["unknown"], n_workers=1)
    with pytest.raises(UsageError, match="expected 1 or more"):
        run_tasks(store, n_workers=0)


def test_it_says_when_it_waits_for_a_clusters_job(store: QCResultStore, caplog: pytest.LogCaptureFixture) -> None:
    key = submit(store, "square", x=1)
    task = store.claim("elsewhere", 60)
    assert task is not None
    store.jobs.intend("0123456789ab-1", [task], transport="slurm", folder=Path("jobs"))
    store.let_go({key: task.token})
    told: list[str] = []

    def is_told() -> bool:
        told.extend(record.getMessage() for record in caplog.records)
        return bool(told)

    assert run_tasks(store, n_workers=1, stop=is_told) == Counts(running=1)
    assert "1 task(s) of cluster jobs, first 0123456789ab-1" in told[0]
