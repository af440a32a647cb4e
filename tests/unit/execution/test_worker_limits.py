"""What a worker allows one task, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from heliosc.errors import UsageError
from heliosc.execution import AsyncQCManager, Counts, QCResultStore, TaskRequest, run_tasks
from heliosc.execution.processes import start_time


def test_a_memory_limit_is_of_one_task_only(store: QCResultStore) -> None:
    small = store.submit("fake_calculations:allocates", {"n_bytes": 3 << 30}, memory_mb=2048, priority=1)
    large = store.submit("fake_calculations:allocates", {"n_bytes": (3 << 30) + 1})
    assert run_tasks(store, n_workers=1) == Counts(done=1, failed=1)
    failure = store.failure(small)
    assert failure is not None
    assert failure.error_class == "resource"
    assert store.result(large) == (3 << 30) + 1


def test_a_program_that_outlives_its_task_is_ended_with_it(store: QCResultStore, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    left = store.submit("fake_calculations:leaves_a_program", {"pid_file": str(pid_file)}, priority=1)
    after = store.submit("fake_calculations:is_running", {"pid_file": str(pid_file)})
    run_tasks(store, [left, after], n_workers=1)
    assert store.result(after) is False  # while the worker was still alive
    assert start_time(int(pid_file.read_text())) is None


def test_a_payload_larger_than_a_pipe_holds_arrives(store: QCResultStore) -> None:
    key = store.submit("fake_calculations:length", {"text": "x" * 300_000})
    run_tasks(store, n_workers=1)
    assert store.result(key) == 300_000


@pytest.mark.parametrize(
    ("field", "value"), [("cores", 0), ("memory_mb", 0), ("cost_s", 0.0), ("cost_s", float("inf"))]
)
def test_impossible_resources_are_refused(field: str, value: float) -> None:
    with pytest.raises(UsageError, match=field):
        TaskRequest("m:f", {}, **{field: value})  # type: ignore[arg-type]


def test_remaining_time_follows_the_cost_estimates(store: QCResultStore, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    cheap = store.submit("fake_calculations:square", {"x": 1}, cost_s=1.0, priority=1)
    dear = store.submit("fake_calculations:wait_for_file", {"path": str(gate)}, cost_s=9.0)
    told: list[dict[str, Any]] = []

    def note(event: dict[str, Any]) -> None:
        told.append(event)
        if event["key"] == cheap and event["state"] == "done":
            gate.touch()

    run_tasks(store, [cheap, dear], n_workers=1, on_event=note)
    first = next(event for event in told if event["key"] == cheap and event["state"] == "done")
    assert first["done"] == 1
    assert first["eta_s"] >= 9 * (store.attempts(cheap)[0].wall_s or 0)  # not 1 x: nine times the work is left
    assert told[-1]["eta_s"] == 0


def test_submitting_waits_while_too_much_is_unfinished(store: QCResultStore, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    submitted: list[int] = []
    with AsyncQCManager(store, n_workers=1, max_pending=2) as manager:

        def submit() -> None:
            for x in range(4):
                manager.submit("fake_calculations:wait_for_file", {"path": str(gate), "x": x})
                submitted.append(x)

        thread = threading.Thread(target=submit)
        thread.start()
        thread.join(timeout=0.5)
        assert submitted == [0, 1]  # the third waits
        gate.touch()
        thread.join(timeout=30)
    assert submitted == [0, 1, 2, 3]
    assert store.counts() == Counts(done=4)


RUN = """
import sys
from pathlib import Path
from heliosc.execution import QCResultStore, run_tasks
with QCResultStore(Path(sys.argv[1])) as store:
    run_tasks(store, n_workers=1)
"""


@pytest.mark.parametrize("function", ["starts_nameless_program", "starts_nameless_session"])
def test_a_program_without_its_environment_ends_with_its_driver(
    store: QCResultStore, tmp_path: Path, function: str
) -> None:
    pid_file = tmp_path / "pid"
    store.submit(f"fake_calculations:{function}", {"pid_file": str(pid_file)})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", RUN, str(store.path)], env=environment) as driver:
        while not pid_file.exists() or not pid_file.read_text():
            time.sleep(0.01)
        time.sleep(1.0)  # long enough for the guards to have seen it
        assert start_time(int(pid_file.read_text())) is not None
        driver.kill()
    deadline = time.monotonic() + 10
    while start_time(int(pid_file.read_text())) is not None:
        assert time.monotonic() < deadline, "orphan 10 s later"
        time.sleep(0.02)


@pytest.mark.parametrize("function", ["starts_nameless_program", "starts_nameless_session"])
def test_a_program_without_its_environment_ends_with_its_task(
    store: QCResultStore, tmp_path: Path, function: str
) -> None:
    pid_file = tmp_path / "pid"
    store.submit(f"fake_calculations:{function}", {"pid_file": str(pid_file)}, timeout_s=1.0, max_attempts=1)
    assert run_tasks(store, n_workers=1) == Counts(failed=1)
    assert start_time(int(pid_file.read_text())) is None
