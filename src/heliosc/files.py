"""Files that are either complete or absent: written beside their place, synced, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from heliosc.errors import InputError, ResourceError
from heliosc.faults import fault_point


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceError(
            f"cannot write {path}: {error.strerror or error}; check free space and permission, then try again"
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a later start after a kill, never sees half of it.

    Raises
    ------
    ResourceError : the folder is read-only or the disk is full
    """
    data = content.encode() if isinstance(content, str) else content
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                fault_point("file-sync:before")
                os.fsync(stream.fileno())
                fault_point("file-sync:after")
            Path(name).chmod(0o644)
            fault_point("file-rename:before")
            Path(name).replace(path)
            sync_folder(path.parent)
            fault_point("file-rename:after")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def file_written_atomically(path: Path) -> Iterator[Path]:
    """A scratch file beside ``path`` that takes its place when the block ends without an error; for what is streamed.

    Raises
    ------
    ResourceError : the folder is read-only or the disk is full
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        scratch = Path(name)
        try:
            yield scratch
            scratch.chmod(0o644)
            with scratch.open("rb") as stream:
                os.fsync(stream.fileno())
            scratch.replace(path)
            sync_folder(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut: it is an entry of the folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def folder_written_atomically(folder: Path) -> Iterator[Path]:
    """A scratch folder beside ``folder`` that takes its place when the block ends without an error.

    Raises
    ------
    InputError : what is there was not written this way; it stays
    ResourceError : the parent is read-only or the disk is full
    """
    with _explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with _explained(folder):
            yield scratch
            scratch.chmod(0o755)
            refuse_to_replace(folder, unless=[path.name for path in scratch.iterdir()])
            if folder.exists():
                shutil.rmtree(folder)
            scratch.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def refuse_to_replace(folder: Path, *, unless: Collection[str]) -> None:
    """Keep a folder that holds somebody's own files, such as a project, from being replaced by a new one.

    Parameters
    ----------
    unless : names of which an earlier version of the new folder would hold one

    Raises
    ------
    InputError : it is not empty and holds none of these, or is the working folder itself
    """
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not folder.name or (found and not set(found) & set(unless)):
        held = f"holds {', '.join(found[:3])}" if found else "has no name"
        raise InputError(f"{folder} {held} and would be replaced as a whole; name a new folder in it instead")


def ensure_folder(folder: Path) -> Path:
    """Make a folder and prove that files can be written in it.

    Raises
    ------
    ResourceError : it cannot be made or written
    """
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writable.", dir=folder)
        os.close(handle)
        Path(name).unlink()
    return folder
