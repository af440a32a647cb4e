"""The reading half of the task store: states, results, failures, costs and the canonical export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from heliosc.errors import InputError, UsageError
from heliosc.execution.identity import canonical_json, text_digest
from heliosc.execution.opening import open_database
from heliosc.execution.sqlite import SQLiteDatabase
from heliosc.execution.tasks import Attempt, Counts, RunningTask, TaskFailure, TaskState
from heliosc.execution.verification import advice, decoded_result, refuse_damaged_task
from heliosc.files import write_atomically

_CHUNK = 500  # keys asked for at once


class StoreReader:
    """What can be asked of an open store without changing it.

    Parameters
    ----------
    location : file of the store, or postgresql:// URL

    Attributes
    ----------
    name : what messages call the store: its file, or its URL without the password
    """

    def __init__(self, location: Path | str) -> None:
        self._db = open_database(location)
        self.name = self._db.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @property
    def path(self) -> Path:
        """File of the store.

        Raises
        ------
        UsageError : it is in a PostgreSQL server
        """
        if isinstance(self._db, SQLiteDatabase):
            return self._db.path
        raise UsageError(f"store {self.name} is no file; name a folder for what is to be kept beside the store")

    def result(self, key: str) -> Any:
        """Result of a finished task; None is a result only of a task whose state is "done".

        Raises
        ------
        UsageError : unknown key, or the task has no result; see ``states`` and ``failure``
        InputError : the stored result is damaged
        """
        row = self._db.row("SELECT encoding, data, sha256 FROM results WHERE key = ?", [key])
        if row is None:
            state = self._db.value("SELECT state FROM tasks WHERE key = ?", [key])
            raise UsageError(f"task {key[:12]} has no result: {state or 'unknown to this store'}; expected a done task")
        return decoded_result(key, *row, store=self.name)

    def results(self, keys: Iterable[str]) -> dict[str, Any]:
        """Results of those keys that have one."""
        return {key: self.result(key) for key, state in self.states(keys).items() if state == "done"}

    def failure(self, key: str) -> TaskFailure | None:
        """Why the task has failed for good; None where it has not."""
        row = self._db.row(
            "SELECT a.error_class, a.reason, a.number FROM tasks t JOIN attempts a ON a.key = t.key"
            " WHERE t.key = ? AND t.state = 'failed' ORDER BY a.token DESC LIMIT 1",
            [key],
        )
        return None if row is None else TaskFailure(key, row[0], row[1], row[2])

    def states(self, keys: Iterable[str] | None = None) -> dict[str, TaskState]:
        """State of each known key, in the order in which tasks are claimed."""
        if keys is None:
            rows = self._db.rows("SELECT key, state, priority, id FROM tasks")
        else:
            query = "SELECT key, state, priority, id FROM tasks WHERE key IN (SELECT value FROM json_each(?))"
            unique = list(dict.fromkeys(keys))
            rows = [row for chunk in _chunks(unique) for row in self._db.rows(query, [json.dumps(chunk)])]
        rows.sort(key=lambda row: (-row[2], row[3]))
        return {row[0]: row[1] for row in rows}

    def places(self, keys: Iterable[str]) -> dict[str, tuple[float, int]]:
        """Where each known key stands in the order of claims: the lowest is claimed first."""
        query = "SELECT key, -priority, id FROM tasks WHERE key IN (SELECT value FROM json_each(?))"
        return {
            key: (place, age)
            for chunk in _chunks(list(dict.fromkeys(keys)))
            for key, place, age in self._db.rows(query, [json.dumps(chunk)])
        }

    def cost_estimates(self, keys: Iterable[str]) -> dict[str, float | None]:
        """Estimated core seconds of each known key; None where no estimate was given."""
        query = "SELECT key, cost_s FROM tasks WHERE key IN (SELECT value FROM json_each(?))"
        return {
            key: cost
            for chunk in _chunks(list(dict.fromkeys(keys)))
            for key, cost in self._db.rows(query, [json.dumps(chunk)])
        }

    def counts(self, keys: Iterable[str] | None = None) -> Counts:
        """Number of tasks in each state, of these keys or of all."""
        if keys is None:
            return Counts(**dict(self._db.rows("SELECT state, count(*) FROM tasks GROUP BY state")))
        states = list(self.states(keys).values())
        return Counts(**{state: states.count(state) for state in set(states)})

    def attempts(self, key: str) -> list[Attempt]:
        """All attempts of a task, oldest first."""
        rows = self._db.rows(
            "SELECT number, token, worker_id, started_at, finished_at, outcome, error_class, reason, traceback,"
            " scratch, wall_s, cpu_s, host FROM attempts WHERE key = ? ORDER BY token",
            [key],
        )
        return [Attempt(*row) for row in rows]

    def payload(self, key: str) -> dict[str, Any]:
        """What the task's callable is given.

        Raises
        ------
        UsageError : unknown key
        """
        text = self._db.value("SELECT payload FROM tasks WHERE key = ?", [key])
        if text is None:
            raise UsageError(f"task {key[:12]} is not in {self.name}; submit it first")
        payload: dict[str, Any] = json.loads(text)
        return payload

    def failures(self) -> list[TaskFailure]:
        """Every task that has failed for good, in the order in which they were submitted."""
        rows = self._db.rows(
            "SELECT t.key, a.error_class, a.reason, a.number FROM tasks t JOIN attempts a"
            " ON a.token = (SELECT max(token) FROM attempts WHERE key = t.key) WHERE t.state = 'failed' ORDER BY t.id"
        )
        return [TaskFailure(*row) for row in rows]

    def running(self) -> list[RunningTask]:
        """Attempts under way, the longest first."""
        rows = self._db.rows(
            "SELECT t.key, t.callable, a.number, a.worker_id, a.job, a.started_at FROM tasks t"
            " JOIN attempts a ON a.token = t.fence WHERE t.state = 'running' ORDER BY a.started_at, t.id"
        )
        return [RunningTask(*row) for row in rows]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds of all finished attempts by their outcome."""
        rows = self._db.rows("SELECT outcome, sum(cpu_s) FROM attempts WHERE cpu_s IS NOT NULL GROUP BY outcome")
        return dict(rows)

    def finish_times(self, *, since: float) -> list[float]:
        """Unix times at which attempts ended with a result or for good, from a moment on, in order."""
        query = (
            "SELECT finished_at FROM attempts WHERE finished_at >= ? AND outcome IN ('done', 'failed')"
            " ORDER BY finished_at"
        )
        return [time for (time,) in self._db.rows(query, [since])]

    def events(self, key: str) -> list[tuple[float, str, str]]:
        """Time, kind and detail of what happened to a task beyond its attempts, oldest first."""
        rows = self._db.rows("SELECT time, kind, detail FROM events WHERE key = ? ORDER BY id", [key])
        return [(row[0], row[1], row[2]) for row in rows]

    def export_lines(self) -> Iterator[str]:
        """One line of canonical JSON a task, sorted by key, without anything that depends on when or where it ran."""
        for key, callable_name, payload, identity, digest, state, error_class, *result in self._contents():
            refuse_damaged_task(key, callable_name, payload, identity, digest, store=self.name)
            yield canonical_json(
                {
                    "key": key,
                    "callable": callable_name,
                    "payload": json.loads(payload),
                    "identity": None if identity is None else json.loads(identity),
                    "state": state,
                    "result": decoded_result(key, *result, store=self.name) if state == "done" else None,
                    "error_class": error_class if state == "failed" else None,
                }
            )

    def _contents(self) -> Iterator[tuple[Any, ...]]:
        """What the export is made of, sorted by key, a few rows at a time: no lock outlives a page."""
        query = (
            "SELECT t.key, t.callable, t.payload, t.identity, t.content_sha256, t.state, a.error_class,"
            " r.encoding, r.data, r.sha256 FROM tasks t LEFT JOIN results r ON r.key = t.key LEFT JOIN attempts a"
            " ON a.token = (SELECT max(token) FROM attempts WHERE key = t.key)"
            " WHERE t.key > ? ORDER BY t.key LIMIT ?"
        )
        last = ""
        while rows := self._db.rows(query, [last, _CHUNK]):
            yield from rows
            if len(rows) < _CHUNK or not last < rows[-1][0]:
                return
            last = rows[-1][0]

    def export(self, path: Path | None = None) -> str:
        """Sha256 of the canonical export, written to ``path`` as JSON lines where given.

        Raises
        ------
        ResourceError : the file cannot be written
        """
        if path is not None:
            text = "".join(f"{line}\n" for line in self.export_lines())
            write_atomically(path, text)
            return text_digest(text)
        digest = hashlib.sha256()
        for line in self.export_lines():
            digest.update(f"{line}\n".encode())
        return digest.hexdigest()

    def check(self) -> None:
        """Read every page, task and result; see ``verification`` for what is protected.

        Raises
        ------
        InputError : something is not what was written
        """
        orphans = (
            "SELECT r.key FROM results r LEFT JOIN tasks t ON t.key = r.key AND t.state = 'done' WHERE t.key IS NULL"
        )
        damage = self._db.damage()
        for key, callable_name, payload, identity, digest, state, error_class, *result in self._contents():
            refuse_damaged_task(key, callable_name, payload, identity, digest, store=self.name)
            if state == "done":
                decoded_result(key, *result, store=self.name)
            if state == "failed" and error_class is None:
                damage = f"the failure of task {key[:12]} is gone"
        if self._db.row(orphans) is not None:
            damage = "a result belongs to no finished task"
        if damage is not None:
            raise InputError(f"store {self.name} is damaged: {damage}; {advice(self.name)}")


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
