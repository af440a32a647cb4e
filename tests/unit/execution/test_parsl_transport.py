"""Real Parsl on this machine: same results as local workers; whatever is killed, nothing is lost, doubled or left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from heliosc.errors import ResourceError
from heliosc.execution import Counts, QCResultStore, TaskRequest, WorkerSettings, run_tasks
from heliosc.execution.parsl.settings import ParslSettings
from heliosc.execution.parsl.transport import ParslTransport
from heliosc.execution.tasks import Task
from heliosc.execution.transport import TaskStarted

pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")
pytestmark = pytest.mark.slow

INTERCHANGE, MANAGER, WORKER = "HTEX interchange", "process_worker_pool", "multiprocessing.spawn"
RUN = """
import sys
from pathlib import Path
from heliosc.execution import QCResultStore, WorkerSettings, run_tasks
from heliosc.execution.parsl.settings import ParslSettings
from heliosc.execution.parsl.transport import ParslTransport
settings = ParslSettings(workers_per_node=2, heartbeat_s=1, lost_after_s=20, folder=Path(sys.argv[2]))
run_tasks(
    QCResultStore(Path(sys.argv[1])),
    transport=lambda store: ParslTransport(settings, WorkerSettings(scratch=Path(sys.argv[2]))),
    on_event=lambda event: print(event["state"], flush=True),
)
"""


def requests(n_tasks: int, *, sleep_s: float = 0.0) -> list[TaskRequest]:
    """Good ones, and one of each way to fail."""
    squares = [TaskRequest("fake_calculations:logged_square", {"x": x, "sleep_s": sleep_s}) for x in range(n_tasks)]
    return [
        *squares,
        TaskRequest("fake_calculations:fails", {"how": "convergence"}),
        TaskRequest("fake_calculations:segfaults", {}, max_attempts=1),
        TaskRequest("fake_calculations:wait_for_file", {"path": "/nowhere"}, timeout_s=0.5, max_attempts=1),
        TaskRequest("no_such_module:f", {}),
    ]


def living(mark: str) -> dict[int, str]:
    """Pid and command of the processes that carry a mark in their environment."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has just ended
            continue
    return found


def wait_until(condition: Callable[[], bool], *, limit_s: float = 10) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """In the environment of everything that is started here."""
    value = uuid.uuid4().hex
    monkeypatch.setenv("FAKE_MARK", value)
    return value


@pytest.fixture
def settings(fast_folder: Path) -> ParslSettings:
    return ParslSettings(workers_per_node=2, heartbeat_s=1, lost_after_s=20, folder=fast_folder / "scratch")


@pytest.fixture
def workers(fast_folder: Path) -> WorkerSettings:
    return WorkerSettings(scratch=fast_folder / "scratch")


