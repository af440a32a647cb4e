"""Worker processes that survive their items: one item over its CPU time or a crash ends its worker, never the run.

Each worker arms a timer of its own CPU time before an item; the kernel ends the worker when it runs out, even inside
compiled code. The parent learns from shared memory which item that was, starts a fresh worker and sends the same job
again with that item marked as poison.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from heliosc.errors import HelioscError, ResourceError

ITEM_SECONDS = 5.0
_NO_ITEM = -1
_SINGLE_THREADED = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Job = TypeVar("Job")
Result = TypeVar("Result")


class ItemWatch:
    """Handed to the job function in the worker; call it before each item."""

    def __init__(self, current: Any, poison: Mapping[int, str], *, item_seconds: float, parent: int) -> None:
        self._current = current
        self._poison = poison
        self._item_seconds = item_seconds
        self._parent = parent

    def __call__(self, item: int) -> str | None:
        """The reason to leave the item alone, or None; its time starts now."""
        if os.getppid() != self._parent:
            os._exit(1)  # the parent was killed: nobody waits for this job
        if item in self._poison:
            return self._poison[item]
        self._current.value = item
        signal.setitimer(signal.ITIMER_PROF, self._item_seconds)
        return None

    def rest(self) -> None:
        """No item is being worked on."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._current.value = _NO_ITEM


@dataclass(slots=True)
class _Task:
    """A job on its way through the pool.

    Attributes
    ----------
    poison : items that ended a worker -> how
    n_kills : workers that were killed from outside on this job
    """

    function: Callable
    job: Any
    poison: dict[int, str] = field(default_factory=dict)
    n_kills: int = 0


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    current: Any
    task: _Task | None = None

    def give(self, task: _Task) -> None:
        self.task = task
        self.connection.send((task.function, task.job, task.poison))


class WorkerPool:
    """Worker processes for one stage after another; use as a context manager.

    Parameters
    ----------
    item_seconds : CPU time an item may take
    """

    def __init__(self, *, n_workers: int, item_seconds: float = ITEM_SECONDS) -> None:
        self._n_workers = n_workers
        self._item_seconds = item_seconds
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._dismiss(self._workers.pop())

    def run(
        self,
        function: Callable[[Job, ItemWatch], Result],
        jobs: Iterable[Job],
        *,
        at_most: int | None = None,
    ) -> Iterator[tuple[Job, Result]]:
        """Results of ``function(job, watch)`` as they come, each with its job; a job is drawn when a worker is free.

        Parameters
        ----------
        function : importable by name; jobs and results travel between processes
        at_most : use no more workers than this

        Raises
        ------
        HelioscError : the function raised it
        ResourceError : a worker died outside any item, or twice from lack of memory
        """
        waiting = iter(jobs)
        n_workers = min(self._n_workers, at_most or self._n_workers)
        while len(self._workers) > n_workers:  # at rest, yet each holds memory
            self._dismiss(self._workers.pop())
        while self._fill(function, waiting, n_workers) or self._busy():
            ready = wait([worker.connection for worker in self._busy()])
            for worker in [w for w in self._busy() if w.connection in ready]:
                outcome = self._receive(worker)
                if outcome is not None:
                    yield outcome

    def _dismiss(self, worker: _Worker) -> None:
        worker.connection.close()
        worker.process.terminate()
        worker.process.join()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _fill(self, function: Callable, waiting: Iterator[Any], n_workers: int) -> bool:
        """Give every free worker a job; whether any was given."""
        was_given = False
        while len(self._busy()) < n_workers:
            job = next(waiting, None)
            if job is None:
                break
            worker = next((w for w in self._workers if w.task is None), None) or self._start()
            worker.give(_Task(function, job))
            was_given = True
        return was_given

    def _receive(self, worker: _Worker) -> tuple[Any, Any] | None:
        task = worker.task
        if task is None:
            return None
        try:
            status, answer = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._replace(worker, task)
            return None
        worker.task = None
        if status == "error":
            raise answer
        if status == "crash":
            raise RuntimeError(f"a worker failed:\n{answer}")
        return task.job, answer

    def _replace(self, worker: _Worker, task: _Task) -> None:
        """Give the task of a dead worker to a fresh one, its last item poisoned.

        Raises
        ------
        ResourceError : nothing says which item it was, or the task loses its worker from outside again
        """
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        item, exit_code = worker.current.value, worker.process.exitcode or 0
        if item == _NO_ITEM:
            raise ResourceError(f"a worker died with exit code {exit_code} outside any row; is memory short? Try again")
        if exit_code == -signal.SIGKILL:
            task.n_kills += 1
            if task.n_kills > 1:
                raise ResourceError("workers are killed again and again; is memory short? Use fewer workers")
        elif exit_code == -signal.SIGPROF:
            task.poison[item] = f"took over {self._item_seconds:g} s of CPU time"
        else:
            task.poison[item] = f"crashed its reader (exit code {exit_code})"
        self._start().give(task)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        current = self._context.RawValue("q", _NO_ITEM)
        arguments = (theirs, current, self._item_seconds, os.getpid())
        process = self._context.Process(target=_serve, args=arguments, daemon=True)
        with _environment(_SINGLE_THREADED):
            process.start()
        theirs.close()
        worker = _Worker(process, ours, current)
        self._workers.append(worker)
        return worker


def _serve(connection: Connection, current: Any, item_seconds: float, parent: int) -> None:
    """Life of a worker: jobs in, results out, until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while True:
        try:
            function, job, poison = connection.recv()
        except (EOFError, OSError):
            return
        watch = ItemWatch(current, poison, item_seconds=item_seconds, parent=parent)
        answer: tuple[str, Any]
        try:
            answer = ("done", function(job, watch))
        except HelioscError as error:
            answer = ("error", error)
        except Exception:  # noqa: BLE001 - whatever it is, the parent shows it
            answer = ("crash", traceback.format_exc())
        watch.rest()
        try:
            connection.send(answer)
        except (BrokenPipeError, OSError):
            return


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that a process started inside the block sees."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
