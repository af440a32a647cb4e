"""The laboratory's book: one JSON line an event, only ever added to.

``<folder>/journal.jsonl`` holds state changes and imported forms; everything else is worked out from it. A write
replaces the file by a longer one in one step, so that a kill leaves the old or the new book and never half a line.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heliosc.errors import ParseError
from heliosc.experiments.checking import Measurement, Refused
from heliosc.experiments.states import State, StateChange
from heliosc.files import ensure_folder, write_atomically
from heliosc.properties import PropertyKey

JOURNAL_FILE = "journal.jsonl"
IMPORTED, ASIDE, UNREADABLE = "imported", "aside", "unreadable"


@dataclass(frozen=True, slots=True)
class FormEvent:
    """A form that came in.

    Attributes
    ----------
    digest : of the answers; of the file where it could not be read
    status : ``imported``, ``aside`` (of no candidate that we know) or ``unreadable``
    candidate_id : None when it is aside or unreadable
    smiles : canonical, of the compound as made; None where it is not known
    reason : why it is aside or unreadable
    """

    digest: str
    origin: str
    file_sha256: str
    status: str
    who: str
    when: str
    candidate_id: str | None = None
    smiles: str | None = None
    made: str | None = None
    reason: str = ""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    refused: tuple[Refused, ...] = ()
    n_missing: int = 0
    n_blank: int = 0


Event = StateChange | FormEvent


@dataclass(frozen=True, slots=True)
class Journal:
    """The book of a folder."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / JOURNAL_FILE

    def events(self) -> tuple[Event, ...]:
        """Everything that has happened, oldest first; nothing where there is no book.

        Raises
        ------
        ParseError : a line is no event of this version
        """
        if not self.path.exists():
            return ()
        return tuple(_event(line, f"{self.path}, line {i}") for i, line in enumerate(self._lines(), start=1))

    def append(self, events: Sequence[Event]) -> None:
        """Add events behind the others; hold the lock while deciding what to add.

        Raises
        ------
        ResourceError : the folder cannot be written
        """
        if events:
            known = [*self._lines()] if self.path.exists() else []
            write_atomically(self.path, "".join(f"{line}\n" for line in [*known, *map(_line, events)]))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; the kernel frees the lock with the process.

        Raises
        ------
        ResourceError : the folder cannot be written
        """
        ensure_folder(self.folder)
        with (self.folder / ".lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _lines(self) -> Iterable[str]:
        return self.path.read_text(encoding="utf-8").split("\n")[:-1]


def state_changes(events: Iterable[Event], candidate_id: str) -> tuple[StateChange, ...]:
    """History of one candidate."""
    return tuple(e for e in events if isinstance(e, StateChange) and e.candidate_id == candidate_id)


def current_state(events: Iterable[Event], candidate_id: str) -> State:
    """Where a candidate stands; without any entry it is proposed."""
    changes = state_changes(events, candidate_id)
    return changes[-1].state if changes else State.PROPOSED


def _line(event: Event) -> str:
    if isinstance(event, StateChange):
        return json.dumps({"kind": "state", **asdict(event)}, sort_keys=True, ensure_ascii=True)
    fields = asdict(event)
    fields["measurements"] = [{**asdict(item), "key": str(item.key)} for item in event.measurements]
    return json.dumps({"kind": "form", **fields}, sort_keys=True, ensure_ascii=True, allow_nan=False)


def _event(line: str, where: str) -> Event:
    try:
        fields: dict[str, Any] = json.loads(line)
        kind = fields.pop("kind")
        if kind == "state":
            return StateChange(**{**fields, "state": State(fields["state"])})
        if kind != "form":
            raise ValueError(f"kind {kind!r}")
        fields["measurements"] = tuple(
            Measurement(**{**item, "key": PropertyKey.parse(item["key"])}) for item in fields["measurements"]
        )
        fields["refused"] = tuple(Refused(**item) for item in fields["refused"])
        fields["facts"] = {name: tuple(texts) for name, texts in fields["facts"].items()}
        return FormEvent(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(
            f"{where}: not an event of this version ({error!r:.120}); restore the file from a copy"
        ) from error