def test_forty_tasks_give_what_local_workers_give_and_nothing_stays(
    store: QCResultStore, fast_folder: Path, settings: ParslSettings, workers: WorkerSettings, mark: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("FAKE_LOG", str(fast_folder / "log"))
    here = fast_folder / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    store.submit_many(requests(40))
    environment = store.submit("fake_calculations:reports_environment", {})
    threads = set(threading.enumerate())

    def make(of: QCResultStore) -> ParslTransport:
        return ParslTransport(settings, workers)

    assert run_tasks(store, transport=make) == Counts(done=41, failed=4)
    assert all(len(store.attempts(key)) == 1 for key in store.states())
    seen = store.result(environment)
    assert (seen["OMP_NUM_THREADS"], seen["PYTHONPATH"]) == ("1", os.environ.get("PYTHONPATH"))

    with QCResultStore(fast_folder / "local.db") as local:
        local.submit_many(requests(40))
        run_tasks(local, n_workers=2)
        local_lines = set(local.export_lines())
    assert local_lines == {line for line in store.export_lines() if environment not in line}
    assert set(threading.enumerate()) == threads
    wait_until(lambda: list((fast_folder / "scratch").iterdir()) == [])  # the guards of the workers' pools are last
    assert list(here.iterdir()) == []
    wait_until(lambda: not living(mark))


def test_killed_worker_manager_and_interchange_cost_no_attempt(
    store: QCResultStore, fast_folder: Path, settings: ParslSettings, workers: WorkerSettings, mark: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("FAKE_LOG", str(fast_folder / "log"))
    gate = fast_folder / "gate"
    gates = store.submit_many(
        TaskRequest("fake_calculations:wait_for_file", {"path": str(gate), "x": x}, priority=1, max_attempts=1)
        for x in range(2)
    ).keys
    squares = store.submit_many(requests(6)[:6]).keys
    victims = [WORKER, MANAGER, INTERCHANGE]
    settings = replace(settings, lost_after_s=4)
    log = fast_folder / "log"

    def kill_next() -> bool:
        """Kill one once a task waits on each worker; asked for by the driver before each of its turns."""
        running = [pid for pid, command in living(mark).items() if "heliosc.execution.worker" in command]
        if victims and len(running) == 2:
            command = victims.pop(0)
            os.kill(max(pid for pid, found in living(mark).items() if command in found), signal.SIGKILL)
            for pid in running:  # do not count them again
                wait_until(lambda pid=pid: pid not in living(mark) or command == WORKER)
            if command == WORKER:
                wait_until(lambda: len([1 for found in living(mark).values() if "execution.worker" in found]) < 2)
        if not victims and len(running) == 2:
            gate.touch()
        return False

    counts = run_tasks(store, transport=lambda of: ParslTransport(settings, workers), stop=kill_next)
    assert victims == []
    assert counts == Counts(done=8)
    outcomes = [attempt.outcome for key in gates for attempt in store.attempts(key)]
    assert outcomes.count("done") == 2
    assert "interrupted" in outcomes  # a kill may also meet a worker whose next task is still on its way
    assert set(outcomes) == {"done", "interrupted"}
    assert log.read_text().count("start") - len(squares) <= 2 * 3  # answers that were on their way at each kill
    wait_until(lambda: [found for found in living(mark).values() if "pytest" not in found] == [])


def test_tasks_for_an_interchange_that_has_just_died_are_lost_not_waited_for(
    settings: ParslSettings, workers: WorkerSettings, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliosc.execution.parsl.transport._SEND_LIMIT_MS", 500)
    transport = ParslTransport(settings, workers)
    try:
        (pid,) = [pid for pid, command in living(mark).items() if INTERCHANGE in command]
        os.kill(pid, signal.SIGKILL)
        tasks = [Task(f"key{token}", "fake_calculations:square", {"x": token}, token, 1) for token in (1, 2)]
        time.sleep(1)  # the socket has noticed by now that nobody is there: a send would wait for ever
        transport.start(tasks)
        lost: list[str] = []
        wait_until(lambda: lost.extend(event.task.key for event in transport.wait(0.2)) or len(lost) == 2, limit_s=20)
        assert sorted(lost) == ["key1", "key2"]
    finally:
        transport.close()


def test_a_killed_driver_leaves_nothing_and_the_next_goes_on(
    fast_folder: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, scratch = fast_folder / "log", fast_folder / "scratch"
    store = QCResultStore(fast_folder / "store.db")
    store.submit_many(requests(40, sleep_s=0.05))
    environment = {**os.environ, "FAKE_LOG": str(log),
                   "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}  # fmt: skip
    command = [sys.executable, "-c", RUN, str(store.path), str(scratch)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=fast_folder) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "done\n":
            pass
        process.kill()
    wait_until(lambda: not living(mark))
    assert list(scratch.iterdir()) == []
    n_done = store.counts().done
    assert 0 < n_done < 40
    n_started, n_ended = (log.read_text().count(word) for word in ("start", "end"))
    assert n_started - n_ended <= 2  # the two that ran
    assert n_ended - n_done <= 2  # an answer of each worker on its way

    again = subprocess.run(command, env=environment, timeout=60, check=False, stdout=subprocess.DEVNULL)
    assert again.returncode == 0
    assert store.counts() == Counts(done=40, failed=4)
    assert log.read_text().count("start") == 40 + n_started - n_done  # once more what was not stored, nothing else
    with QCResultStore(fast_folder / "local.db") as local:
        local.submit_many(requests(40, sleep_s=0.05))
        monkeypatch.setenv("FAKE_LOG", os.devnull)
        run_tasks(local, n_workers=2)
        assert local.export() == store.export()
    store.close()
    wait_until(lambda: not living(mark))


def test_a_task_that_is_called_back_frees_its_worker(
    settings: ParslSettings, workers: WorkerSettings, mark: str
) -> None:
    transport = ParslTransport(settings, workers)
    try:
        forever = Task("a", "fake_calculations:wait_for_file", {"path": "/nowhere"}, token=1, attempt=1)
        n_free = transport.n_free
        transport.start([forever])
        assert transport.wait(1.0) == [TaskStarted(forever)]
        assert transport.n_free == n_free - 1
        wait_until(lambda: any("heliosc.execution.worker" in command for command in living(mark).values()), limit_s=30)
        transport.drop("a")
        wait_until(lambda: transport.wait(0.1) == [] and transport.n_free == n_free)
    finally:
        transport.close()


def test_workers_that_do_not_come_to_life_end_the_run(
    store: QCResultStore, settings: ParslSettings, workers: WorkerSettings
) -> None:
    broken = ParslSettings(1, options={"worker_init": "echo no such module >&2; exit 3"}, folder=settings.folder)
    key = store.submit("fake_calculations:square", {"x": 1})
    with pytest.raises(ResourceError, match=r"blocks of workers in a row.*exit code 3.*no such module"):
        run_tasks(store, transport=lambda of: ParslTransport(broken, workers))
    assert store.counts([key]) == Counts(queued=1)


def test_parsl_that_has_given_up_is_told(
    store: QCResultStore, settings: ParslSettings, workers: WorkerSettings, mark: str
) -> None:
    key = store.submit("fake_calculations:square", {"x": 1})

    def make(of: QCResultStore) -> ParslTransport:
        transport = ParslTransport(settings, workers)
        assert transport._engine is not None
        transport._engine.executor.set_bad_state_and_fail_all(RuntimeError("other versions"))
        return transport

    with pytest.raises(ResourceError, match="given up: other versions"):
        run_tasks(store, transport=make)
    assert store.counts([key]) == Counts(queued=1)
    wait_until(lambda: not living(mark))
