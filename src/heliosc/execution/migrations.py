"""From the schema of an older store to the newest: statements for each step, and the copy made before the first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from heliosc.execution.schema import SCHEMA_VERSION, TABLES
from heliosc.faults import fault_point

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


def statements_from(version: int) -> Iterator[str]:
    """Every statement that leads from this version to the newest."""
    for step in range(version, SCHEMA_VERSION):
        yield from STEPS[step]


def backup_path(store: Path, version: int) -> Path:
    """Where the store as it was at this version is kept."""
    return store.with_name(f"{store.name}.v{version}.backup")


def copy_store(connection: sqlite3.Connection, target: Path) -> None:
    """Copy an open store as one consistent state, complete on the disk or not there at all.

    Raises
    ------
    sqlite3.Error, OSError : it cannot be read, or the copy not be written
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with closing(sqlite3.connect(scratch)) as copy:
            connection.backup(copy)
        with scratch.open("rb+") as stream:
            os.fsync(stream.fileno())
        fault_point("backup-rename:before")
        scratch.replace(target)
        fault_point("backup-rename:after")
    finally:
        scratch.unlink(missing_ok=True)
