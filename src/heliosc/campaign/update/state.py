"""What the last update saw and made: by it the next one knows what is new. And the lock that keeps two apart."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from heliosc.config import Config
from heliosc.errors import ParseError, TransientError
from heliosc.files import ensure_folder, write_atomically

STATE_FILE = "update.json"


@dataclass(frozen=True, slots=True)
class UpdateState:
    """Fingerprints of what went into each step that was completed.

    Attributes
    ----------
    results : source -> fingerprint of the results that were merged
    counts : source -> number of results then
    merged : of everything that the merge depends on; "" = never merged
    split : of everything that the split depends on
    models : model -> fingerprint of data and settings that it was trained on
    trained_on : model -> number of molecules then
    """

    results: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    merged: str = ""
    split: str = ""
    models: dict[str, str] = field(default_factory=dict)
    trained_on: dict[str, int] = field(default_factory=dict)


def state_folder(config: Config) -> Path:
    """Where state, lock and archive are: beside the long store."""
    return config.data.store.parent


def read_state(config: Config) -> UpdateState:
    """What the last update saw; an empty state before the first.

    Raises
    ------
    ParseError : the file is damaged
    """
    file = state_folder(config) / STATE_FILE
    if not file.exists():
        return UpdateState()
    try:
        return UpdateState(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ParseError(f"{file} is damaged ({error}); remove it and everything is looked at anew") from error


def write_state(config: Config, state: UpdateState) -> None:
    """Remember; in one step, so that a kill leaves the earlier state or the new one."""
    write_atomically(state_folder(config) / STATE_FILE, json.dumps(asdict(state), indent=1, sort_keys=True) + "\n")


@contextmanager
def update_lock(config: Config) -> Iterator[None]:
    """One update at a time; the kernel frees the lock with the process, however it ends.

    Raises
    ------
    TransientError : another update is at work
    ResourceError : the folder cannot be written
    """
    folder = ensure_folder(state_folder(config))
    with (folder / ".update.lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransientError(f"another update is at work in {folder}; wait until it ends") from error
        yield
