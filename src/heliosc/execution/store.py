"""Durable store of tasks, attempts and results: the only source of truth about what is done.

A task runs under a lease. Each claim draws a new fencing token; only the newest token may write, so that a worker
that was declared dead and comes back changes nothing, and a result is committed exactly once.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from heliosc.execution.backups import BackupKeeper
from heliosc.execution.database import storable
from heliosc.execution.identity import canonical_json, content_digest, key_of_texts, text_digest
from heliosc.execution.jobs import JobLedger
from heliosc.execution.processes import ProcessIdentity, own_identity
from heliosc.execution.reading import StoreReader
from heliosc.execution.tasks import (
    FINAL_STATES,
    AttemptCost,
    Outcome,
    StaleLeaseError,
    SubmitReport,
    Task,
    TaskRequest,
    TaskState,
    may_try_again,
)
from heliosc.execution.verification import refuse_damaged_task

_COMPRESS_ABOVE = 1_024  # characters; below it zlib gains nothing
_NO_COST = AttemptCost()


class QCResultStore(StoreReader):
    """Tasks and their results, shared by any number of processes: in one SQLite file on one host, or in PostgreSQL.

    Parameters
    ----------
    location : file of the store, made where absent, never on a network file system; or the URL of a PostgreSQL
        database as ``postgresql://user@host/name``, whose own current schema is empty or holds a store

    Attributes
    ----------
    jobs : JobLedger of what was handed to a cluster
    backups : BackupKeeper of the copy from which a damaged file is made good

    Raises
    ------
    ResourceError : it cannot be made or written
    InputError : damaged, no heliosc store, or written by a newer heliosc
    MissingDependencyError : the PostgreSQL client is not installed
    """

    def __init__(self, location: Path | str) -> None:
        super().__init__(location)
        self.jobs = JobLedger(self._db)
        self.backups = BackupKeeper(self._db)

    def transaction(self) -> AbstractContextManager[None]:
        """Several calls as one durable step, with one wait for the disk.

        Not around calls of an ``AsyncQCManager`` on this store: its thread would wait for the end of the block, and the
        block for it.
        """
        return self._db.transaction()

    # asking for work

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
    ) -> str:
        """Ask for one task; see ``TaskRequest``. The same identity again finds the first row, whatever its state.

        Returns
        -------
        str : key of the task

        Raises
        ------
        UsageError, InputError : the callable's name or the payload cannot be used
        """
        request = TaskRequest(callable, payload, identity, priority, timeout_s, max_attempts, cores, memory_mb, cost_s)
        return self.submit_many([request]).keys[0]

    def submit_many(self, requests: Iterable[TaskRequest]) -> SubmitReport:
        """Ask for many tasks in one transaction: all of them or, on an error, none."""
        now = time.time()
        rows = [_task_row(request, now) for request in requests]
        with self._db.transaction():
            n_new = self._db.execute_many(
                "INSERT INTO tasks (key, callable, payload, identity, content_sha256, priority, timeout_s,"
                " max_attempts, cores, memory_mb, cost_s, submitted_at, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued') ON CONFLICT (key) DO NOTHING",
                rows,
            )
        return SubmitReport(keys=[row[0] for row in rows], n_new=n_new)

    def cancel(self, keys: Iterable[str]) -> int:
        """Cancel what is queued or running; a running task's worker is told at its next heartbeat.

        Returns
        -------
        int : number of tasks cancelled
        """
        n_cancelled = 0
        with self._db.transaction():
            for key in keys:
                row = self._db.row("SELECT state, fence FROM tasks WHERE key = ?", [key])
                if row is None or row[0] in FINAL_STATES:
                    continue
                self._close_attempt(row[1], "cancelled", "cancelled", "cancelled on request")
                self._set_state(key, "cancelled")
                self._log(key, row[1], "cancelled", f"was {row[0]}")
                n_cancelled += 1
        return n_cancelled

    def retry(self, keys: Iterable[str]) -> int:
        """Queue failed and cancelled tasks again with a fresh budget of attempts; returns how many."""
        n_retried = 0
        with self._db.transaction():
            for key in keys:
                changed = self._db.execute(
                    "UPDATE tasks SET state = 'queued', n_failures = 0"
                    " WHERE key = ? AND state IN ('failed', 'cancelled')",
                    [key],
                )
                if changed:
                    self._log(key, None, "retry", "queued again on request")
                n_retried += changed
        return n_retried

    # doing the work

    def claim(self, worker_id: str, lease_s: float, *, keys: Sequence[str] | None = None) -> Task | None:
        """Take the queued task of highest priority, oldest first; None where nothing is queued.

        Parameters
        ----------
        lease_s : after this many seconds without ``heartbeat`` another worker may take it
        keys : choose among these only
        """
        source, parameters = "tasks t WHERE", []
        if keys is not None:  # the cross join sends SQLite to these few keys instead of through the whole queue
            source, parameters = "json_each(?) AS k CROSS JOIN tasks t WHERE t.key = k.value AND", [json.dumps([*keys])]
        query = (
            "SELECT t.key, t.callable, t.payload, t.identity, t.content_sha256,"  # noqa: S608 - no outside text in it
            " t.timeout_s, t.cores, t.memory_mb"
            f" FROM {source} t.state = 'queued' ORDER BY t.priority DESC, t.id LIMIT 1"
        )
        with self._db.transaction():
            row = self._db.row(query, parameters)
            if row is None:
                return None
            key, callable_name, payload, identity, digest, *limits = row
            refuse_damaged_task(key, callable_name, payload, identity, digest, store=self.name)
            number, token = self._open_attempt(key, worker_id)
            self._set_state(key, "running", fence=token, lease_until=time.time() + lease_s)
        return Task(key, callable_name, json.loads(payload), token, number, *limits)

    def heartbeat(self, leases: Mapping[str, int], *, lease_s: float) -> set[str]:
        """Extend leases given as key and token.

        Returns
        -------
        set of str : keys whose lease is lost (cancelled, or taken over): stop working on them
        """
        lost = set()
        with self._db.transaction():
            for key, token in leases.items():
                if self._holds(key, token):
                    self._db.execute("UPDATE tasks SET lease_until = ? WHERE key = ?", [time.time() + lease_s, key])
                else:
                    lost.add(key)
        return lost

    def let_go(self, leases: Mapping[str, int]) -> None:
        """End leases at once whose work goes on elsewhere: whoever adopts their jobs need not wait."""
        with self._db.transaction():
            for key, token in leases.items():
                if self._holds(key, token):
                    self._db.execute("UPDATE tasks SET lease_until = 0 WHERE key = ?", [key])

    def lost_leases(self, leases: Mapping[str, int]) -> set[str]:
        """Keys of these leases (key and token) that are lost; reads only."""
        return {key for key, token in leases.items() if not self._holds(key, token)}

    def complete(self, key: str, token: int, result: Any, *, cost: AttemptCost = _NO_COST) -> None:
        """Commit the result of a task.

        Parameters
        ----------
        result : any JSON value without NaN

        Raises
        ------
        StaleLeaseError : the lease is no longer held; nothing but an event was written
        InputError : the result is not JSON
        """
        text = canonical_json(result)
        encoding, data = (
            ("zlib", zlib.compress(text.encode())) if len(text) > _COMPRESS_ABOVE else ("json", text.encode())
        )
        with self._db.transaction():
            held = self._holds_or_logs(key, token, "late result refused")
            if held:
                self._db.execute(
                    "INSERT INTO results (key, token, encoding, data, sha256, committed_at) VALUES (?, ?, ?, ?, ?, ?)",
                    [key, token, encoding, data, text_digest(text), time.time()],
                )
                self._close_attempt(token, "done", cost=cost)
                self._set_state(key, "done")
        if not held:
            raise _stale(key, token)

    def fail(
        self,
        key: str,
        token: int,
        error_class: str,
        reason: str,
        *,
        traceback: str | None = None,
        cost: AttemptCost = _NO_COST,
    ) -> TaskState:
        """Record a failed attempt.

        Returns
        -------
        TaskState : "queued" where it will be tried again (see ``may_try_again``), else "failed"

        Raises
        ------
        StaleLeaseError : the lease is no longer held
        """
        state: TaskState = "failed"
        with self._db.transaction():
            held = self._holds_or_logs(key, token, f"late failure refused: {error_class}")
            if held:
                row = self._db.row("SELECT n_failures + 1, max_attempts FROM tasks WHERE key = ?", [key])
                n_failures, max_attempts = row or (1, 1)
                if may_try_again(error_class, n_failures=n_failures, max_attempts=max_attempts):
                    state = "queued"
                self._db.execute("UPDATE tasks SET n_failures = ? WHERE key = ?", [n_failures, key])
                self._close_attempt(token, "failed", error_class, reason, traceback=traceback, cost=cost)
                self._set_state(key, state)
        if not held:
            raise _stale(key, token)
        return state

    def release(self, key: str, token: int, reason: str) -> None:
        """Give an unfinished task back to the queue; this costs none of its attempts.

        Raises
        ------
        StaleLeaseError : the lease is no longer held
        """
        with self._db.transaction():
            held = self._holds_or_logs(key, token, f"late release refused: {reason}")
            if held:
                self._interrupt(key, token, reason)
        if not held:
            raise _stale(key, token)

    def release_expired(self) -> int:
        """Queue again what was running under a lease that ended or a driver of this host that died.

        Returns
        -------
        int : number of tasks released
        """
        n_released = 0
        for key, token, reason in self._stale_leases():  # found first: mostly there is nothing to lock the file for
            with suppress(StaleLeaseError):  # another sweep was faster
                self.release(key, token, reason)
                n_released += 1
        return n_released

    # the steps that the verbs above are made of, always inside a transaction

    def _holds(self, key: str, token: int) -> bool:
        return (
            self._db.row("SELECT 1 FROM tasks WHERE key = ? AND fence = ? AND state = 'running'", [key, token])
            is not None
        )

    def _holds_or_logs(self, key: str, token: int, refusal: str) -> bool:
        if self._holds(key, token):
            return True
        self._log(key, token, "refused", refusal)
        return False

    def _open_attempt(self, key: str, worker_id: str) -> tuple[int, int]:
        number = 1 + self._db.value("SELECT count(*) FROM attempts WHERE key = ?", [key])
        driver = own_identity()
        token = self._db.value(
            "INSERT INTO attempts (key, number, worker_id, host, pid, pid_start, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING token",
            [key, number, worker_id, driver.host, driver.pid, driver.start, time.time()],
        )
        return number, token

    def _close_attempt(
        self,
        token: int | None,
        outcome: Outcome,
        error_class: str | None = None,
        reason: str | None = None,
        *,
        traceback: str | None = None,
        cost: AttemptCost = _NO_COST,
    ) -> None:
        said = [None if text is None else storable(text) for text in (reason, traceback)]
        self._db.execute(
            "UPDATE attempts SET finished_at = ?, outcome = ?, error_class = ?, reason = ?, traceback = ?, scratch = ?,"
            " wall_s = ?, cpu_s = ? WHERE token = ?",
            [time.time(), outcome, error_class, *said, cost.scratch, cost.wall_s, cost.cpu_s, token],
        )

    def _set_state(
        self, key: str, state: TaskState, *, fence: int | None = None, lease_until: float | None = None
    ) -> None:
        self._db.execute(
            "UPDATE tasks SET state = ?, fence = ?, lease_until = ? WHERE key = ?", [state, fence, lease_until, key]
        )

    def _stale_leases(self) -> Iterator[tuple[str, int, str]]:
        running = (
            "SELECT t.key, t.fence, t.lease_until, a.host, a.pid, a.pid_start FROM tasks t"
            " JOIN attempts a ON a.token = t.fence WHERE t.state = 'running' AND a.job IS NULL"
        )
        for key, token, lease_until, *driver in self._db.rows(running):
            if ProcessIdentity(*driver).is_known_dead():
                yield key, token, f"driver process {driver[1]} died"
            elif lease_until < time.time():
                yield key, token, "lease ended without a heartbeat"

    def _interrupt(self, key: str, token: int, reason: str) -> None:
        self._close_attempt(token, "interrupted", "interrupted", reason)
        self._set_state(key, "queued")
        self._log(key, token, "released", reason)

    def _log(self, key: str, token: int | None, kind: str, detail: str) -> None:
        self._db.execute(
            "INSERT INTO events (time, key, token, kind, detail) VALUES (?, ?, ?, ?, ?)",
            [time.time(), key, token, kind, storable(detail)],
        )


def _task_row(request: TaskRequest, now: float) -> list[Any]:
    payload = canonical_json(dict(request.payload))
    identity = None if request.identity is None else canonical_json(dict(request.identity))
    return [
        key_of_texts(request.callable, payload, identity),
        request.callable,
        payload,
        identity,
        content_digest(request.callable, payload, identity),
        request.priority,
        request.timeout_s,
        request.max_attempts,
        request.cores,
        request.memory_mb,
        request.cost_s,
        now,
    ]


def _stale(key: str, token: int) -> StaleLeaseError:
    return StaleLeaseError(
        f"lease {token} on task {key[:12]} is no longer held: it was cancelled, finished or taken over; "
        "the answer was refused"
    )
