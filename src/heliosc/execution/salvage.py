"""Rows of a store file that SQLite can no longer open, read from its pages one by one.

Every page of a table that holds rows says so in its first byte and says where each row begins; neither the file's
header nor the pages that lead there are needed. What is found is compared with its checksum before it is believed.

References
----------
https://www.sqlite.org/fileformat2.html, sections 1.5 (pages), 1.6 (overflow), 2.1 (records)
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliosc.errors import InputError, ResourceError
from heliosc.execution.tasks import STATES
from heliosc.execution.verification import decoded_result, is_sound_task

Row = dict[str, Any]

_PAGE_SIZE = 4_096  # SQLite's default, which the store has always had
_HEADER_BYTES = 100  # of the file, at the start of its first page
_TABLE_LEAF = 0x0D
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _columns(*names: str) -> list[str]:
    return " ".join(names).split()


# in the order in which they are stored; the first of those with a rowid is the rowid
_TASKS = _columns(
    "id key callable payload identity priority timeout_s max_attempts state n_failures fence lease_until submitted_at",
    "cores memory_mb cost_s content_sha256",
)
_TASKS_OF_SCHEMA_2 = _columns(
    "id key callable payload identity priority timeout_s max_attempts cores memory_mb cost_s",
    "state n_failures fence lease_until submitted_at content_sha256",
)
_ATTEMPTS = _columns(
    "token key number worker_id host pid pid_start started_at finished_at outcome error_class reason traceback",
    "scratch wall_s cpu_s job",
)
_RESULTS = _columns("key token encoding data sha256 committed_at")
_EVENTS = _columns("id time key token kind detail")
_JOBS = _columns("name transport folder external_id state created_at")


@dataclass
class Salvage:
    """What was found in a file, by primary key."""

    tasks: dict[str, Row] = field(default_factory=dict)
    attempts: dict[int, Row] = field(default_factory=dict)
    results: dict[str, Row] = field(default_factory=dict)
    events: dict[int, Row] = field(default_factory=dict)
    jobs: dict[str, Row] = field(default_factory=dict)


def salvaged(path: Path) -> Salvage:
    """Every row of a store file that can be read and is what was written, as far as that can be told.

    Of several copies of one row, which a page that is no longer used may hold, the one nearest its end is taken.

    Raises
    ------
    ResourceError : the file cannot be read at all
    """
    found = Salvage()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResourceError(f"cannot read {path}: {error.strerror}; check the disk") from error
    for rowid, values in _records(content):
        _sort_in(found, rowid, values)
    return found


def _sort_in(found: Salvage, rowid: int, values: list[Any]) -> None:
    if (row := _task(rowid, values)) is not None:
        before = found.tasks.get(row["key"])
        if before is None or STATES.index(before["state"]) <= STATES.index(row["state"]):
            found.tasks[row["key"]] = row
    elif (row := _named(_ATTEMPTS, rowid, values, _is_attempt)) is not None:
        if row["outcome"] is not None or rowid not in found.attempts:
            found.attempts[rowid] = row
    elif (row := _named(_RESULTS, None, values, _is_result)) is not None:
        found.results[row["key"]] = row
    elif (row := _named(_EVENTS, rowid, values, _is_event)) is not None:
        found.events[rowid] = row
    elif (row := _named(_JOBS, None, values, _is_job)) is not None:
        is_ended = found.jobs.get(row["name"], row)["state"] == "ended"
        found.jobs[row["name"]] = row | {"state": "ended" if is_ended else row["state"]}


def _task(rowid: int, values: list[Any]) -> Row | None:
    return _named(_TASKS, rowid, values, _is_task) or _named(_TASKS_OF_SCHEMA_2, rowid, values, _is_task)


def _named(names: list[str], rowid: int | None, values: list[Any], is_one: Callable[[Row], bool]) -> Row | None:
    """The values as a row of this table, None where they are none; columns added later may be missing at the end."""
    if len(values) > len(names) or len(values) < len(names) - 1:
        return None
    row = dict.fromkeys(names) | dict(zip(names, values, strict=False))
    if rowid is not None:
        row[names[0]] = rowid
    return row if is_one(row) else None


def _is_task(row: Row) -> bool:
    return (
        row["state"] in STATES
        and all(isinstance(row[name], int) for name in ("max_attempts", "n_failures", "cores"))
        and all(isinstance(row[name], (int, float)) for name in ("priority", "submitted_at"))
        and is_sound_task(row["key"], row["callable"], row["payload"], row["identity"], row["content_sha256"])
    )


def _is_attempt(row: Row) -> bool:
    return (
        _is_key(row["key"])
        and all(isinstance(row[name], int) for name in ("number", "pid", "pid_start"))
        and all(isinstance(row[name], str) for name in ("worker_id", "host"))
        and isinstance(row["started_at"], (int, float))
        and row["outcome"] in (None, "done", "failed", "interrupted", "cancelled")
        and all(isinstance(row[name], (str, type(None))) for name in ("error_class", "reason", "traceback", "job"))
    )


def _is_result(row: Row) -> bool:
    if not _is_key(row["key"]) or row["encoding"] not in ("json", "zlib") or not isinstance(row["token"], int):
        return False
    try:
        decoded_result(row["key"], row["encoding"], row["data"], row["sha256"], store="")
    except InputError:
        return False
    return isinstance(row["committed_at"], (int, float))


def _is_event(row: Row) -> bool:
    return (
        _is_key(row["key"])
        and isinstance(row["time"], (int, float))
        and isinstance(row["token"], (int, type(None)))
        and all(isinstance(row[name], str) for name in ("kind", "detail"))
    )


def _is_job(row: Row) -> bool:
    return (
        row["state"] in ("open", "ended")
        and all(isinstance(row[name], str) for name in ("name", "transport", "folder"))
        and isinstance(row["external_id"], (str, type(None)))
        and isinstance(row["created_at"], (int, float))
    )


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _records(content: bytes) -> Iterator[tuple[int, list[Any]]]:
    """Rowid and values of every row in every page of rows, in the order of the file."""
    for page_start in range(0, len(content), _PAGE_SIZE):
        page = content[page_start : page_start + _PAGE_SIZE]
        head = _HEADER_BYTES if page_start == 0 else 0
        if len(page) < _PAGE_SIZE or page[head] != _TABLE_LEAF:
            continue
        (n_cells,) = struct.unpack_from(">H", page, head + 3)
        pointers_end = min(head + 8 + 2 * n_cells, _PAGE_SIZE - 1)
        for place in range(head + 8, pointers_end - 1, 2):
            try:
                yield _cell(content, page, struct.unpack_from(">H", page, place)[0])
            except (IndexError, ValueError, struct.error):  # damaged: the next one may be sound
                continue


def _cell(content: bytes, page: bytes, start: int) -> tuple[int, list[Any]]:
    length, start = _varint(page, start)
    rowid, start = _varint(page, start)
    local = _local_length(length)
    payload = page[start : start + local]
    if local < length:
        (following,) = struct.unpack_from(">I", page, start + local)
        payload += _overflow(content, following, length - local)
    if len(payload) != length:
        raise ValueError("row ends too early")
    return rowid, _values(payload)


def _local_length(length: int) -> int:
    """How many bytes of a row stand in its own page; the rest is in overflow pages."""
    if length <= _PAGE_SIZE - 35:
        return length
    least = (_PAGE_SIZE - 12) * 32 // 255 - 23
    wanted = least + (length - least) % (_PAGE_SIZE - 4)
    return wanted if wanted <= _PAGE_SIZE - 35 else least


def _overflow(content: bytes, number: int, length: int) -> bytes:
    parts = []
    while length > 0:
        start = (number - 1) * _PAGE_SIZE
        if number < 2 or start + _PAGE_SIZE > len(content):
            raise ValueError("row leads outside the file")
        (number,) = struct.unpack_from(">I", content, start)
        parts.append(content[start + 4 : start + 4 + min(length, _PAGE_SIZE - 4)])
        length -= len(parts[-1])
    return b"".join(parts)


def _values(payload: bytes) -> list[Any]:
    head_length, place = _varint(payload, 0)
    body, values = head_length, []
    while place < head_length:
        kind, place = _varint(payload, place)
        value, body = _value(payload, kind, body)
        values.append(value)
    return values


def _value(payload: bytes, kind: int, start: int) -> tuple[Any, int]:
    """Value of this serial type and where the next one starts."""
    if kind == 0:
        return None, start
    if kind in (8, 9):
        return kind - 8, start
    n_bytes = 8 if kind == 7 else _INTEGER_BYTES[kind] if kind < 8 else (kind - 12) // 2
    raw = payload[start : start + n_bytes]
    if len(raw) != n_bytes or kind in (10, 11):
        raise ValueError("value ends too early")
    if kind == 7:
        return struct.unpack(">d", raw)[0], start + n_bytes
    if kind < 7:
        return int.from_bytes(raw, "big", signed=True), start + n_bytes
    return (raw.decode() if kind % 2 else raw), start + n_bytes


def _varint(data: bytes, start: int) -> tuple[int, int]:
    value = 0
    for place in range(start, start + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[start + 8], start + 9
