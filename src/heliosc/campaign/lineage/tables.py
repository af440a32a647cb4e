"""Lineage of known values: rows of the master table with their sources, labels of the embedded library."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from heliosc.campaign.lineage.origin import Origin, known_facts
from heliosc.datasets.library.labels import LABELS_FILE
from heliosc.datasets.library.load import library_folder
from heliosc.datasets.schema import MERGE_FILE, POLYMERS_FOLDER, PROPERTIES_FOLDER
from heliosc.errors import ParseError
from heliosc.properties import PropertyKey

Wanted = Callable[[PropertyKey], bool]


def master_values(store: Path, *, column: str, text: str, wanted: Wanted) -> Iterator[Origin]:
    """What the master table knows of a molecule, source by source.

    Parameters
    ----------
    column : ``smiles`` or ``inchikey``, in which ``text`` is looked for

    Raises
    ------
    ParseError : ``merge.json`` is damaged
    """
    if not (store / MERGE_FILE).exists():
        return
    books = _books(store)
    of_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in (
        *sorted((store / PROPERTIES_FOLDER).glob("*.parquet")),
        store / POLYMERS_FOLDER / "properties.parquet",
    ):
        if file.exists():
            found = ds.dataset(file).to_table(filter=ds.field(column) == text)
            for row in found.to_pylist():
                if wanted(PropertyKey(row["property"], row["level"])):
                    of_source[row["source"]].append({**row, "table": str(file.relative_to(store))})
    for source, rows in sorted(of_source.items()):
        yield _source(source, rows, books)


def _source(source: str, rows: list[dict[str, Any]], books: dict[str, Any]) -> Origin:
    declared = books.get("declarations", {}).get(source, {})
    counts: dict[str, Any] = next((entry for entry in books.get("sources", []) if entry["source"] == source), {})
    facts = known_facts(
        title=declared.get("title"),
        licence=(declared.get("licence") or {}).get("name"),
        reference=declared.get("reference"),
        files=declared.get("files"),
        rows=counts.get("n_rows"),
        rows_set_aside=counts.get("n_quarantined"),
        merged_by=f"heliosc {books.get('heliosc')}, rdkit {books.get('rdkit')}",
    )
    values = tuple(
        Origin(
            "value",
            f"{row['property']}@{row['level']}",
            known_facts(
                value=row["value"], unit=row["unit"], level=row["level"], std=row["std"], n_rows=row["n_rows"],
                first_row=row["first_row"], table=row["table"], table_sha256=books.get("files", {}).get(row["table"]),
            ),
        )
        for row in rows
    )  # fmt: skip
    return Origin("data set", source, facts, values)


def library_values(*, column: str, text: str, wanted: Wanted) -> Iterator[Origin]:
    """What the embedded library knows of a molecule, calculation by calculation."""
    table = pq.read_table(library_folder() / LABELS_FILE, filters=[(column, "==", text)])
    rows = [row for row in table.to_pylist() if wanted(PropertyKey(row["property"], row["level"]))]
    if not rows:
        return
    first = rows[0]
    facts = known_facts(
        program=first["program"],
        version=first["program_version"],
        wall_time_s=first["wall_time_s"],
        flags=first["flags"],
    )
    values = tuple(
        Origin(
            "value",
            f"{row['property']}@{row['level']}",
            {"value": row["value"], "unit": row["unit"], "level": row["level"]},
        )
        for row in rows
    )
    calculation = Origin("calculation", f"{first['program']} {first['program_version']}", facts, values)
    yield Origin("data set", "embedded library", {"file": LABELS_FILE}, (calculation,))


def _books(store: Path) -> dict[str, Any]:
    file = store / MERGE_FILE
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ParseError(f"{file} is damaged ({error}); `heliosc data merge` writes it again") from error
