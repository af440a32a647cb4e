"""Parsl as a transport: hands tasks to its executor, takes answers back, and survives the loss of any part."""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliosc.errors import ResourceError, UsageError
from heliosc.execution.guarding import Guard
from heliosc.execution.parsl.blocks import BlockKeeper
from heliosc.execution.parsl.executor import make_executor
from heliosc.execution.parsl.providers import check_provider
from heliosc.execution.parsl.remote import Order, recall_file
from heliosc.execution.parsl.settings import LOCAL, ParslSettings
from heliosc.execution.pool import WorkerSettings
from heliosc.execution.processes import kill_all
from heliosc.execution.tasks import CRASH, AttemptCost, Task
from heliosc.execution.transport import TaskError, TaskLost, TaskStarted, TaskSuccess, TransportEvent

if TYPE_CHECKING:
    from parsl.executors import HighThroughputExecutor

_RUN_ORDER = "heliosc.execution.parsl.remote.run_order"
_SEND_LIMIT_MS = 5_000
_AHEAD = 2  # tasks handed over for each that can run: a worker never waits for the driver
_MAX_LOSSES = 5  # of one task; then it is taken to be what fells its workers
_MAX_RESTARTS = 3  # of the interchange without an answer in between
_CANCEL_LIMIT_S = 4.0
_END_LIMIT_S = 2

_log = logging.getLogger(__name__)


@dataclass
class _Engine:
    """A running executor with what keeps it supplied."""

    executor: HighThroughputExecutor
    blocks: BlockKeeper


