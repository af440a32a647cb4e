"""Asynchronous doors: submit now, have the result later.

``AsyncQCManager`` runs any callable; ``DFTInterface`` is the same for one callable at one level of theory. Both names
and the keyword ``max_workers`` are what users of heliosc's configurations already know.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from types import TracebackType
from typing import Any

from heliosc.errors import HelioscError, UsageError
from heliosc.execution.driver import LEASE_S, OnEvent, TaskDriver, local_transport
from heliosc.execution.pool import WorkerSettings
from heliosc.execution.store import QCResultStore
from heliosc.execution.tasks import FINAL_STATES, TaskFailedError, TaskRequest, TaskState
from heliosc.execution.transport import TransportFactory

_DEFAULT_SETTINGS = WorkerSettings()


class TaskFuture(Future[Any]):
    """Future of one task; ``AsyncQCManager.cancel`` cancels the task, the future's own ``cancel`` answers False.

    Attributes
    ----------
    key : key of the task in the store
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()  # from now on only the manager decides what becomes of it
        self.key = key


class AsyncQCManager:
    """Runs tasks in the background and hands out futures; what it has finished stays in the store.

    Parameters
    ----------
    store : open store, shared with whoever else reads it
    n_workers, max_workers : number of worker processes, under either name
    on_event : see ``run_tasks``; called in the background thread, and what it raises ends the manager
    settings : how workers run
    transport : makes what runs the tasks elsewhere, in place of local worker processes
    max_pending : submitting waits while so many tasks are unfinished; None for no limit
    lease_s : see ``run_tasks``

    Attributes
    ----------
    eta_s : seconds until all submitted tasks are finished, from their cost estimates; None before the first is

    Raises
    ------
    UsageError : no or two different numbers of workers
    """

    def __init__(
        self,
        store: QCResultStore,
        *,
        n_workers: int | None = None,
        max_workers: int | None = None,
        on_event: OnEvent | None = None,
        settings: WorkerSettings = _DEFAULT_SETTINGS,
        transport: TransportFactory | None = None,
        max_pending: int | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        counts = {count for count in (n_workers, max_workers) if count is not None}
        if len(counts) != 1 and transport is None:
            raise UsageError(f"n_workers is {n_workers} and max_workers is {max_workers}; expected one of the two")
        self.store = store
        self._on_event = on_event
        self._pending: dict[str, TaskFuture] = {}  # finished ones are forgotten: the store has the results
        self.eta_s: float | None = None
        self._max_pending = max_pending
        self._lock = threading.RLock()
        self._has_room = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._driver = TaskDriver(
            store,
            transport or local_transport(counts.pop(), settings),
            on_event=self._note,
            lease_s=lease_s,
        )
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="heliosc-qc-manager", daemon=True)
        self._thread.start()

    def __enter__(self) -> AsyncQCManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(wait_for_tasks=kind is None)

    def submit(
        self,
        callable: str,  # noqa: A002 - the word of the task's own field
        payload: Mapping[str, Any],
        *,
        identity: Mapping[str, Any] | None = None,
        priority: float = 0.0,
        timeout_s: float | None = None,
        max_attempts: int = 2,
        cores: int = 1,
        memory_mb: int | None = None,
        cost_s: float | None = None,
    ) -> TaskFuture:
        """Ask for one task; see ``TaskRequest``. A task that is done already gives a finished future.

        Raises
        ------
        UsageError : bad callable name, or the manager is closed
        InputError : the payload is not JSON
        """
        request = TaskRequest(callable, payload, identity, priority, timeout_s, max_attempts, cores, memory_mb, cost_s)
        return self.submit_many([request])[0]

    def submit_many(self, requests: Iterable[TaskRequest]) -> list[TaskFuture]:
        """Ask for many tasks in one transaction, once there is room for more.

        Callbacks do not wait: they run in the thread that makes the room.
        """
        with self._has_room:
            if threading.current_thread() is not self._thread:
                self._has_room.wait_for(self._may_submit)
            self._refuse_if_closed()
        return self._watch(self.store.submit_many(requests).keys)

    def fetch(self, key: str, *, timeout_s: float | None = None) -> Any:
        """Result of a task, waiting for it; a task of an earlier run is taken up.

        Raises
        ------
        TaskFailedError : it has failed
        concurrent.futures.CancelledError : it was cancelled
        TimeoutError : not finished after ``timeout_s``
        UsageError : the key is not in the store
        """
        return self.future(key).result(timeout_s)

    def future(self, key: str) -> TaskFuture:
        """Future of a task in the store; an unfinished one of an earlier run is taken up.

        Raises
        ------
        UsageError : the key is not in the store, or the task is unfinished and the manager closed
        """
        return self._watch([key])[0]

    def cancel(self, key: str) -> bool:
        """Cancel a queued or running task; returns whether it was one."""
        is_cancelled = self.store.cancel([key]) == 1
        with self._lock:
            if key in self._pending:
                self._driver.add([key])
        return is_cancelled

    def retry(self, key: str) -> TaskFuture:
        """Queue a failed or cancelled task again; returns its future."""
        with self._lock:
            self._refuse_if_closed()
            self.store.retry([key])
            return self._watch([key])[0]

    def as_completed(self, keys: Iterable[str]) -> Iterator[str]:
        """Keys in the order in which their tasks end, whatever way; ``fetch`` then returns or raises at once."""
        pending: set[Future[Any]] = {self.future(key) for key in keys}
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                if isinstance(future, TaskFuture):
                    yield future.key

    def close(self, *, wait_for_tasks: bool = True) -> None:
        """Wait for the submitted tasks, or stop and leave the rest queued; then end the workers.

        Raises
        ------
        HelioscError : what stopped the background thread, such as a full disk
        """
        if wait_for_tasks:
            with self._lock:
                pending = list(self._pending.values())
            wait(pending)
        self._stopping.set()
        self._driver.wake()
        self._thread.join()
        if self._error is not None and wait_for_tasks:
            raise self._error

    def _may_submit(self) -> bool:
        is_full = self._max_pending is not None and len(self._pending) >= self._max_pending
        return not is_full or self._stopping.is_set()

    def _refuse_if_closed(self) -> None:
        if self._error is not None:
            raise self._error
        if self._stopping.is_set():
            raise UsageError("this AsyncQCManager is closed; make a new one on the same store")

    def _watch(self, keys: list[str]) -> list[TaskFuture]:
        with self._lock:
            states = self.store.states(keys)
            unfinished = [key for key, state in states.items() if state not in FINAL_STATES]
            if unfinished:
                self._refuse_if_closed()
            known = {key: self._pending[key] for key in keys if key in self._pending}  # the thread resolves these
            futures = {key: known.get(key) or TaskFuture(key) for key in keys}
            self._pending.update({key: futures[key] for key in unfinished})
            self._driver.add(unfinished)
        for key in set(keys).difference(unfinished):
            if key not in states:
                raise UsageError(f"task {key!r} is not in {self.store.name}; submit it first")
            if key not in known:
                self._resolve(futures[key], states[key])
        return [futures[key] for key in keys]

    def _note(self, event: dict[str, Any]) -> None:
        self.eta_s = event["eta_s"]
        if event["state"] in FINAL_STATES:
            with self._lock:  # retry() takes it too: the task stays what it is while we look
                state = self.store.states([event["key"]])[event["key"]]
                future = self._pending.pop(event["key"], None) if state in FINAL_STATES else None
                if future is not None:
                    self._resolve(future, state)
                    self._has_room.notify_all()
        if self._on_event is not None:
            self._on_event(event)

    def _resolve(self, future: TaskFuture, state: TaskState) -> None:
        try:
            if state == "cancelled":
                raise CancelledError(f"task {future.key[:12]} was cancelled")
            failure = self.store.failure(future.key) if state == "failed" else None
            if failure is not None:
                raise TaskFailedError(failure)
            result = self.store.result(future.key)
        except (HelioscError, CancelledError) as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    def _run(self) -> None:
        try:
            self._driver.run(self._stopping.is_set, is_endless=True)
            self.store.backups.keep(is_last=True)
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits, and to close()
            self._error = error
        finally:
            with self._lock:
                self._stopping.set()
                abandoned = list(self._pending.values())
                self._pending.clear()
                self._has_room.notify_all()
            for future in abandoned:
                future.set_exception(self._error or CancelledError("the manager was closed; the task stays queued"))


