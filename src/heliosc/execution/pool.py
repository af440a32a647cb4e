"""The local transport: worker processes started, fed, watched, ended. Knows no store.

References
----------
prctl(2) PR_SET_PDEATHSIG: the signal comes when the *thread* that started the worker ends, so one thread must own a
pool from start to end.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from heliosc.errors import ResourceError
from heliosc.execution.guarding import Guard
from heliosc.execution.processes import TOKEN_VARIABLE, kill_all
from heliosc.execution.protocol import OUTPUT_NAME, write_task
from heliosc.execution.tasks import CRASH, TIMEOUT, AttemptCost, Task
from heliosc.execution.transport import TaskError, TaskLost, TaskStarted, TaskSuccess, TransportEvent
from heliosc.execution.worker_process import WorkerProcess

START_LIMIT_S = 300.0  # for importing the callable, which may pull in large libraries from a slow disk
_TAIL_CHARACTERS = 500
_MAX_STILLBORN = 10
_SHORT_S = 1.0  # a task that waits behind another for so long may as well run elsewhere
_VERY_SHORT_S = 0.02  # about one wait for the disk
_GATHER_S = 0.01  # answers are collected for so long while the workers have more to do


@dataclass(frozen=True)
class WorkerSettings:
    """How workers run.

    Attributes
    ----------
    n_threads : OpenMP and BLAS threads of one worker
    memory_limit_bytes : address space of one worker (counts reserved, not only used memory); None for no limit; a
        task may ask for less
    scratch : folder in which each attempt gets its own; by default the system's temporary folder
    keep_scratch : which attempts' folders stay
    """

    n_threads: int = 1
    memory_limit_bytes: int | None = None
    scratch: Path | None = None
    keep_scratch: Literal["never", "failed", "always"] = "never"


@dataclass
class _Job:
    task: Task
    folder: Path
    since: float
    deadline: float


class WorkerPool:
    """Up to ``n_workers`` processes, started when there is something to do.

    Raises
    ------
    ResourceError : the scratch folder cannot be made, or processes cannot be started
    """

    def __init__(self, n_workers: int, settings: WorkerSettings) -> None:
        self._n_workers = n_workers
        self._settings = settings
        self._token = os.environ.get(TOKEN_VARIABLE, "") + uuid.uuid4().hex  # ends with a worker that starts a pool
        self._n_started = 0
        self._n_stillborn = 0  # worker processes in a row that ended before they were ready
        self._workers: dict[WorkerProcess, _Job | None] = {}
        self._waiting: deque[Task] = deque()
        self._usual_s = float("inf")  # of a task; not known yet
        parent = settings.scratch or Path(tempfile.gettempdir())
        self._home = parent.absolute() / f"heliosc-{uuid.uuid4().hex}"
        # before the folder that it is to remove: a driver may die right here
        self._guard = Guard(f"{self._token}-", self._home if settings.keep_scratch == "never" else None)
        try:
            self._home.mkdir(mode=0o700, parents=True)
        except OSError as error:
            self._guard.dismiss()
            raise ResourceError(
                f"cannot make a scratch folder in {parent}: {error.strerror}; choose a writable folder with free space"
            ) from error
        self._selector = selectors.DefaultSelector()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK)
        self._selector.register(self._alarm, selectors.EVENT_READ)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def n_free(self) -> int:
        """Number of tasks that ``start`` can take now.

        While tasks are short it is one or two a worker more: the next task then starts at once, and not after the
        driver has waited for the disk. Long tasks are left to other drivers of the store.
        """
        n_ahead = sum(self._usual_s < limit_s for limit_s in (_SHORT_S, _VERY_SHORT_S))
        return (1 + n_ahead) * self._n_workers - len(self.running())

    def running(self) -> list[Task]:
        """Tasks taken and not yet answered."""
        return [*(job.task for job in self._workers.values() if job is not None), *self._waiting]

    def wake(self) -> None:
        """Make ``wait`` in another thread return."""
        os.eventfd_write(self._alarm, 1)

    def adopt(self) -> dict[str, int]:
        """Nothing: workers die with their driver."""
        return {}

    def start(self, tasks: Sequence[Task]) -> None:
        """Take these tasks, at most ``n_free``, and give them to idle workers."""
        self._waiting.extend(tasks)
        self._feed()

    def _feed(self) -> None:
        """Give waiting tasks to idle workers, or to new ones where there may be more."""
        idle = [worker for worker, job in self._workers.items() if job is None]
        while self._waiting and (idle or len(self._workers) < self._n_workers):
            worker = idle.pop() if idle else self._start_worker()
            self._start_next(worker)

    def _start_next(self, worker: WorkerProcess) -> None:
        if self._waiting:
            self._start(self._waiting[0], worker)
            self._waiting.popleft()

    def _start(self, task: Task, worker: WorkerProcess) -> None:
        folder = self._home / f"{task.key[:12]}-{task.token}"
        try:
            folder.mkdir(exist_ok=True)
            write_task(folder, task)
        except OSError as error:
            raise ResourceError(f"cannot write in {folder}: {error.strerror}; free some space there") from error
        now = time.monotonic()
        self._workers[worker] = _Job(task, folder, since=now, deadline=now + START_LIMIT_S)
        worker.send(folder)

    def wait(self, timeout_s: float) -> list[TransportEvent]:
        """What has happened, after waiting at most so long for something to happen.

        Raises
        ------
        ResourceError : a worker ended before it was ready: none can run here
        """
        self._guard.keep()
        events = self._look(timeout_s)
        gather_until = time.monotonic() + _GATHER_S
        while events and self._waiting and (left_s := gather_until - time.monotonic()) > 0:
            events += self._look(left_s)
        if not events:
            self._feed()
        return events

    def _look(self, timeout_s: float) -> list[TransportEvent]:
        deadlines = [job.deadline for job in self._workers.values() if job is not None]
        until_deadline = min(deadlines, default=float("inf")) - time.monotonic()
        self._selector.select(max(0.0, min(timeout_s, until_deadline)))
        with suppress(BlockingIOError):
            os.eventfd_read(self._alarm)
        return [event for worker in list(self._workers) for event in self._look_at(worker)]

    def drop(self, key: str) -> None:
        """Kill the worker that runs this task, without an event."""
        self._waiting = deque(task for task in self._waiting if task.key != key)
        for worker, job in list(self._workers.items()):
            if job is not None and job.task.key == key:
                self._remove(worker)
                self._clean(job, has_failed=True)

    def close(self) -> set[str]:
        """End all workers and everything they started."""
        for worker in list(self._workers):
            job = self._workers[worker]
            self._remove(worker)
            if job is not None:
                self._clean(job, has_failed=True)
        kill_all(f"{self._token}-", grace_s=0.0)
        self._guard.dismiss()
        self._selector.close()
        os.close(self._alarm)
        if self._settings.keep_scratch == "never":
            shutil.rmtree(self._home, ignore_errors=True)
        return set()

    def _look_at(self, worker: WorkerProcess) -> list[TransportEvent]:
        has_ended = worker.has_ended()  # asked before reading: what it said before its end counts
        events = [event for message in worker.messages() if (event := self._understood(worker, message)) is not None]
        job = self._workers[worker]
        if has_ended:
            self._remove(worker)
            if not worker.is_ready:
                self._count_stillborn(worker)
            if job is not None:
                events.append(self._crashed(worker, job) if worker.is_ready else self._lost(job))
        elif job is not None and time.monotonic() > job.deadline:
            self._remove(worker)
            events.append(self._timed_out(job))
        return events

    def _count_stillborn(self, worker: WorkerProcess) -> None:
        self._n_stillborn += 1
        was_killed = worker.exit_code() < 0  # by someone or for memory: the next one may live
        if not was_killed or self._n_stillborn > _MAX_STILLBORN:
            raise ResourceError(
                f"worker processes cannot start here ({_cause(worker.exit_code())}): "
                f"{worker.log_tail() or 'no message'}; free some memory or use fewer workers"
            )

    def _lost(self, job: _Job) -> TaskLost:
        self._clean(job, has_failed=True)
        return TaskLost(job.task, "the worker process was killed before it began")

    def _understood(self, worker: WorkerProcess, message: dict[str, Any]) -> TransportEvent | None:
        job = self._workers[worker]
        if message["event"] == "ready" or job is None:
            worker.is_ready = True
            self._n_stillborn = 0
            return None
        if message["event"] == "started":
            job.since = time.monotonic()
            job.deadline = job.since + (job.task.timeout_s or float("inf"))
            return TaskStarted(job.task)
        self._workers[worker] = None
        self._note_length(message["wall_s"])
        if not worker.has_ended():
            with suppress(ResourceError):  # _feed tries again, once what has been answered is told, and says why not
                self._start_next(worker)
        has_failed = message["event"] == "failed"
        cost = AttemptCost(message["wall_s"], message["cpu_s"], self._clean(job, has_failed=has_failed))
        if has_failed:
            return TaskError(job.task, message["error_class"], message["reason"], message["traceback"], cost)
        return TaskSuccess(job.task, message["result"], cost)

    def _note_length(self, wall_s: float) -> None:
        is_first = self._usual_s == float("inf")
        self._usual_s = wall_s if is_first else 0.8 * self._usual_s + 0.2 * wall_s

    def _crashed(self, worker: WorkerProcess, job: _Job) -> TaskError:
        said = _tail(job.folder / OUTPUT_NAME)
        reason = f"worker process ended by {_cause(worker.exit_code())}" + (f"; last output: {said}" if said else "")
        return self._ended(job, CRASH, reason)

    def _timed_out(self, job: _Job) -> TaskError:
        limit_s = job.deadline - job.since
        return self._ended(job, TIMEOUT, f"ran past its limit of {limit_s:g} s; raise the limit or make it smaller")

    def _ended(self, job: _Job, error_class: str, reason: str) -> TaskError:
        cost = AttemptCost(wall_s=time.monotonic() - job.since, scratch=self._clean(job, has_failed=True))
        return TaskError(job.task, error_class, reason, None, cost)

    def _clean(self, job: _Job, *, has_failed: bool) -> str | None:
        if self._settings.keep_scratch == "always" or (has_failed and self._settings.keep_scratch == "failed"):
            return str(job.folder)
        shutil.rmtree(job.folder, ignore_errors=True)
        return None

    def _start_worker(self) -> WorkerProcess:
        self._n_started += 1
        worker = WorkerProcess(
            f"{self._token}-{self._n_started}.",  # no prefix of another worker's
            home=self._home,
            n_threads=self._settings.n_threads,
            memory_limit_bytes=self._settings.memory_limit_bytes or 0,
        )
        self._workers[worker] = None
        self._guard.watch(worker.pid)
        self._selector.register(worker, selectors.EVENT_READ)
        return worker

    def _remove(self, worker: WorkerProcess) -> None:
        self._selector.unregister(worker)
        del self._workers[worker]
        worker.kill()
        self._guard.forget(worker.pid)


def _cause(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    return f"{name}, usually the kernel out of memory" if -exit_code == signal.SIGKILL else name


def _tail(path: Path) -> str:
    if not path.is_file():
        return ""
    return path.read_bytes()[-_TAIL_CHARACTERS:].decode(errors="replace").strip()