class ParslTransport:
    """Runs tasks on the workers of a Parsl executor.

    ``TaskStarted`` tells that a task was handed over: Parsl does not say when a worker begins. A task that is called
    back goes on where the driver's folder cannot be seen, and its answer is ignored.

    Parameters
    ----------
    settings : how Parsl is used
    workers : how tasks run on the nodes

    Raises
    ------
    UsageError, MissingDependencyError : the provider cannot be used as asked
    ResourceError : the folder cannot be made, or Parsl does not start
    """

    def __init__(self, settings: ParslSettings, workers: WorkerSettings) -> None:
        check_provider(settings.provider, settings.options)
        self._settings = settings
        self._workers = workers
        self._token = f"parsl-{uuid.uuid4().hex}."
        self._folder = _make_folder(settings)
        self._happened: queue.SimpleQueue[tuple[Task, Future[Any] | None] | None] = queue.SimpleQueue()
        self._running: dict[int, Task] = {}  # by token
        self._losses: Counter[str] = Counter()
        self._n_engines = self._n_restarts = 0
        self._failure: str | None = None
        self._is_cut_off = False
        self._engine: _Engine | None = None
        self._guard = Guard(self._token, self._folder)
        try:
            self._engine = self._start_engine()
        except BaseException:
            self.close()
            raise

    @property
    def n_free(self) -> int:
        """Number of tasks that ``start`` would take now."""
        if self._engine is None or self._failure is not None or self._is_cut_off:
            return 0
        return max(0, _AHEAD * self._engine.blocks.n_slots - self._engine.executor.outstanding())

    def adopt(self) -> dict[str, int]:
        """Nothing: what a dead driver handed to Parsl ends with it."""
        return {}

    def start(self, tasks: Sequence[Task]) -> None:
        """Hand tasks to Parsl.

        Raises
        ------
        ResourceError : Parsl has given up, for instance over workers with other versions
        """
        if self._engine is None:  # n_free was 0
            raise UsageError("the Parsl transport is closed")
        import zmq  # comes with Parsl

        executor = self._engine.executor
        for task in tasks:
            if executor.bad_state_is_set:
                self._failure = f"Parsl has given up: {executor.executor_exception}; logs are in {self._folder}"
            self._refuse_if_failed()
            order = Order(task, self._workers, self._folder)
            self._running[task.token] = task
            if self._is_cut_off:
                continue
            try:
                future = executor.submit_payload({"task_executor": {"f": _RUN_ORDER}}, order.to_bytes())
            except zmq.Again:  # the interchange has ended: ``wait`` starts another and tells of what is lost
                self._is_cut_off = True
                continue
            self._happened.put((task, None))
            future.add_done_callback(partial(self._note_end, task))

    def wait(self, timeout_s: float) -> list[TransportEvent]:
        """What has happened, after waiting at most so long for something to happen.

        Raises
        ------
        ResourceError : no workers come to life, or they cannot run heliosc
        """
        self._guard.keep()
        happened = self._take(timeout_s)
        events = [event for task, future in happened if (event := self._understood(task, future)) is not None]
        if not events:
            self._refuse_if_failed()
            events = self._look_after_engine()
        return events

    def wake(self) -> None:
        """Make ``wait`` return; may be called from any thread."""
        self._happened.put(None)

    def drop(self, key: str) -> None:
        """Forget this task's attempt, and call it back where the folder can be seen."""
        for token, task in list(self._running.items()):
            if task.key == key:
                del self._running[token]
                with suppress(OSError):  # it then runs to its end in vain
                    recall_file(self._folder, task).touch()

    def close(self) -> set[str]:
        """End every block, the interchange and all their processes on this machine."""
        self._stop_engine()
        kill_all(self._token, grace_s=0.5)
        self._guard.dismiss()
        if self._failure is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        return set()

    # the executor

    def _start_engine(self) -> _Engine:
        self._n_engines += 1
        executor = make_executor(
            self._settings,
            token=self._token,
            folder=self._folder / f"parsl-{self._n_engines}",
            n_threads=self._workers.n_threads,
        )
        try:
            executor.start()
        except Exception as error:  # Parsl raises plain Exception
            _shut_down(executor)
            self._failure = f"Parsl does not start: {error}; its logs are in {self._folder}"
            raise ResourceError(self._failure) from error
        # without a peer a send waits for ever, and the one peer may be killed at any time
        executor.outgoing_q.zmq_socket.sndtimeo = _SEND_LIMIT_MS
        self._is_cut_off = False
        return _Engine(executor, BlockKeeper(executor))

    def _stop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is None:
            return
        if not engine.blocks.close(limit_s=_CANCEL_LIMIT_S):
            _log.warning("the scheduler did not answer; cancel the jobs named parsl.heliosc by hand if they stay")
        _shut_down(engine.executor)

    def _look_after_engine(self) -> list[TransportEvent]:
        engine = self._engine
        if engine is None:
            return []
        if engine.blocks.failure is not None:
            self._failure = f"{engine.blocks.failure}; logs are in {self._folder}"
        process = engine.executor.interchange_proc
        if process is None or (process.poll() is None and not self._is_cut_off):
            return []
        _log.warning("Parsl's interchange ended with code %s; starting another", process.returncode)
        self._stop_engine()
        self._n_restarts += 1
        if self._n_restarts > _MAX_RESTARTS:
            self._failure = f"Parsl's interchange ended {self._n_restarts} times; its logs are in {self._folder}"
        else:
            self._engine = self._start_engine()
        return [self._lost(task, "Parsl's interchange ended") for task in list(self._running.values())]

    # answers

    def _take(self, timeout_s: float) -> list[tuple[Task, Future[Any] | None]]:
        taken = []
        with suppress(queue.Empty):
            taken.append(self._happened.get(timeout=max(timeout_s, 1e-3)))
            while True:
                taken.append(self._happened.get_nowait())
        return [item for item in taken if item is not None]

    def _note_end(self, task: Task, future: Future[Any]) -> None:
        self._happened.put((task, future))

    def _understood(self, task: Task, future: Future[Any] | None) -> TransportEvent | None:
        if task.token not in self._running:  # called back
            return None
        if future is None:
            return TaskStarted(task)
        error = future.exception()
        if error is not None:
            return self._not_answered(task, error)
        answer = json.loads(future.result())
        if answer["event"] == "lost":
            return self._lost(task, answer["reason"])
        self._note_answer(task)
        cost = AttemptCost(**answer["cost"])
        if answer["event"] == "failed":
            return TaskError(task, answer["error_class"], answer["reason"], answer["traceback"], cost)
        return TaskSuccess(task, answer["result"], cost)

    def _note_answer(self, task: Task) -> None:
        del self._running[task.token]
        self._n_restarts = 0
        if self._engine is not None:
            self._engine.blocks.n_answered += 1

    def _not_answered(self, task: Task, error: BaseException) -> TransportEvent | None:
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        if isinstance(error, (ManagerLost, WorkerLost)):
            return self._lost(task, str(error))
        self._failure = (
            f"Parsl's workers cannot run heliosc: {type(error).__name__}: {error}; they need the same versions of "
            "heliosc, Parsl and Python as this machine"
        )
        return None

    def _lost(self, task: Task, reason: str) -> TransportEvent:
        del self._running[task.token]
        self._losses[task.key] += 1
        if self._engine is not None:
            self._engine.blocks.look_soon()
        if self._losses[task.key] < _MAX_LOSSES:
            return TaskLost(task, reason)
        reason = f"{_MAX_LOSSES} workers were lost while they had it, last: {reason}; it may need more memory"
        return TaskError(task, CRASH, reason, None, AttemptCost())

    def _refuse_if_failed(self) -> None:
        if self._failure is not None:
            raise ResourceError(self._failure)


def _make_folder(settings: ParslSettings) -> Path:
    parent = settings.folder
    if parent is None and settings.provider == LOCAL:
        parent = Path(tempfile.gettempdir())
    elif parent is None:
        parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heliosc"
    parent = parent.absolute()
    if not re.fullmatch(r"[\w./-]+", str(parent)):
        raise UsageError(
            f"folder {parent} for Parsl has characters that its shell scripts do not quote; name one of letters, "
            "digits and . - _ in execution.parsl.folder"
        )
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="heliosc-parsl-", dir=parent))
        (folder / "recalled").mkdir()
    except OSError as error:
        raise ResourceError(
            f"cannot make a folder for Parsl in {parent}: {error.strerror}; name another in execution.parsl.folder"
        ) from error
    return folder


def _shut_down(executor: HighThroughputExecutor) -> None:
    import zmq

    if hasattr(executor, "outgoing_q"):
        executor.outgoing_q.zmq_socket.setsockopt(zmq.LINGER, 0)  # else closing it waits for a dead interchange
    executor.shutdown(timeout=_END_LIMIT_S)
