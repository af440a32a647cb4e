"""Measured values as a source of the master table: a CSV with its declaration, read by ``heliosc data merge``.

One row a compound and set of conditions; the columns are ``NAME@LEVEL``, the levels are those of the tier
``experiment``. Conditions, replicates and forms stand beside the values.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import yaml

from heliosc.experiments.outcomes import MeasuredValue
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey

SOURCE = "laboratory"
TABLE_FILE, DECLARATION_FILE = "laboratory.csv", "laboratory.yaml"
_DESCRIPTION = {
    "conditions": "how it was measured, in the laboratory's words",
    "n_replicates": "values behind each mean, by property",
    "std": "of the replicates, by property",
    "forms": "checksums of the returned forms",
}


def write_master_source(folder: Path, values: Iterable[MeasuredValue]) -> tuple[Path, Path] | None:
    """Write ``laboratory.csv`` and ``laboratory.yaml`` and return both; None, and no files, without any value.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    rows: dict[tuple[str, str], dict[PropertyKey, MeasuredValue]] = defaultdict(dict)
    for value in values:
        rows[(value.smiles, value.conditions)][value.key] = value
    table, declaration = folder / TABLE_FILE, folder / DECLARATION_FILE
    if not rows:
        for file in (table, declaration):
            file.unlink(missing_ok=True)
        return None
    keys = sorted({key for row in rows.values() for key in row})
    write_atomically(table, _csv(rows, keys))
    write_atomically(declaration, yaml.safe_dump(_declaration(keys), sort_keys=False))
    return table, declaration


def _csv(rows: dict[tuple[str, str], dict[PropertyKey, MeasuredValue]], keys: list[PropertyKey]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["smiles", *map(str, keys), *_DESCRIPTION])
    for (smiles, conditions), row in sorted(rows.items()):
        numbers = [repr(row[key].value) if key in row else "" for key in keys]
        counts = "; ".join(f"{key}: {row[key].n}" for key in keys if key in row)
        stds = "; ".join(f"{key}: {row[key].std:.6g}" for key in keys if key in row and row[key].std is not None)
        forms = " ".join(dict.fromkeys(form[:16] for key in keys if key in row for form in row[key].forms))
        writer.writerow([smiles, *numbers, _harmless(conditions), counts, stds, forms])
    return stream.getvalue()


def _harmless(text: str) -> str:
    """One line, no formula."""
    line = " ".join(text.split())
    return f"'{line}" if line[:1] in {"=", "+", "-", "@"} else line


def _declaration(keys: list[PropertyKey]) -> dict[str, object]:
    return {
        "name": SOURCE,
        "title": "measured values from returned forms",
        "licence": {"name": "your own"},
        "files": [TABLE_FILE],
        "smiles": ["smiles"],
        "conditions": "conditions",
        "columns": [
            {
                "column": str(key), "property": key.name, "level": key.level, "unit": key.unit, "sign": "same",
                "is_unusual": True,
            }
            for key in keys
        ],
        "ignored": {name: text for name, text in _DESCRIPTION.items() if name != "conditions"},
    }  # fmt: skip
