"""The books of a merge: what became of every row, which rows were set aside, and what was made from what."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import heliosc
from heliosc.datasets import bulk_descriptors
from heliosc.datasets.consolidate import MergedPart, SourceShards
from heliosc.datasets.locate import SourceFiles
from heliosc.datasets.parts import Part
from heliosc.datasets.schema import MERGE_FILE, QUARANTINE_FILE, QUARANTINE_SCHEMA
from heliosc.errors import ResourceError
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What became of the rows of a source: ``n_rows = n_kept + n_duplicates + n_quarantined``."""

    source: str
    n_rows: int
    n_kept: int
    n_duplicates: int
    n_quarantined: int


def write_quarantine(shards: list[SourceShards], file: Path) -> None:
    """Every row set aside, in the order of sources and rows.

    Raises
    ------
    ResourceError : the file cannot be written
    """
    scratch = file.with_name(f".{file.name}.part")
    try:
        with scratch.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(QUARANTINE_SCHEMA.names)
            for source in shards:
                for shard in source.shards:
                    if shard.n_quarantined:
                        table = pq.read_table(shard.quarantine_file(source.folder))
                        writer.writerows(zip(*table.to_pydict().values(), strict=True))
        scratch.replace(file)
    except OSError as error:
        raise ResourceError(f"cannot write {file}: {error.strerror or error}; free some space and try again") from error
    finally:
        scratch.unlink(missing_ok=True)


def count_rows(source: SourceShards, merged: list[MergedPart]) -> SourceCount:
    """What became of the rows of one source."""
    n_kept = sum(part.n_molecules.get(source.source, 0) for part in merged)
    n_converted = sum(shard.n_kept for shard in source.shards)
    n_quarantined = sum(shard.n_quarantined for shard in source.shards)
    n_rows = sum(shard.n_rows for shard in source.shards)
    if n_rows != n_converted + n_quarantined:
        raise RuntimeError(f"{source.source}: {n_rows} rows became {n_converted} + {n_quarantined}; this is a bug")
    return SourceCount(source.source, n_rows, n_kept, n_converted - n_kept, n_quarantined)


def write_summary(
    sources: Sequence[SourceFiles],
    counts: Sequence[SourceCount],
    parts: Sequence[Part],
    merged: list[MergedPart],
    *,
    store: Path,
    wide_files: Sequence[Path],
) -> None:
    """``merge.json``: counts, declarations, versions, and the hash of every table.

    Raises
    ------
    ResourceError : it cannot be written
    """
    values: Counter[str] = Counter()
    for part in merged:
        values.update(part.n_values)
    tables = [make(store) for part in parts for make in (part.properties_file, part.molecules_file)]
    tables += [store / QUARANTINE_FILE]
    summary: dict[str, Any] = {
        "heliosc": heliosc.__version__,
        "rdkit": _rdkit_version(),
        "descriptors": bulk_descriptors.FINGERPRINT,
        "sources": [asdict(count) for count in counts],
        "declarations": {source.declaration.name: source.declaration.model_dump(mode="json") for source in sources},
        "values": {str(PropertyKey.parse(key)): n for key, n in sorted(values.items())},
        "files": {str(file.relative_to(store)): _hash(file) for file in tables},
        "wide": {file.name: _hash(file) for file in wide_files},
    }
    write_atomically(store / MERGE_FILE, json.dumps(summary, indent=1, sort_keys=True) + "\n")


def _rdkit_version() -> str:
    from rdkit import rdBase

    return str(rdBase.rdkitVersion)


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
