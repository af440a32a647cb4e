"""Forms into the book: each is imported once, kept aside or recorded as unreadable; none is lost or counts twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import InputError
from heliosc.experiments.checking import check_form
from heliosc.experiments.journal import (
    ASIDE,
    IMPORTED,
    UNREADABLE,
    Event,
    FormEvent,
    Journal,
    current_state,
)
from heliosc.experiments.reading.files import read_forms
from heliosc.experiments.reading.form_file import RawForm, read_bytes
from heliosc.experiments.states import State, StateChange, check_transition, successors
from heliosc.files import write_atomically

ALREADY = "already imported"
RETURNED_FOLDER = "returned"
_SUFFIXES = (".csv", ".xlsx", ".eln")


@dataclass(frozen=True, slots=True)
class KnownCandidate:
    """Who a form can be about."""

    id: str
    smiles: str
    inchikey: str


@dataclass(frozen=True, slots=True)
class ImportedForm:
    """What became of one form.

    Attributes
    ----------
    status : ``imported``, ``already imported``, ``aside`` or ``unreadable``
    n_answers : filled-in cells; the sum of values, facts, missing and refused
    """

    origin: str
    status: str
    candidate_id: str | None
    state: State | None
    n_answers: int
    n_values: int
    n_facts: int
    n_missing: int
    n_refused: int
    reason: str


def import_forms(
    files: Sequence[Path], journal: Journal, *, known: Mapping[str, KnownCandidate], who: str, when: str
) -> list[ImportedForm]:
    """Read returned forms into the journal; the same forms again change nothing.

    Parameters
    ----------
    known : candidate id -> candidate
    who : imports them
    when : ISO 8601, UTC

    Raises
    ------
    InputError : a file is not there
    MissingDependencyError : openpyxl is needed and not installed
    ResourceError : the journal cannot be written
    """
    contents = {file: read_bytes(file) for file in files}
    with journal.locked():
        events = list(journal.events())
        before = len(events)
        outcomes = []
        for file, content in contents.items():
            digest = hashlib.sha256(content).hexdigest()
            for found in _forms(file, digest, who=who, when=when):
                event = found if isinstance(found, FormEvent) else _event(found, digest, known, who=who, when=when)
                outcomes.append(_take(event, events, known))
            _keep(journal.folder, file, content, digest)
        journal.append(events[before:])
    return outcomes


def set_state(journal: Journal, candidate_id: str, state: State, *, who: str, when: str, why: str = "") -> StateChange:
    """Write a change of state into the journal.

    Raises
    ------
    InputError : it may not follow the present state, or nobody is named
    ResourceError : the journal cannot be written
    """
    if not who.strip():
        raise InputError("a change of state needs a name; say who with --by")
    with journal.locked():
        check_transition(candidate_id, before=current_state(journal.events(), candidate_id), after=state)
        change = StateChange(candidate_id, state, who.strip(), when, why.strip())
        journal.append([change])
    return change


def _forms(file: Path, digest: str, *, who: str, when: str) -> list[RawForm] | list[FormEvent]:
    try:
        return read_forms(file)
    except InputError as error:
        return [FormEvent(digest, file.name, digest, UNREADABLE, who, when, reason=str(error))]


def _event(form: RawForm, file_digest: str, known: Mapping[str, KnownCandidate], *, who: str, when: str) -> FormEvent:
    checked = check_form(form)
    candidate, reason = _whose(form, known)
    return FormEvent(
        digest=form.digest,
        origin=form.origin,
        file_sha256=file_digest,
        status=IMPORTED if candidate else ASIDE,
        who=who,
        when=when,
        candidate_id=candidate.id if candidate else None,
        smiles=checked.smiles or (candidate.smiles if candidate else None),
        made=checked.made,
        reason=reason,
        facts=checked.facts,
        measurements=checked.measurements,
        refused=checked.refused,
        n_missing=checked.n_missing,
        n_blank=form.n_blank,
    )


def _whose(form: RawForm, known: Mapping[str, KnownCandidate]) -> tuple[KnownCandidate | None, str]:
    """The candidate of a form, or why there is none."""
    name, key = form.first("candidate_id"), form.first("inchikey")
    candidate = known.get(name)
    if candidate is not None and key not in ("", candidate.inchikey):
        return None, f"the form says {name} and {key[:40]}, but {name} is {candidate.inchikey}; correct one of them"
    if candidate is not None:
        return candidate, ""
    same = [item for item in known.values() if key and item.inchikey == key]
    if len(same) == 1:
        return same[0], f"the form says {name or 'no identifier'}; matched by its InChIKey"
    return None, f"no candidate {name or '(no identifier)'} in these runs; import it again where it is known"


def _take(event: FormEvent, events: list[Event], known: Mapping[str, KnownCandidate]) -> ImportedForm:
    """Add a form to the events, unless it is among them, and the state that follows from it."""
    earlier = [e for e in events if isinstance(e, FormEvent) and e.digest == event.digest]
    if any(e.status == event.status or e.status == IMPORTED for e in earlier):
        state = current_state(events, event.candidate_id) if event.candidate_id else None
        return _outcome(event, status=ALREADY, state=state)
    events.append(event)
    if event.candidate_id is None:
        return _outcome(event, status=event.status, state=None)
    now = current_state(events, event.candidate_id)
    reached = _state_reached(event)
    if reached is not None and reached in successors(now):
        why = "; ".join(event.facts.get("failure_reason", ()))
        who = "; ".join(event.facts.get("operator", ())) or event.who
        events.append(StateChange(event.candidate_id, reached, who, event.when, why or f"form {event.origin}"))
        now = reached
    return _outcome(event, status=IMPORTED, state=now)


def _state_reached(event: FormEvent) -> State | None:
    if event.measurements:
        return State.MEASURED
    if event.made in ("failed", "no"):
        return State.FAILED
    return State.MADE if event.made == "yes" else None


def _outcome(event: FormEvent, *, status: str, state: State | None) -> ImportedForm:
    n_facts = sum(len(texts) for texts in event.facts.values())
    n_values, n_refused = len(event.measurements), len(event.refused)
    return ImportedForm(
        event.origin, status, event.candidate_id, state, n_values + n_facts + n_refused + event.n_missing,
        n_values, n_facts, event.n_missing, n_refused, event.reason,
    )  # fmt: skip


def _keep(folder: Path, file: Path, content: bytes, digest: str) -> None:
    """Keep the file as it came, under its checksum."""
    suffix = file.suffix.lower() if file.suffix.lower() in _SUFFIXES else ".bin"
    target = folder / RETURNED_FOLDER / f"{digest[:16]}{suffix}"
    if not target.exists():
        write_atomically(target, content)


def refused_answers(events: Iterable[Event]) -> list[tuple[FormEvent, str, str, str]]:
    """Every answer that was refused: its form, field, text and reason."""
    return [
        (event, item.field, f"{item.text} {item.unit}".strip(), item.reason)
        for event in events
        if isinstance(event, FormEvent)
        for item in event.refused
    ]
