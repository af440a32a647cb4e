"""From the schema of an older store to the newest: statements for each step, and the copy made before the first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from heliosc.execution.processes import start_time
from heliosc.execution.schema import SCHEMA_VERSION, TABLES
from heliosc.faults import fault_point
from heliosc.files import sync_folder

# version that a store has -> what makes it the next one
STEPS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE tasks ADD COLUMN cores INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE tasks ADD COLUMN memory_mb INTEGER",
        "ALTER TABLE tasks ADD COLUMN cost_s REAL",
        "ALTER TABLE attempts ADD COLUMN job TEXT",
        next(table for table in TABLES if table.startswith("CREATE TABLE jobs")),
    ),
    2: (
        "ALTER TABLE tasks ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT ''",
        "UPDATE tasks SET content_sha256 = content_digest(callable, payload, identity)",
        "DROP INDEX attempts_key",
        next(statement for statement in TABLES if statement.startswith("CREATE INDEX attempts_key")),
    ),
}

_POLL_S = 0.01  # between two looks whether a writer is in the way


def statements_from(version: int) -> Iterator[str]:
    """Every statement that leads from this version to the newest."""
    for step in range(version, SCHEMA_VERSION):
        yield from STEPS[step]


def backup_path(store: Path, version: int) -> Path:
    """Where the store as it was at this version is kept."""
    return store.with_name(f"{store.name}.v{version}.backup")


def kept_backup(store: Path) -> Path:
    """Where the copy is that is kept up to date while tasks run."""
    return store.with_name(f"{store.name}.backup")


def copy_store(store: Path, target: Path, *, check: Callable[[Path], None] | None = None) -> None:
    """Copy a store as one consistent state, complete on the disk or not there at all; ``check`` may refuse the copy.

    It is read through a connection of its own: SQLite copies from none that is in a transaction.

    Raises
    ------
    sqlite3.Error, OSError : it cannot be read, or the copy not be written
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    _remove_copies_of_the_dead(target)
    try:
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(scratch)) as copy:
            source.backup(copy, sleep=_POLL_S)
        if check is not None:
            check(scratch)
        with scratch.open("rb+") as stream:
            os.fsync(stream.fileno())
        fault_point("backup-rename:before")
        scratch.replace(target)
        sync_folder(target.parent)
        fault_point("backup-rename:after")
    finally:
        scratch.unlink(missing_ok=True)


def _remove_copies_of_the_dead(target: Path) -> None:
    """Half a copy is as large as the store: whoever was killed while making one must not fill the disk."""
    for left in target.parent.glob(f".{target.name}.*"):
        pid = left.suffix.removeprefix(".")
        if pid.isdigit() and start_time(int(pid)) is None:
            left.unlink(missing_ok=True)
