"""A new store from what a damaged one still says and from its backup.

A result or task that does not match its checksum is not believed, wherever it stands. A task whose result is lost is
queued again, so that the next run gives what is missing.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from heliosc.errors import InputError, ResourceError, UsageError
from heliosc.execution.migrations import kept_backup
from heliosc.execution.processes import host_identity, start_time
from heliosc.execution.reading import StoreReader
from heliosc.execution.salvage import Row, Salvage, salvaged
from heliosc.execution.schema import APPLICATION_ID, SCHEMA_VERSION
from heliosc.execution.sqlite import SQLiteDatabase
from heliosc.faults import fault_point
from heliosc.files import sync_folder

_TOKEN_GAP = 1_000_000  # a worker of the damaged store may hold a token that nothing here remembers
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class RepairReport:
    """What a repair found.

    Attributes
    ----------
    damaged : where the damaged file was put; None where the store was sound and nothing was done
    damage : what was wrong
    n_tasks, n_results : in the store now
    n_tasks_from_backup, n_results_from_backup : of these, only in the backup
    n_requeued : tasks that had ended or were running, and run again because how they ended is lost
    n_results_without_task : results dropped because nothing says any more what was asked
    """

    damaged: Path | None
    damage: str = ""
    n_tasks: int = 0
    n_results: int = 0
    n_tasks_from_backup: int = 0
    n_results_from_backup: int = 0
    n_requeued: int = 0
    n_results_without_task: int = 0


def repair(path: Path) -> RepairReport:
    """Make a damaged store file good. The damaged file stays beside it under another name.

    Raises
    ------
    InputError : neither the file nor a backup has anything of a store, or it is one of a newer heliosc
    UsageError : a driver of this host still works with it
    ResourceError : the new file cannot be written
    """
    path = Path(path)
    damage = _damage_of(path)
    if damage is None:
        with StoreReader(path) as store:
            counts = store.counts()
        return RepairReport(None, n_tasks=counts.total, n_results=counts.done)
    backup = kept_backup(path)
    own = salvaged(path) if path.exists() else Salvage()
    kept = salvaged(backup) if backup.exists() else Salvage()
    if not own.tasks and not kept.tasks:
        raise InputError(
            f"{path} has no readable task, and neither has {backup.name}: nothing to repair; put a backup of your own "
            "in its place, or move the file away to start anew"
        )
    _refuse_if_in_use(path, own)
    rebuilt = _Rebuilt(own, kept)
    scratch = path.with_name(f".{path.name}.repair")
    _remove(scratch)
    try:
        rebuilt.write(scratch)
        damaged = _put_in_place(scratch, path)
    except OSError as error:
        raise ResourceError(f"cannot write beside {path}: {error.strerror}; free some space there") from error
    finally:
        _remove(scratch)
    return RepairReport(
        damaged=damaged,
        damage=damage,
        n_tasks=len(rebuilt.tasks),
        n_results=len(rebuilt.results),
        n_tasks_from_backup=len(set(rebuilt.tasks) - set(own.tasks)),
        n_results_from_backup=len(set(rebuilt.results) - set(own.results)),
        n_requeued=rebuilt.n_requeued,
        n_results_without_task=len(own.results.keys() - rebuilt.tasks.keys()),
    )


def _damage_of(path: Path) -> str | None:
    """What is wrong with the store; None where it is sound.

    Raises
    ------
    InputError : it is one of a newer heliosc
    """
    if not path.exists():
        return "it is gone"
    with path.open("rb") as stream:
        head = stream.read(100)
    version = int.from_bytes(head[60:64], "big")
    is_store = head[:16] == _MAGIC and int.from_bytes(head[68:72], "big") == APPLICATION_ID
    if is_store and version > SCHEMA_VERSION:
        raise InputError(f"store {path} has schema version {version}; repair it with the heliosc that wrote it")
    try:
        with StoreReader(path) as store:
            store.check()
    except InputError as error:
        return str(error)
    return None


def _refuse_if_in_use(path: Path, own: Salvage) -> None:
    for attempt in own.attempts.values():
        is_open = attempt["outcome"] is None and attempt["host"] == host_identity() and attempt["pid"] != os.getpid()
        if is_open and start_time(attempt["pid"]) == attempt["pid_start"]:
            raise UsageError(f"process {attempt['pid']} runs tasks of {path}; stop it, then repair again")


def _put_in_place(scratch: Path, path: Path) -> Path:
    """The new store becomes the store in one step; returns where the damaged one is now."""
    damaged = next(name for n in count(1) if not (name := path.with_name(f"{path.name}.damaged-{n}")).exists())
    journal = path.with_name(f"{path.name}-journal")
    if path.exists():
        os.link(path, damaged)
    if journal.exists():  # it belongs to the damaged pages and would be played back into the new ones
        journal.rename(damaged.with_name(f"{damaged.name}-journal"))
    fault_point("backup-rename:before")
    scratch.replace(path)
    sync_folder(path.parent)
    fault_point("backup-rename:after")
    return damaged


def _remove(scratch: Path) -> None:
    for name in (f"{scratch.name}-journal", scratch.name):  # a journal left alone would be played back
        scratch.with_name(name).unlink(missing_ok=True)


class _Rebuilt:
    """Rows of the new store: the file's own where they can be believed, else the backup's."""

    def __init__(self, own: Salvage, kept: Salvage) -> None:
        self.tasks = kept.tasks | own.tasks
        self.results = {key: row for key, row in (kept.results | own.results).items() if key in self.tasks}
        self.attempts = {
            token: row for token, row in (kept.attempts | own.attempts).items() if row["key"] in self.tasks
        }
        self.events = kept.events | own.events
        self.jobs = kept.jobs | own.jobs
        self.n_requeued = 0
        self._last: dict[str, Row] = {}
        for row in sorted(self.attempts.values(), key=lambda row: row["token"]):
            self._last[row["key"]] = row
        self._renumber()
        for row in self.tasks.values():
            self._settle(row)

    def _renumber(self) -> None:
        """Ids must be unique; those of the backup and of the file are the same unless one is damaged."""
        taken: defaultdict[int, int] = defaultdict(int)
        for row in self.tasks.values():
            taken[row["id"]] += 1
        free = count(max(taken) + 1)
        for row in self.tasks.values():
            if taken[row["id"]] > 1:
                taken[row["id"]] -= 1
                row["id"] = next(free)

    def _settle(self, row: Row) -> None:
        """The state that fits what is left of the task."""
        key, state, last = row["key"], row["state"], self._last.get(row["key"])
        if key in self.results:
            row.update(state="done", fence=None, lease_until=None)
        elif state == "cancelled" or (state == "failed" and last is not None and last["outcome"] == "failed"):
            row.update(fence=None, lease_until=None)
        elif state == "running" and self._goes_on_elsewhere(row):
            row.update(lease_until=0.0)  # whoever adopts the job need not wait
            return
        elif state != "queued":
            row.update(state="queued", fence=None, lease_until=None)
            self.n_requeued += 1
        if last is not None and last["outcome"] is None:
            last.update(outcome="interrupted", error_class="interrupted", reason="store was repaired")

    def _goes_on_elsewhere(self, row: Row) -> bool:
        attempt = self.attempts.get(row["fence"])
        job = None if attempt is None else self.jobs.get(attempt["job"] or "")
        return job is not None and job["state"] == "open"

    def write(self, path: Path) -> None:
        """Make the store file and check it."""
        database = SQLiteDatabase(path)
        try:
            with database.transaction():
                for table, rows in (
                    ("tasks", self.tasks.values()),
                    ("attempts", self.attempts.values()),
                    ("results", self.results.values()),
                    ("events", self.events.values()),
                    ("jobs", self.jobs.values()),
                ):
                    _insert(database, table, rows)
                database.execute(
                    "INSERT INTO events (time, key, token, kind, detail) VALUES (?, '', NULL, 'repaired', ?)",
                    [time.time(), f"{self.n_requeued} task(s) queued again"],
                )
                last_token = max(self.attempts, default=0) + _TOKEN_GAP
                database.execute("DELETE FROM sqlite_sequence WHERE name = 'attempts'")
                database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('attempts', ?)", [last_token])
        finally:
            database.close()
        with StoreReader(path) as store:
            store.check()


def _insert(database: SQLiteDatabase, table: str, rows: Iterable[Row]) -> None:
    rows = list(rows)
    if rows:
        names = list(rows[0])
        places = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - names are ours
        database.execute_many(statement, ([row[name] for name in names] for row in rows))
