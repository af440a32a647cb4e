"""What a task store asks of its database, whichever it is: durable transactions and errors that say what to do.

Statements are written in the dialect that SQLite and PostgreSQL share, with ``?`` for parameters and ``json_each(?)``
for lists; what differs is put right by the backends.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliosc.faults import fault_point

BUSY_TIMEOUT_S = 60.0  # how long a writer waits for the one before it


def storable(text: str) -> str:
    """Any text as one that every database takes: what programs say may hold NUL or bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\N{SYMBOL FOR NULL}")


class Database(ABC):
    """One connection, safe to share between the threads of one process. Rows are changed inside a transaction only.

    Parameters
    ----------
    name : what messages call the store; never with a password

    Attributes
    ----------
    n_commits : transactions committed through this connection
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.n_commits = 0
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer at a time; an inner transaction joins the outer one.

        Raises
        ------
        HelioscError : as the backend explains it; everything since the outermost start is undone
        """
        with self._lock:
            if self._depth == 0:
                self._begin()
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    fault_point("store-commit:before")
                    self._commit()
                    fault_point("store-commit:after")
                    self.n_commits += 1
            except BaseException:
                if self._depth == 1:
                    self._rollback()
                raise
            finally:
                self._depth -= 1

    def row(self, statement: str, parameters: Iterable[Any] = ()) -> tuple[Any, ...] | None:
        """First row of one statement, None without rows."""
        return next(iter(self.rows(statement, parameters)), None)

    def value(self, statement: str, parameters: Iterable[Any] = ()) -> Any:
        """First value of the first row, None without rows."""
        row = self.row(statement, parameters)
        return None if row is None else row[0]

    @abstractmethod
    def execute(self, statement: str, parameters: Iterable[Any] = ()) -> int:
        """Run one statement; returns the number of rows changed."""

    @abstractmethod
    def execute_many(self, statement: str, parameters: Iterable[Iterable[Any]]) -> int:
        """Run one statement for each set of parameters; returns the number of rows changed."""

    @abstractmethod
    def rows(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement."""

    @abstractmethod
    def damage(self) -> str | None:
        """What the database itself finds wrong with its files; None where it finds nothing."""

    @abstractmethod
    def backup(self, target: Path, *, check: Callable[[Path], None] | None = None) -> None:
        """Copy the store as it is now to a file, complete or not at all; ``check`` may refuse the copy by raising.

        Raises
        ------
        ResourceError : the copy cannot be written
        InputError : the store is damaged
        UsageError : this database is backed up by other means
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    @abstractmethod
    def _begin(self) -> None:
        """Start a transaction once no other writer has one."""

    @abstractmethod
    def _commit(self) -> None:
        """Make the transaction durable."""

    @abstractmethod
    def _rollback(self) -> None:
        """Undo the transaction, also one that the database has given up already."""
