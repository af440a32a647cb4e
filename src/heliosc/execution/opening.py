"""Which database a store's location names."""

from __future__ import annotations

from pathlib import Path

from heliosc.errors import UsageError
from heliosc.execution.database import Database
from heliosc.execution.sqlite import SQLiteDatabase

_SCHEMES = ("postgresql:", "postgres:")


def open_database(location: Path | str) -> Database:
    """Database of the store at this location, made where there is none.

    Parameters
    ----------
    location : SQLite file, or ``postgresql://...`` URL as text

    Raises
    ------
    UsageError : a URL that has become a path on its way, which has lost a slash; a URL of another kind
    ResourceError, InputError, MissingDependencyError : see the two databases
    """
    is_url = str(location).startswith(_SCHEMES)
    if is_url and isinstance(location, Path):
        raise UsageError(f"store {location.parts[0]}... is a URL given as a path; hand it over as text")
    if not is_url and isinstance(location, str) and "://" in location:  # no folder "http:" is to be made
        raise UsageError(f"store {location} is a URL of no known kind; expected a file or postgresql://user@host/name")
    if is_url:
        from heliosc.execution.postgres import PostgresDatabase  # most stores are files

        return PostgresDatabase(str(location))
    return SQLiteDatabase(Path(location))
