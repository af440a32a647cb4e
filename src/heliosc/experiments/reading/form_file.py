"""A returned form: field names with what stands in their cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import InputError

MAX_FILE_BYTES = 50_000_000
MAX_CELL = 20_000
MAX_ROWS = 2_000
MAX_REPLICATES = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands in a value cell and in the unit cell beside it."""

    text: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RawForm:
    """One form.

    Attributes
    ----------
    origin : file name, with the place inside it where it holds several
    answers : field -> its values, the replicates in order; fields without any text are left out
    n_blank : fields that were left empty
    """

    origin: str
    answers: Mapping[str, tuple[Answer, ...]]
    n_blank: int

    @property
    def digest(self) -> str:
        """Identity of what was answered, whatever the format it came in."""
        content = {field: [(a.text, a.unit) for a in answers] for field, answers in sorted(self.answers.items())}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def first(self, field: str) -> str:
        """Text of the first value of a field, empty where there is none."""
        answers = self.answers.get(field, ())
        return answers[0].text if answers else ""


def form_of_rows(rows: Iterable[list[str]], *, origin: str) -> RawForm:
    """A form from a table with the columns field, value, unit and perhaps value_2, value_3, ...

    Raises
    ------
    InputError : no such columns, or far more rows than a form has
    """
    numbered = iter(rows)
    header = [cell.strip().lower() for cell in next(numbered, [])]
    if "field" not in header or "value" not in header:
        raise InputError(
            f"{origin}: the first row is {', '.join(header)[:120] or 'empty'}; expected the columns field, value, unit "
            "of the return form"
        )
    field_at, unit_at = header.index("field"), header.index("unit") if "unit" in header else None
    values_at = [i for i, name in enumerate(header) if name == "value" or name.startswith("value_")][:MAX_REPLICATES]
    answers: dict[str, tuple[Answer, ...]] = {}
    n_blank = 0
    for number, row in enumerate(numbered, start=2):
        if number > MAX_ROWS:
            raise InputError(f"{origin} has more than {MAX_ROWS} rows; expected a return form")
        name = _cell(row, field_at).lower()
        if not name:
            continue
        unit = _cell(row, unit_at)
        given = tuple(Answer(text, unit) for at in values_at if (text := _cell(row, at)))
        if given:
            answers[name] = answers.get(name, ()) + given
        else:
            n_blank += 1
    return RawForm(origin, answers, n_blank)


def read_bytes(path: Path) -> bytes:
    """The content of a file of bearable size.

    Raises
    ------
    InputError : unreadable, or too large to be a form
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputError(f"{path} has {size} bytes; a returned form has less than {MAX_FILE_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the path and permission") from error


def _cell(row: list[str], at: int | None) -> str:
    """Text of a cell; the apostrophe that keeps spreadsheets from calculating is taken off."""
    text = printable(row[at]).strip() if at is not None and at < len(row) else ""
    return text[1:].strip() if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text


def printable(text: str) -> str:
    """Text of bearable length without what moves a terminal's cursor or turns the direction of writing."""
    return "".join(character for character in text[:MAX_CELL] if character.isprintable() or character in "\n\t")
