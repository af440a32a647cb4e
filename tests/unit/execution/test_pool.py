"""The pool of local workers by itself: what waits behind short tasks, and whose end is whose."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heliosc.execution.pool import WorkerPool, WorkerSettings
from heliosc.execution.processes import TOKEN_VARIABLE, kill_all, start_time
from heliosc.execution.tasks import Task
from heliosc.execution.transport import TaskError, TaskStarted, TaskSuccess, TransportEvent

NESTED = """
import sys
from pathlib import Path
from heliosc.execution.pool import WorkerPool, WorkerSettings
from heliosc.execution.tasks import Task
pool = WorkerPool(1, WorkerSettings())
pool.start([Task("k", "fake_calculations:starts_stubborn_program", {"pid_file": sys.argv[1]}, token=1, attempt=1)])
while True:
    pool.wait(1.0)
"""
_tokens = itertools.count(1)


def task(function: str, **payload: Any) -> Task:
    token = next(_tokens)
    return Task(f"key{token}", f"fake_calculations:{function}", payload, token=token, attempt=1)


def answers(pool: WorkerPool, n: int) -> list[TransportEvent]:
    found: list[TransportEvent] = []
    while len(found) < n:
        found += [event for event in pool.wait(1.0) if not isinstance(event, TaskStarted)]
    return found


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[WorkerPool]:
    with WorkerPool(1, WorkerSettings(scratch=tmp_path)) as opened:
        yield opened


def test_a_short_task_waits_at_its_worker_for_the_one_before(pool: WorkerPool) -> None:
    assert pool.n_free == 1  # nobody knows yet how long tasks are
    pool.start([task("square", x=1)])
    answers(pool, 1)
    assert pool.n_free >= 2
    first, second = task("square", x=2), task("square", x=3)
    pool.start([first, second])
    assert pool.running() == [first, second]
    ends = answers(pool, 2)  # nobody has asked for the second to be started
    assert [(event.task, event.result) for event in ends if isinstance(event, TaskSuccess)] == [
        (first, {"square": 4}),
        (second, {"square": 9}),
    ]


def test_long_tasks_are_left_to_others(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SHORT_S", "_VERY_SHORT_S"):
        monkeypatch.setattr(f"heliosc.execution.pool.{name}", 0.0)
    pool.start([task("square", x=1)])
    answers(pool, 1)
    assert pool.n_free == 1


def test_what_waits_behind_a_crash_or_a_dropped_task_runs_all_the_same(pool: WorkerPool, tmp_path: Path) -> None:
    pool.start([task("square", x=1)])
    answers(pool, 1)
    crashing, innocent = task("segfaults"), task("square", x=2)
    pool.start([crashing, innocent])
    crash, success = answers(pool, 2)
    assert isinstance(crash, TaskError)
    assert (crash.task, crash.error_class) == (crashing, "crash")
    assert isinstance(success, TaskSuccess)
    assert success.task == innocent

    endless, waiting = task("wait_for_file", path=str(tmp_path / "never")), task("square", x=3)
    pool.start([endless, waiting])
    pool.drop(endless.key)
    (success,) = answers(pool, 1)
    assert success.task == waiting
    endless, dropped = task("wait_for_file", path=str(tmp_path / "never")), task("square", x=4)
    pool.start([endless, dropped])
    pool.drop(dropped.key)
    assert pool.running() == [endless]


def test_no_worker_ends_with_another(monkeypatch: pytest.MonkeyPatch, pool: WorkerPool) -> None:
    told: list[str] = []

    class Recorded:
        def __init__(self, token: str, **settings: object) -> None:
            told.append(token)
            raise InterruptedError

    monkeypatch.setattr("heliosc.execution.pool.WorkerProcess", Recorded)
    for _ in range(11):
        with pytest.raises(InterruptedError):
            pool._start_worker()
    assert not [(a, b) for a, b in itertools.permutations(told, 2) if b.startswith(a)]


def test_a_pool_within_a_task_ends_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    environment = {
        **os.environ,
        TOKEN_VARIABLE: "outer.",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }

    with subprocess.Popen([sys.executable, "-c", NESTED, str(pid_file)], env=environment) as process:
        while not pid_file.exists() or not pid_file.read_text():
            assert process.poll() is None
        assert kill_all("outer.", grace_s=0.0)
    assert start_time(int(pid_file.read_text())) is None
