"""A thread that carries a journal to one place; whatever happens there, the run does not notice.

``sent.json`` in the journal's folder remembers, for each place, the run's id there and the byte up to which entries
have arrived. An entry may arrive twice when a process dies between sending and noting; places take equal figures as
one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from heliosc.errors import ParseError, TransientError
from heliosc.files import write_atomically
from heliosc.secrets import without_passwords
from heliosc.tracking.journal import Entry, Journal, read_entries
from heliosc.tracking.places import Destination, Place, RefusedEntryError

SENT_FILE = "sent.json"
_POLL_S = 0.5
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 300.0
_BATCH = 100  # entries that are sent at once

_log = logging.getLogger("heliosc.tracking")
_noting = threading.Lock()  # senders of one journal share its file


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a place has come: its id of the run, and the byte of the journal at which the next entry begins."""

    run_id: str
    offset: int = 0


class Sender(threading.Thread):
    """Sends what is in a journal, and what comes in, until it is closed.

    A daemon: a server that never answers cannot keep the process from ending.
    """

    def __init__(self, journal: Journal, destination: Destination) -> None:
        super().__init__(name=f"sender to {destination.label}", daemon=True)
        self.destination = destination
        self._journal = journal
        self._is_closing = threading.Event()
        self._has_warned = False

    def run(self) -> None:
        """Send until closed; after a failure try again, less and less often."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                carry(self._journal, self.destination, until=self._is_closing)
                return
            except Exception as error:  # noqa: BLE001 - a place may fail in any way, and must not end the run
                self._warn_once(error)
            if self._is_closing.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def close(self) -> None:
        """Ask for the rest to be sent; ``join`` waits for it."""
        self._is_closing.set()

    def _warn_once(self, error: Exception) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        reason = without_passwords(next(iter(str(error).strip().splitlines()), ""))[:200]
        _log.warning(
            "tracking: %s cannot be reached (%s: %s). The run goes on; its figures are in %s and are sent when the "
            "place answers",
            self.destination.label, type(error).__name__, reason, self._journal.folder,
        )  # fmt: skip


def carry(journal: Journal, destination: Destination, *, until: threading.Event) -> None:
    """Send everything that is new, and what comes in until the event is set.

    Raises
    ------
    TransientError : another process sends this journal to this place
    Exception : whatever the place raises
    """
    label = destination.label
    with _sending_alone(journal, label):
        place = destination.reach()
        known = read_sent(journal.folder).get(label)
        run_id = place.begin(journal.identity, known.run_id if known else None)
        sent = known if known and known.run_id == run_id else Sent(run_id)
        while True:
            is_last = until.is_set()
            sent = _send_new(journal, place, sent, label=label)
            if is_last:
                place.end()
                return
            until.wait(_POLL_S)


def _send_new(journal: Journal, place: Place, sent: Sent, *, label: str) -> Sent:
    """Send every entry that has not arrived, noting after each batch how far it came."""
    if label not in read_sent(journal.folder):
        _note(journal.folder, label, sent)
    while batch := list(islice(read_entries(journal.file, offset=sent.offset), _BATCH)):
        _write(place, [entry for entry, _ in batch], label=label)
        sent = Sent(sent.run_id, batch[-1][1])
        _note(journal.folder, label, sent)
    return sent


def _write(place: Place, entries: list[Entry], *, label: str) -> None:
    """Send a batch; where one of it is refused, all but that one."""
    try:
        place.write(entries)
    except RefusedEntryError as error:
        if len(entries) > 1:
            for entry in entries:
                _write(place, [entry], label=label)
            return
        reason = without_passwords(str(error))
        _log.warning("tracking: %s does not take an entry (%s): %s", label, entries[0].kind, reason)


def read_sent(folder: Path) -> dict[str, Sent]:
    """Place -> how far it has come.

    Raises
    ------
    ParseError : the file is damaged
    """
    file = folder / SENT_FILE
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return {label: Sent(str(entry["run_id"]), int(entry["offset"])) for label, entry in document.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(f"{file} is damaged ({error}); remove it and everything is sent again") from error


def n_unsent(journal: Journal, label: str) -> int:
    """Entries that have not arrived at a place."""
    sent = read_sent(journal.folder).get(label)
    return sum(1 for _ in read_entries(journal.file, offset=sent.offset if sent else 0))


@contextmanager
def _sending_alone(journal: Journal, label: str) -> Iterator[None]:
    name = hashlib.sha256(label.encode()).hexdigest()[:8]
    with (journal.folder / f".sending-{name}").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransientError(f"another process sends {journal.folder} to {label}; wait until it ends") from error
        yield


def _note(folder: Path, label: str, sent: Sent) -> None:
    with _noting:
        document = {name: asdict(entry) for name, entry in {**read_sent(folder), label: sent}.items()}
        write_atomically(folder / SENT_FILE, json.dumps(document, indent=1, sort_keys=True) + "\n")
