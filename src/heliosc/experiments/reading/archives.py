"""Zip archives of strangers: read in memory, within limits, nothing is ever unpacked to disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import PurePosixPath

from heliosc.errors import InputError

MAX_ENTRIES = 5_000
MAX_ENTRY_BYTES = 50_000_000
MAX_TOTAL_BYTES = 200_000_000


@contextmanager
def opened_archive(content: bytes, *, origin: str) -> Iterator[zipfile.ZipFile]:
    """The archive, once its directory has been found harmless.

    Raises
    ------
    InputError : not a zip, encrypted, paths that leave their folder, links, or far too large when unpacked
    """
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{origin} is no zip archive that can be read ({error}); save and send it again") from error
    with archive:
        _check(archive.infolist(), origin=origin)
        yield archive


def read_entry(archive: zipfile.ZipFile, name: str, *, origin: str) -> bytes:
    """Content of one entry, never more than the limit, whatever its header says.

    Raises
    ------
    InputError : absent, damaged, or larger than announced
    """
    try:
        with archive.open(name) as stream:
            content = stream.read(MAX_ENTRY_BYTES + 1)
    except KeyError as error:
        raise InputError(f"{origin} has no {name}; expected it in this kind of file") from error
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError(f"{origin}: {name[:80]} cannot be unpacked ({error}); send the file again") from error
    if len(content) > MAX_ENTRY_BYTES:
        raise InputError(f"{origin}: {name[:80]} unpacks to more than {MAX_ENTRY_BYTES} bytes; expected a form")
    return content


def _check(entries: list[zipfile.ZipInfo], *, origin: str) -> None:
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"{origin} holds {len(entries)} files; expected fewer than {MAX_ENTRIES}")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise InputError(f"{origin} unpacks to more than {MAX_TOTAL_BYTES} bytes; expected a form")
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
            raise InputError(f"{origin} holds the path {entry.filename[:80]!r}, which leaves its folder; not imported")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"{origin} holds the link {entry.filename[:80]!r}; expected files only")
        if entry.flag_bits & 1:
            raise InputError(f"{origin} is encrypted; send it without a password")
