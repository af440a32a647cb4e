"""Stores of every earlier schema open, are copied before they are changed, and say what they said."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from heliosc.errors import ResourceError
from heliosc.execution import Counts, QCResultStore
from heliosc.execution.schema import SCHEMA_VERSION

STORES = Path(__file__).parents[2] / "data" / "stores"
RECORDED_EXPORT = (STORES / "export.jsonl").read_text()
OLD_VERSIONS = range(1, SCHEMA_VERSION)
OPEN = "import sys; from heliosc.execution import QCResultStore; QCResultStore(sys.argv[1])"


@pytest.fixture(params=OLD_VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def old(fast_folder: Path, version: int) -> Path:
    path = fast_folder / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((STORES / f"v{version}.sql").read_text())
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


def layout(path: Path) -> set[tuple[object, ...]]:
    """Tables and indices with their columns, types and constraints, whatever the order they were added in."""
    parts: set[tuple[object, ...]] = set()
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
        for kind, name in names:
            for row in connection.execute(f"PRAGMA {kind}_info('{name}')"):
                parts.add((kind, name, *(row[1:] if kind == "table" else (row[0], row[2]))))
    return parts


def assert_migrated(path: Path, *, version: int, before: list[str]) -> None:
    export = path.with_name("export.jsonl")
    with QCResultStore(path) as store:
        store.export(export)
        store.check()
        assert store.counts() == Counts(queued=5, running=1, done=3, failed=2, cancelled=1)
    assert export.read_text() == RECORDED_EXPORT
    assert dump(path.with_name(f"store.db.v{version}.backup")) == before
    assert sorted(entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")) == []


def test_every_earlier_schema_has_its_stored_store() -> None:
    assert {path.stem for path in STORES.glob("v*.sql")} == {f"v{version}" for version in OLD_VERSIONS}


def test_an_old_store_opens_and_its_copy_is_complete(old: Path, version: int) -> None:
    before = dump(old)
    assert_migrated(old, version=version, before=before)
    with QCResultStore(old.with_name("new.db")):
        assert layout(old) == layout(old.with_name("new.db"))


def test_an_old_store_goes_on(old: Path) -> None:
    with QCResultStore(old) as store:
        assert store.release_expired() == 1  # the driver that ran it was of another host, but its lease is over
        (failed, *_) = store.failures()
        assert (failed.error_class, failed.n_attempts) == ("convergence", 1)
        store.retry([failed.key])
        while (task := store.claim("w", 60)) is not None:
            store.complete(task.key, task.token, task.payload)
        assert store.counts() == Counts(done=10, failed=1, cancelled=1)
        store.check()


@pytest.mark.parametrize(
    "point", ["backup-rename:before", "backup-rename:after", "store-commit:before", "store-commit:after"]
)
def test_killed_in_the_middle_the_next_start_goes_on(old: Path, version: int, point: str) -> None:
    before = dump(old)
    environment = {**os.environ, "HELIOSC_FAULT": point}
    ended = subprocess.run([sys.executable, "-c", OPEN, str(old)], env=environment, check=False)
    assert ended.returncode == 137
    assert_migrated(old, version=version, before=before)


@pytest.mark.parametrize("version", [1])
def test_processes_that_open_it_together_migrate_it_once(old: Path, version: int) -> None:
    before = dump(old)
    processes = [subprocess.Popen([sys.executable, "-c", OPEN, str(old)]) for _ in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    assert_migrated(old, version=version, before=before)


def test_without_room_for_the_copy_nothing_is_changed(old: Path, version: int) -> None:
    before = dump(old)
    old.with_name(f"store.db.v{version}.backup").mkdir()  # nothing can be renamed onto a folder
    with pytest.raises(ResourceError, match="the copy of the store"):
        QCResultStore(old)
    assert dump(old) == before
