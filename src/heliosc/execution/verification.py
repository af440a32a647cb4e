"""Whether a stored row still says what was written: keys and digests are compared with what they were made from.

Protected are callable, payload and identity of a task (by its key and ``content_sha256``), and each result (by its
``sha256``). Key, state, priority and the error class of an attempt stand in an index too, with which the database's
own check compares the rows. Times, limits, costs, reasons and events have no second copy.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from heliosc.errors import InputError
from heliosc.execution.identity import content_digest, key_of_texts, text_digest


def is_sound_task(key: Any, callable_name: Any, payload: Any, identity: Any, digest: Any) -> bool:
    """Whether the parts of a task's row fit each other."""
    if not all(isinstance(part, str) for part in (key, callable_name, payload, digest, identity or "")):
        return False
    made_of = (callable_name, payload, identity)
    return content_digest(*made_of) == digest and key_of_texts(*made_of) == key


def refuse_damaged_task(key: Any, callable_name: Any, payload: Any, identity: Any, digest: Any, *, store: str) -> None:
    """Raise unless the parts of a task's row fit each other.

    Raises
    ------
    InputError : they do not
    """
    if not is_sound_task(key, callable_name, payload, identity, digest):
        raise InputError(f"task {str(key)[:12]} is damaged: its content does not match its checksum; {advice(store)}")


def decoded_result(key: str, encoding: Any, data: Any, digest: Any, *, store: str) -> Any:
    """Result from its stored form.

    Raises
    ------
    InputError : it is not what was written
    """
    try:
        text = (zlib.decompress(data) if encoding == "zlib" else data).decode()
    except (zlib.error, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise InputError(f"result of task {key[:12]} is damaged: {error}; {advice(store)}") from error
    if text_digest(text) != digest:
        raise InputError(f"result of task {key[:12]} does not match its checksum; {advice(store)}")
    return json.loads(text)


def advice(store: str) -> str:
    """What to do about a damaged store."""
    if "://" in store:
        return "restore the database from a backup of the server"
    return f"`heliosc qc repair {store}` makes it good from what can be read and from its backup"
