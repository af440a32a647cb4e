"""kill -9 at any moment: nothing lost, nothing doubled, nothing left behind; the long form is ``make torture``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from torture import COMMANDS, Campaign

from heliosc.execution import Counts, QCResultStore, StaleLeaseError, TaskRequest
from heliosc.faults import EXIT_CODE, FAULT_POINTS, VARIABLE

HERE = Path(__file__).parent
FAKES = HERE.parent / "unit" / "execution"
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - kill -9 does not depend on the disk
N_LATE = 100
SMALL = {"n_rounds": 2, "round_size": 6, "sleep_s": 0.0}
CLUSTER_ONLY = {"job-submit:before", "job-submit:after"}

RUN = """
import sys
from pathlib import Path
from heliosc.execution import QCResultStore, run_tasks
with QCResultStore(Path(sys.argv[1])) as store:
    run_tasks(store, n_workers=2, lease_s=1.0, on_event=lambda event: print(event["state"], flush=True))
"""

CLAIM_AND_COMPLETE = """
import sys
from pathlib import Path
from heliosc.execution import QCResultStore, StaleLeaseError
with QCResultStore(Path(sys.argv[1])) as store:
    while task := store.claim("late worker", lease_s=0.05):
        print(task.key, flush=True)
        sys.stdin.readline()
        try:
            store.complete(task.key, task.token, "late")
        except StaleLeaseError:
            print("refused", flush=True)
        else:
            print("written", flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    parent = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        yield Path(name)


@pytest.mark.slow
def test_a_campaign_killed_at_random_moments_ends_as_if_undisturbed() -> None:
    command = [sys.executable, str(HERE / "torture.py"), "--rounds", "8", "--round-size", "50", "--kills", "30"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=300)
    figures = json.loads(answer.stdout)
    assert figures["broken"] == []
    assert answer.returncode == 0
    assert figures["kills"] == 30
    assert figures["executed again (in flight when killed)"] <= 8 * 30  # two workers: at work, and three just answered


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    campaign = Campaign(tmp_path_factory.mktemp("undisturbed") / "campaign", **SMALL)
    campaign.run_to_end()
    return campaign.exported.read_text()


@pytest.mark.parametrize("passage", [1, 2, 9])
@pytest.mark.parametrize("point", [point for point in FAULT_POINTS if point not in CLUSTER_ONLY])
def test_the_driver_may_die_just_before_and_just_after_each_durable_step(
    folder: Path, undisturbed: str, point: str, passage: int
) -> None:
    campaign = Campaign(folder / "campaign", **SMALL)
    with campaign.start(**{VARIABLE: f"{point}#{passage}"}) as process:
        process.communicate(timeout=60)
    assert process.returncode == EXIT_CODE or (process.returncode == 0 and passage > 1)  # 0: not taken so often
    assert campaign.orphans() == {}
    committed, executions = campaign.committed(), campaign.executions()
    campaign.run_to_end()
    assert campaign.exported.read_text() == undisturbed
    assert {x: campaign.executions()[x] for x in committed} == {x: executions[x] for x in committed}


def test_a_stopped_worker_that_comes_back_late_is_refused_each_time(folder: Path) -> None:
    path = folder / "store.sqlite"
    with QCResultStore(path) as store:
        keys = store.submit_many(TaskRequest("m:f", {"x": x}) for x in range(N_LATE)).keys
        command = [sys.executable, "-c", CLAIM_AND_COMPLETE, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as late:
            assert late.stdin is not None
            assert late.stdout is not None
            answers = []
            for _ in range(N_LATE):
                key = late.stdout.readline().strip()
                late.send_signal(signal.SIGSTOP)
                token = _overtake(store, key)
                late.stdin.write("go\n")
                late.send_signal(signal.SIGCONT)
                answers.append(late.stdout.readline().strip())
                with pytest.raises(StaleLeaseError):
                    store.complete(key, token - 1, "later still")
        assert answers == ["refused"] * N_LATE
        assert store.counts() == Counts(done=N_LATE)
        assert {store.result(key) for key in keys} == {"in time"}
        assert all([kind for _, kind, _ in store.events(key)].count("refused") == 2 for key in keys)


def test_a_stopped_driver_with_its_workers_is_overtaken_and_doubles_nothing(folder: Path) -> None:
    gate = folder / "gate"
    with QCResultStore(folder / "store.sqlite") as store:
        keys = store.submit_many(
            TaskRequest("fake_calculations:wait_for_file", {"path": str(gate), "x": x}, timeout_s=60) for x in range(6)
        ).keys
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FAKES), *filter(None, sys.path)])}
        command = [sys.executable, "-c", RUN, str(store.path)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as stopped:
            assert stopped.stdout is not None
            assert [stopped.stdout.readline() for _ in range(2)] == ["running\n"] * 2
            frozen = [stopped.pid, *_workers_of(stopped.pid)]
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            gate.touch()
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
            assert store.counts() == Counts(done=6)
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
            stopped.communicate(timeout=60)
        assert stopped.returncode == 0
        assert len(frozen) == 3
        outcomes = [[attempt.outcome for attempt in store.attempts(key)] for key in keys]
        assert sorted(outcomes) == [["done"]] * 4 + [["interrupted", "done"]] * 2


def test_the_programs_of_a_killed_worker_die_with_it(folder: Path) -> None:
    campaign = Campaign(folder / "worker", n_rounds=1, round_size=10, sleep_s=0.3)
    with campaign.start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not campaign.living("sleep 300"):
            time.sleep(0.01)
        os.kill(next(iter(campaign.living(COMMANDS["worker"]))), signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert campaign.orphans() == {}
    assert len(campaign.committed()) == 10


def _workers_of(driver: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == driver and "heliosc.execution.worker" in (entry / "cmdline").read_text():
                found.append(int(entry.name))
    return found


def _overtake(store: QCResultStore, key: str) -> int:
    """Wait until the lease has ended, then do the task in the place of who holds it."""
    deadline = time.monotonic() + 10
    while not store.release_expired():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    task = store.claim("in time", lease_s=60, keys=[key])
    assert task is not None
    store.complete(key, task.token, "in time")
    return task.token
