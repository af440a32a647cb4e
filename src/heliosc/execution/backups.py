"""The copy beside a store file that is made while tasks run, and from which a damaged store is made good."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from heliosc.errors import InputError, ResourceError
from heliosc.execution.database import Database
from heliosc.execution.migrations import kept_backup
from heliosc.execution.reading import StoreReader
from heliosc.execution.sqlite import SQLiteDatabase

BACKUP_EVERY_S = 300.0
_SHARE_OF_TIME = 0.05  # at most, spent on copying and checking a large store

_log = logging.getLogger(__name__)


class BackupKeeper:
    """Keeps the copy of one store up to date. A store in PostgreSQL has none: its server is backed up.

    Parameters
    ----------
    database : of the store
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._n_commits = 0  # of this process that the copy has
        self._next_at = time.monotonic() + BACKUP_EVERY_S

    def keep(self, *, is_last: bool = False) -> None:
        """Copy the store if this process has changed it and the last copy is a while ago, or this is the last chance.

        A copy that cannot be written stops nothing: it is logged, and the one before stays.

        Raises
        ------
        InputError : the store is damaged; the copy of before stays
        """
        n_commits = self._db.n_commits
        is_due = is_last or time.monotonic() >= self._next_at
        if not isinstance(self._db, SQLiteDatabase) or n_commits == self._n_commits or not is_due:
            return
        started = time.monotonic()
        try:
            self.write(kept_backup(self._db.path))
            self._n_commits = n_commits
        except ResourceError as error:
            _log.warning("no backup was made: %s", error)
        ended = time.monotonic()
        self._next_at = ended + max(BACKUP_EVERY_S, (ended - started) / _SHARE_OF_TIME)

    def write(self, target: Path) -> None:
        """Copy the store as it is now to a file, checked, complete or not at all.

        Raises
        ------
        InputError : the store is damaged
        ResourceError : the copy cannot be written
        UsageError : the store is in a PostgreSQL server
        """
        self._db.backup(target, check=self._check)

    def _check(self, copy: Path) -> None:
        try:
            with StoreReader(copy) as reader:
                reader.check()
        except InputError as error:
            raise InputError(str(error).replace(str(copy), self._db.name)) from error
