"""The journal of one run: what was tracked, in order, one JSON object a line.

``FOLDER/run.json``       identity of the run: name, kind, a random mark by which other places know it
``FOLDER/events.jsonl``   the entries
``FOLDER/sent.json``      how far each place has come, see ``heliosc.tracking.sender``
"""

from __future__ import annotations

import json
import math
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from heliosc.errors import ParseError
from heliosc.files import ensure_folder, write_atomically

RUN_FILE = "run.json"
EVENTS_FILE = "events.jsonl"

Kind = Literal["metrics", "parameters", "tags", "image", "file"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was tracked.

    Attributes
    ----------
    kind : ``metrics`` have finite numbers, ``parameters`` and ``tags`` texts, ``image`` and ``file`` a path
    time_s : Unix seconds
    step : epoch or round; None for what has none
    name : title of an image, folder of a file among the artefacts
    path : of an image or a file
    """

    kind: Kind
    time_s: float
    values: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None
    name: str = ""
    path: str | None = None


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Who a journal is about.

    Attributes
    ----------
    name : for people
    kind : ``campaign``, ``surrogate``, ``generator``, ...
    mark : random text by which a place finds the run again
    """

    name: str
    kind: str
    mark: str


class Journal:
    """The journal in a folder; made when absent, continued when there.

    Raises
    ------
    ResourceError : the folder cannot be written
    ParseError : ``run.json`` is damaged
    """

    def __init__(self, folder: Path, *, name: str, kind: str) -> None:
        self.folder = ensure_folder(folder)
        file = folder / RUN_FILE
        if not file.exists():
            identity = RunIdentity(name, kind, uuid.uuid4().hex)
            write_atomically(file, json.dumps(asdict(identity), indent=1) + "\n")
        self.identity = read_identity(folder)
        _end_torn_line(self.file)

    @property
    def file(self) -> Path:
        return self.folder / EVENTS_FILE

    def append(self, entry: Entry) -> None:
        """Add an entry; it is whole in the file or, after a kill, skipped by readers.

        Raises
        ------
        OSError : the disk is full or read-only
        """
        line = json.dumps(asdict(entry), sort_keys=True, allow_nan=False) + "\n"
        with self.file.open("ab") as stream:
            stream.write(line.encode())

    def entries(self) -> list[Entry]:
        """Every whole entry so far."""
        return [entry for entry, _ in read_entries(self.file, offset=0)]


def read_identity(folder: Path) -> RunIdentity:
    """Who the journal in a folder is about.

    Raises
    ------
    ParseError : ``run.json`` is absent or damaged
    """
    file = folder / RUN_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return RunIdentity(document["name"], document["kind"], document["mark"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParseError(f"{file} is absent or damaged ({error}); remove the folder to track the run anew") from error


def read_entries(file: Path, *, offset: int) -> Iterator[tuple[Entry, int]]:
    """Whole entries from a byte on, each with the byte at which the next one begins; torn lines are passed over."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return  # still being written
            offset += len(line)
            entry = _parse(line)
            if entry is not None:
                yield entry, offset


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """The finite numbers of a mapping: what is not known is left out, never a zero."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def entry_now(kind: Kind, **fields: Any) -> Entry:
    """An entry with the time of this moment."""
    return Entry(kind, time.time(), **fields)


def _parse(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):  # torn by a kill and ended by the next start
        return None


def _end_torn_line(file: Path) -> None:
    if not file.exists() or not file.stat().st_size:
        return
    with file.open("rb+") as stream:
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")
