"""Forms in an ``.eln`` (RO-Crate): return forms among its files, or fields that the notebook kept as metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from heliosc.errors import InputError
from heliosc.experiments.reading.archives import opened_archive, read_entry
from heliosc.experiments.reading.csv_form import csv_form
from heliosc.experiments.reading.form_file import Answer, RawForm, printable
from heliosc.experiments.reading.xlsx_form import xlsx_form

METADATA = "ro-crate-metadata.json"
_FORM_ENDINGS = ("return_form.csv", "return_form.xlsx")
_PROPERTY_VALUE = "PropertyValue"


def eln_forms(content: bytes, *, origin: str) -> list[RawForm]:
    """Every form that somebody filled in; a form of the hand-off that came back empty is none.

    Raises
    ------
    InputError : damaged, dangerous, no RO-Crate, or no form in it
    """
    with opened_archive(content, origin=origin) as archive:
        metadata = _metadata(archive.namelist(), origin)
        graph = _graph(read_entry(archive, metadata, origin=origin), origin)
        forms = [
            (csv_form if name.lower().endswith(".csv") else xlsx_form)(
                read_entry(archive, name, origin=origin), origin=f"{origin}:{printable(PurePosixPath(name).name)}"
            )
            for name in sorted(archive.namelist())
            if name.lower().endswith(_FORM_ENDINGS)
        ]
    forms += _described_forms(graph, origin)
    filled = [form for form in forms if set(form.answers) - {"candidate_id", "smiles", "inchikey"}]
    if not filled:
        raise InputError(f"{origin} holds no filled-in return form; expected a file ending in {_FORM_ENDINGS[0]}")
    return filled


def _metadata(names: Iterable[str], origin: str) -> str:
    found = [name for name in names if PurePosixPath(name).name == METADATA]
    if not found:
        raise InputError(f"{origin} has no {METADATA}; expected an .eln file (RO-Crate)")
    return min(found, key=lambda name: name.count("/"))


def _graph(content: bytes, origin: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(content)
        graph = document["@graph"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{origin}: {METADATA} is no RO-Crate ({error!r:.100})") from error
    if not isinstance(graph, list):
        raise InputError(f"{origin}: {METADATA} has no list @graph; expected an RO-Crate")
    return [entity for entity in graph if isinstance(entity, Mapping)]


def _described_forms(graph: list[Mapping[str, Any]], origin: str) -> list[RawForm]:
    """Forms from ``variableMeasured`` of the datasets, as electronic notebooks export their extra fields."""
    values = {str(e.get("@id")): e for e in graph if e.get("@type") == _PROPERTY_VALUE}
    forms = []
    for entity in graph:
        measured = entity.get("variableMeasured")
        listed = measured if isinstance(measured, list) else [measured] if measured else []
        found = [values.get(str(item.get("@id")), item) for item in listed if isinstance(item, Mapping)]
        answers: dict[str, tuple[Answer, ...]] = {}
        for item in found:
            field, text = str(item.get("propertyID", item.get("name", ""))).strip().lower(), item.get("value")
            if field and text not in (None, ""):
                unit = printable(str(item.get("unitText", "")))
                answers[field] = (*answers.get(field, ()), Answer(printable(str(text)).strip(), unit))
        if answers:
            forms.append(RawForm(f"{origin}:{printable(str(entity.get('name', 'dataset')))[:80]}", answers, 0))
    return forms
