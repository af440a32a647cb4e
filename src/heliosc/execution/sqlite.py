"""A task store in one SQLite file.

Rollback journal and ``synchronous=FULL``: write-ahead logging had a corruption bug until SQLite 3.51.3.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from heliosc.errors import HelioscError, InputError, ResourceError, TransientError
from heliosc.execution.database import BUSY_TIMEOUT_S, Database
from heliosc.execution.identity import content_digest
from heliosc.execution.migrations import backup_path, copy_store, kept_backup, statements_from
from heliosc.execution.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

_POLL_S = 0.05  # SQLite looks after 1, 3, 8, 18 and 33 ms of it
_CROWDED_S = 2.0  # after another writer was in the way ...
_LET_OTHERS_S = 0.02  # ... this long after each own transaction: longer than between two looks of a waiting one
_BEGIN = "BEGIN IMMEDIATE"

_Answer = TypeVar("_Answer")


class SQLiteDatabase(Database):
    """Connection to the store file.

    Parameters
    ----------
    path : SQLite file, made with its folder where absent

    Raises
    ------
    ResourceError : the folder or file cannot be made or written
    InputError : the file is damaged, is no heliosc store, or was written by a newer heliosc
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self._crowded_until = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(
                f"cannot make the folder of the store {path}: {error.strerror}; choose a writable folder"
            ) from error
        with explained(path):
            self._connection = sqlite3.connect(path, timeout=_POLL_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self.execute("PRAGMA journal_mode=DELETE")
        self.execute("PRAGMA synchronous=FULL")
        if self._version_at_one_moment() == SCHEMA_VERSION:
            return
        self._connection.create_function("content_digest", 3, content_digest, deterministic=True)
        with self.transaction():
            version = self._version()  # another process may have been faster
            if 0 < version < SCHEMA_VERSION:
                self.backup(backup_path(self.path, version))
            if version == 0:
                self._refuse_if_lost()
            for statement in TABLES if version == 0 else statements_from(version):
                self.execute(statement)
            self.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _refuse_if_lost(self) -> None:
        """SQLite takes a file that is shorter than a page for an empty one, and a missing one as well."""
        backup = kept_backup(self.path)
        if backup.exists():
            raise InputError(
                f"store {self.path} is gone or empty, but its backup {backup.name} is there; "
                f"`heliosc qc repair {self.path}` takes the backup, or remove it to start anew"
            )
        if self.path.stat().st_size > 0:
            raise _damaged(self.path, "nothing in it can be read")

    def _version_at_one_moment(self) -> int:
        self.execute("BEGIN")  # another process may be making the store between two looks
        try:
            return self._version()
        finally:
            self._rollback()

    def _version(self) -> int:
        """Schema version of the file, 0 for an empty one."""
        version, application = self.value("PRAGMA user_version"), self.value("PRAGMA application_id")
        if application == APPLICATION_ID and version > SCHEMA_VERSION:
            raise InputError(
                f"store {self.path} has schema version {version}, this heliosc reads up to {SCHEMA_VERSION}; "
                "upgrade heliosc"
            )
        if application == APPLICATION_ID and version > 0:
            return version
        if application != 0 or self.value("SELECT count(*) FROM sqlite_master"):
            raise InputError(f"{self.path} is a SQLite file but no heliosc store; name another file")
        return 0

    def backup(self, target: Path, *, check: Callable[[Path], None] | None = None) -> None:
        try:
            with explained(self.path):
                copy_store(self.path, target, check=check)
        except OSError as error:
            raise ResourceError(
                f"cannot write {target}, the copy of the store: {error.strerror}; free some space there"
            ) from error

    def execute(self, statement: str, parameters: Iterable[Any] = ()) -> int:
        values = tuple(parameters)
        return self._patiently(statement, lambda: self._connection.execute(statement, values).rowcount)

    def execute_many(self, statement: str, parameters: Iterable[Iterable[Any]]) -> int:
        return sum(self.execute(statement, row) for row in parameters)  # one by one: each can be asked again

    def rows(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        values = tuple(parameters)
        return self._patiently(statement, lambda: self._connection.execute(statement, values).fetchall())

    def _patiently(self, statement: str, ask: Callable[[], _Answer]) -> _Answer:
        """Ask until no other process is in the way, again after short waits.

        SQLite itself waits longer and longer: whoever has just written would write again before a waiting one looks,
        and a reader would hardly find the moment between two writers.
        """
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        with self._lock, explained(self.path):
            while True:
                try:
                    return ask()
                except sqlite3.OperationalError as error:
                    if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                    if statement == _BEGIN:
                        self._crowded_until = time.monotonic() + _CROWDED_S

    def damage(self) -> str | None:
        verdict = self.value("PRAGMA integrity_check(1)")
        return None if verdict == "ok" else str(verdict)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _begin(self) -> None:
        self.execute(_BEGIN)

    def _commit(self) -> None:
        self.execute("COMMIT")
        if time.monotonic() < self._crowded_until:
            time.sleep(_LET_OTHERS_S)

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self.execute("ROLLBACK")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into heliosc's.

    Raises
    ------
    ResourceError : disk full, read-only, cannot be opened, input/output error
    TransientError : locked by another process for longer than the busy timeout
    InputError : damaged or not a database
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, path) from error
    except UnicodeDecodeError as error:  # SQLite quotes what is damaged
        raise _damaged(path, error) from error


def _explain(error: sqlite3.Error, path: Path) -> HelioscError:
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return ResourceError(f"disk full while writing {path}; free some space, then run the same command again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return ResourceError(
            f"cannot open or write the store {path} ({error}); check that it is a file in a folder you may write to"
        )
    if code == sqlite3.SQLITE_IOERR:
        return ResourceError(f"input/output error on {path} ({error}); check the disk, then run the same command again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TransientError(f"store {path} was locked by another process for {BUSY_TIMEOUT_S:.0f} s; try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, error)
    return InputError(f"store {path} refused an operation: {error}")


def _primary_code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the low byte


def _damaged(path: Path, error: object) -> InputError:
    return InputError(
        f"store {path} is damaged or no SQLite file ({error}); if it is a store, `heliosc qc repair {path}` makes "
        "it good from what can be read and from its backup"
    )