class DFTInterface:
    """One kind of calculation with its level of theory, as a door to the manager.

    Parameters
    ----------
    manager : runs the calculations
    callable : ``package.module:function`` that computes one molecule
    defaults : payload fields that all calculations share, such as the level of theory
    timeout_s : wall-clock limit of one attempt; None for no limit
    max_attempts : see ``TaskRequest``
    """

    def __init__(
        self,
        manager: AsyncQCManager,
        callable: str,  # noqa: A002 - the word of the task's own field
        *,
        defaults: Mapping[str, Any],
        timeout_s: float | None = None,
        max_attempts: int = 2,
    ) -> None:
        self._manager = manager
        self._callable = callable
        self._defaults = dict(defaults)
        self._timeout_s = timeout_s
        self._max_attempts = max_attempts

    def submit(self, payload: Mapping[str, Any], *, priority: float = 0.0) -> TaskFuture:
        """Ask for one calculation; fields of ``payload`` go before the defaults."""
        return self._manager.submit(
            self._callable,
            {**self._defaults, **payload},
            priority=priority,
            timeout_s=self._timeout_s,
            max_attempts=self._max_attempts,
        )

    def fetch(self, key: str, *, timeout_s: float | None = None) -> Any:
        """See ``AsyncQCManager.fetch``."""
        return self._manager.fetch(key, timeout_s=timeout_s)

    def cancel(self, key: str) -> bool:
        """See ``AsyncQCManager.cancel``."""
        return self._manager.cancel(key)

    def retry(self, key: str) -> TaskFuture:
        """See ``AsyncQCManager.retry``."""
        return self._manager.retry(key)

    def as_completed(self, keys: Iterable[str]) -> Iterator[str]:
        """See ``AsyncQCManager.as_completed``."""
        return self._manager.as_completed(keys)
