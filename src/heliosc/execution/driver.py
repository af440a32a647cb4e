"""The loop that takes tasks from the store to where they run and their answers back."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from heliosc.errors import UsageError
from heliosc.execution.claims import ClaimQueue
from heliosc.execution.pool import WorkerPool, WorkerSettings
from heliosc.execution.store import QCResultStore
from heliosc.execution.tasks import FINAL_STATES, Counts, RunInterruptedError, StaleLeaseError, Task, TaskState
from heliosc.execution.transport import (
    TaskLost,
    TaskStarted,
    TaskSuccess,
    Transport,
    TransportEvent,
    TransportFactory,
)

LEASE_S = 60.0
_POLL_S = 0.2
_TELL_EVERY_S = 300.0
_LOOK_EVERY_S = 1.0  # how often leases and the tasks of other drivers are looked at
_LOOK_AHEAD = 100  # queued keys offered to one claim
_PAGE = 500  # queued keys that are looked at each time: others may have run or cancelled them
_DEFAULT_SETTINGS = WorkerSettings()

_log = logging.getLogger(__name__)

OnEvent = Callable[[dict[str, Any]], None]


def run_tasks(
    store: QCResultStore,
    keys: Iterable[str] | None = None,
    *,
    n_workers: int | None = None,
    on_event: OnEvent | None = None,
    stop: Callable[[], bool] | None = None,
    settings: WorkerSettings = _DEFAULT_SETTINGS,
    transport: TransportFactory | None = None,
    lease_s: float = LEASE_S,
) -> Counts:
    """Run tasks until all of them are done, failed or cancelled: on local worker processes, or where asked.

    Several processes may do this on one store at once: each task runs in one of them. Started again after any death
    it goes on with what is unfinished.

    Parameters
    ----------
    keys : tasks to run; by default all that are in the store now
    n_workers, settings : number of local worker processes and how they run
    transport : makes what runs the tasks elsewhere, in place of local worker processes
    on_event : called for each change with a dict: ``key, state`` ("running", "done", "failed", "cancelled", or
        "queued" for one that is tried again), ``done`` (final tasks), ``total, running``, ``wall_s`` (of the attempt,
        or None), ``eta_s`` (or None)
    stop : asked often; once true, workers are ended, unfinished tasks queued again, and the counts returned; what
        runs on a cluster goes on there
    lease_s : after this many seconds of silence drivers on other hosts may take over

    Returns
    -------
    Counts : of these tasks

    Raises
    ------
    RunInterruptedError : SIGINT or SIGTERM came (main thread only); everything was put in order before
    ResourceError : disk full, or workers cannot be started
    UsageError : a key is not in the store
    """
    chosen = list(store.states()) if keys is None else list(dict.fromkeys(keys))
    driver = TaskDriver(store, transport or local_transport(n_workers, settings), on_event=on_event, lease_s=lease_s)
    driver.add(chosen)
    with _caught_signals() as caught:
        driver.run(lambda: bool(caught) or (stop is not None and stop()), is_endless=False)
    if not caught:  # checking the copy of a large store takes longer than a signal allows; an older copy is there
        store.backups.keep(is_last=True)
    counts = store.counts(chosen)
    if caught and counts.n_final < counts.total:
        raise RunInterruptedError(caught[0], counts)
    return counts


def local_transport(n_workers: int | None, settings: WorkerSettings = _DEFAULT_SETTINGS) -> TransportFactory:
    """Worker processes on this machine.

    Raises
    ------
    UsageError : no or no positive number of workers
    """
    if n_workers is None or n_workers < 1:
        raise UsageError(f"number of workers is {n_workers}; expected 1 or more")
    return lambda store: WorkerPool(n_workers, settings)


class TaskDriver:
    """Moves its tasks through a transport; ``run`` belongs to one thread, ``add`` and ``wake`` to any.

    Parameters
    ----------
    see ``run_tasks``
    """

    def __init__(
        self,
        store: QCResultStore,
        transport: TransportFactory,
        *,
        on_event: OnEvent | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._store = store
        self._make_transport = transport  # in the thread that runs: the kernel binds local workers to it
        self._on_event = on_event
        self._lease_s = lease_s
        self._transport: Transport | None = None  # while the loop runs; for wake()
        self._transport_lock = threading.Lock()
        self._added: deque[str] = deque()
        self._known: set[str] = set()
        self._open: set[str] = set()  # known and not final
        self._claimable = ClaimQueue()  # open and queued when last seen
        self._leases: dict[str, int] = {}
        self._cost: dict[str, float] = {}  # of the known tasks, relative to one another
        self._cost_open = self._cost_finished = 0.0  # the latter by this driver
        self._started_at = self._look_at = self._beat_at = self._tell_at = 0.0

    def add(self, keys: Iterable[str]) -> None:
        """Take charge of these tasks; those it has already are looked at soon.

        Raises
        ------
        UsageError : a key is not in the store
        """
        wanted = list(keys)
        states = self._store.states(wanted)
        unknown = [key for key in wanted if key not in states]
        if unknown:
            raise UsageError(
                f"{len(unknown)} task(s) are not in {self._store.name}, first {unknown[0]!r}; submit them first"
            )
        self._added.extend(states)
        self.wake()

    def wake(self) -> None:
        """Make the loop look at the store at once."""
        self._look_at = 0.0
        with self._transport_lock:
            if self._transport is not None:
                self._transport.wake()

    def run(self, should_stop: Callable[[], bool], *, is_endless: bool) -> None:
        """Work until all tasks are final (or, endless, for more to come), or until told to stop."""
        self._store.release_expired()
        self._started_at = self._beat_at = time.monotonic()
        transport = self._transport = self._make_transport(self._store)
        try:
            self._leases.update(transport.adopt())
            while not should_stop():
                self._take_added()
                self._look_around(transport)
                if not self._open and not is_endless:
                    break
                self._turn(transport, [])
                self._turn(transport, transport.wait(_POLL_S))
                self._store.backups.keep()
        finally:
            with self._transport_lock:
                self._transport = None
            self._leave(transport)

    def _turn(self, transport: Transport, events: list[TransportEvent]) -> None:
        can_start = bool(self._claimable) and transport.n_free > 0
        if not events and not can_start:
            return
        with self._store.transaction():  # one wait for the disk for answers and new work together
            changes = [change for event in events if (change := self._commit(event)) is not None]
            tasks = self._claim(transport.n_free)
        if tasks:
            transport.start(tasks)
        for key, state, wall_s in changes:
            self._settle(key, state, wall_s=wall_s)

    def _claim(self, n_tasks: int) -> list[Task]:
        tasks: list[Task] = []
        while self._claimable and len(tasks) < n_tasks:
            offered = self._claimable.first(_LOOK_AHEAD)
            task = self._store.claim(str(os.getpid()), self._lease_s, keys=offered)
            if task is None:  # others were faster; what they took is followed by _look_around
                self._claimable.discard(offered)
                continue
            self._claimable.discard([task.key])
            self._leases[task.key] = task.token
            tasks.append(task)
        return tasks

    def _commit(self, event: TransportEvent) -> tuple[str, TaskState, float | None] | None:
        task = event.task
        if isinstance(event, TaskStarted):
            return task.key, "running", None
        self._leases.pop(task.key, None)
        try:
            if isinstance(event, TaskLost):
                self._store.release(task.key, task.token, event.reason)
                return task.key, "queued", None
            if isinstance(event, TaskSuccess):
                self._store.complete(task.key, task.token, event.result, cost=event.cost)
                return task.key, "done", event.cost.wall_s
            state = self._store.fail(
                task.key, task.token, event.error_class, event.reason, traceback=event.traceback, cost=event.cost
            )
        except StaleLeaseError as error:
            _log.warning("%s", error)  # the store has logged it too; whoever holds the task now answers for it
            return None
        return task.key, state, event.cost.wall_s

    def _take_added(self) -> None:
        keys = []
        while self._added:
            keys.append(self._added.popleft())
        self._follow([key for key in keys if key in self._open and key not in self._leases])
        new = [key for key in keys if key not in self._open]
        if not new:
            return
        costs = _relative_costs(self._store.cost_estimates(new))
        self._cost.update(costs)
        self._cost_open += sum(costs.values())
        self._claimable.know(self._store.places(new))
        self._known.update(new)
        self._open.update(new)
        self._follow(new)

    def _look_around(self, transport: Transport) -> None:
        """Once in a while: keep the leases, notice lost ones, and see what other drivers did."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_S
        if now > self._beat_at + self._lease_s / 3:
            self._beat_at = now
            lost = self._store.heartbeat(self._leases, lease_s=self._lease_s)
        else:
            lost = self._store.lost_leases(self._leases)
        for key in lost:
            del self._leases[key]
            transport.drop(key)
        self._follow(lost)
        self._leases.update(transport.adopt())  # of drivers that have died beside this one
        self._follow(self._claimable.next_page(_PAGE))
        if not self._claimable and transport.n_free:
            self._store.release_expired()
            self._follow(self._open.difference(self._leases))
            if self._open and not self._leases and not self._claimable and now > self._tell_at:
                self._tell_at = now + _TELL_EVERY_S
                self._tell_whom_it_waits_for()

    def _tell_whom_it_waits_for(self) -> None:
        """A cluster's job belongs to a driver with its transport; with another one the user would wait in vain."""
        waiting = [task for task in self._store.running() if task.key in self._open and task.job is not None]
        if waiting:
            _log.warning(
                "waiting for %d task(s) of cluster jobs, first %s: run with the transport that submitted them, or "
                "cancel and retry them to compute them here",
                len(waiting),
                waiting[0].job,
            )

    def _follow(self, keys: Iterable[str]) -> None:
        """Sort open keys that are not with this driver into final and claimable ones."""
        states = self._store.states(keys)
        self._claimable.add(key for key, state in states.items() if state == "queued" and key in self._open)
        for key, state in states.items():
            if state in FINAL_STATES:
                self._settle(key, state, wall_s=None)

    def _settle(self, key: str, state: TaskState, *, wall_s: float | None) -> None:
        if state == "queued":
            self._claimable.add(self._open.intersection([key]))  # an adopted job may hold tasks that are others' work
        elif state in FINAL_STATES:
            self._claimable.discard([key])
            cost = self._cost[key] if key in self._open else 0.0
            self._open.discard(key)
            self._cost_open -= cost
            self._cost_finished += cost if wall_s is not None else 0.0
        if self._on_event is not None:
            self._on_event(self._progress(key, state, wall_s))

    def _progress(self, key: str, state: TaskState, wall_s: float | None) -> dict[str, Any]:
        elapsed_s = time.monotonic() - self._started_at
        return {
            "key": key,
            "state": state,
            "done": len(self._known) - len(self._open),
            "total": len(self._known),
            "running": len(self._leases),
            "wall_s": wall_s,
            "eta_s": elapsed_s / self._cost_finished * self._cost_open if self._cost_finished else None,
        }

    def _leave(self, transport: Transport) -> None:
        """Commit what is already answered, end the workers, queue the rest again unless it goes on elsewhere."""
        going_on: set[str] = set()
        try:
            for event in transport.wait(0.0):
                change = self._commit(event)
                if change is not None:
                    self._settle(change[0], change[1], wall_s=change[2])
        finally:
            going_on = transport.close()
            self._store.let_go({key: token for key, token in self._leases.items() if key in going_on})
            for key, token in self._leases.items():
                if key not in going_on:
                    with suppress(StaleLeaseError):
                        self._store.release(key, token, "driver stopped")
            self._leases.clear()


def _relative_costs(estimates: Mapping[str, float | None]) -> dict[str, float]:
    """Estimated costs; a task without one counts as the mean of the others."""
    known = [cost for cost in estimates.values() if cost is not None]
    usual = sum(known) / len(known) if known else 1.0
    return {key: usual if cost is None else cost for key, cost in estimates.items()}


@contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them; outside the main thread Python cannot."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return

    def note(number: int, frame: FrameType | None) -> None:
        caught.append(number)

    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
