"""Hashes of files as ``sha256sum`` writes them: what stands for a version where DVC does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import InputError
from heliosc.files import write_atomically

MANIFEST_FILE = "manifest.sha256"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the files of a manifest: names of those changed, gone, and come since."""

    folder: Path
    n_files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether every file of the manifest is there and the same; files that came since do no harm."""
        return not self.changed and not self.missing


def write_manifest(folder: Path) -> Path:
    """Write the hashes of all files below a folder into it; ``sha256sum -c`` reads the file too.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    lines = [f"{file_hash(folder / name)}  {name}\n" for name in _names(folder)]
    write_atomically(folder / MANIFEST_FILE, "".join(lines))
    return folder / MANIFEST_FILE


def verify(folder: Path) -> Verdict:
    """Compare the files of a folder with its manifest.

    Raises
    ------
    InputError : there is no manifest, or it is damaged
    """
    recorded = read_manifest(folder / MANIFEST_FILE)
    there = set(_names(folder))
    changed = [name for name, digest in recorded.items() if name in there and file_hash(folder / name) != digest]
    return Verdict(
        folder,
        len(recorded),
        tuple(changed),
        tuple(sorted(set(recorded) - there)),
        tuple(sorted(there - set(recorded))),
    )


def read_manifest(file: Path) -> dict[str, str]:
    """Name -> hash.

    Raises
    ------
    InputError : there is no such file, or a line is not one of ``sha256sum``
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"no manifest {file}: {error.strerror}; `heliosc run` and `heliosc update` write them"
        ) from error
    pairs = [line.partition("  ") for line in lines]
    bad = next(
        (line for line, (digest, _, name) in zip(lines, pairs, strict=True) if len(digest) != 64 or not name), None
    )
    if bad is not None:
        raise InputError(f"{file}: {bad[:80]!r} is no line of sha256sum; restore the file")
    return {name: digest for digest, _, name in pairs}


def find_manifests(folder: Path) -> list[Path]:
    """Folders with a manifest, this one or any below it.

    Raises
    ------
    InputError : there is none
    """
    found = sorted(file.parent for file in folder.rglob(MANIFEST_FILE) if "handoff" not in file.parts)
    if not found:
        raise InputError(
            f"no {MANIFEST_FILE} in {folder}; `heliosc run` writes one a round, `heliosc update` one of the data"
        )
    return found


def file_hash(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _names(folder: Path) -> Iterable[str]:
    """Files below a folder but the manifest, hidden ones and the working files of a merge."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST_FILE)
    names = (path.relative_to(folder) for path in files)
    return [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]
