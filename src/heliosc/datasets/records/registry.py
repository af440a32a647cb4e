"""The file formats, and how the files of a source become chunks of records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.records.columnar import ParquetFormat
from heliosc.datasets.records.delimited import DelimitedFormat
from heliosc.datasets.records.model import Chunk, ItemCheck, RawRows, RecordFormat
from heliosc.datasets.records.qm9 import Qm9Format
from heliosc.datasets.records.structures import SdfFormat
from heliosc.errors import InputError

FORMATS: dict[str, RecordFormat] = {
    "csv": DelimitedFormat(),
    "sdf": SdfFormat(),
    "parquet": ParquetFormat(),
    "qm9_xyz": Qm9Format(),
}
CHUNK_ROWS = 10_000
CHUNK_BYTES = 32 << 20


def read_chunks(files: Sequence[Path], declaration: SourceDeclaration, *, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Records of all files in their order; a chunk never spans two files.

    Raises
    ------
    InputError : a file is unreadable or lacks a declared column
    """
    reader = FORMATS[declaration.format]
    total = sum(file.stat().st_size for file in files)
    index, first_row, before = 0, 1, 0
    for file in files:
        columns = reader.columns(file, declaration)
        resolve_columns(columns, declaration, origin=str(file))
        records: list[Any] = []
        end = size = 0
        for record, end in reader.records(file, declaration):
            records.append(record)
            size += len(record)
            if len(records) == n_rows or size > CHUNK_BYTES:
                yield Chunk(index, first_row, tuple(records), columns, (before + end, total))
                index, first_row, records, size = index + 1, first_row + len(records), [], 0
        if records:
            yield Chunk(index, first_row, tuple(records), columns, (before + end, total))
            index, first_row = index + 1, first_row + len(records)
        before += file.stat().st_size


def read_rows(chunk: Chunk, declaration: SourceDeclaration, check: ItemCheck = lambda item: None) -> RawRows:
    """Cells of every readable record, and the reason of each other.

    Parameters
    ----------
    check : asked before each record whose reading runs RDKit; these items are numbered -2, -3, ... so that they differ
        from those of the standardisation

    Raises
    ------
    InputError : the whole file does not fit its declaration
    """
    reader = FORMATS[declaration.format]
    wanted = resolve_columns(chunk.columns, declaration, origin=declaration.name)
    raw = RawRows(cells={column: [] for column in wanted})
    named: set[str] = set()
    for row, record in enumerate(chunk.records, start=chunk.first_row):
        refusal = check(chunk.first_row - row - 2) if reader.runs_rdkit else None
        if refusal is not None:
            raw.refused.append((row, _excerpt(record), refusal))
            continue
        try:
            cells = reader.cells(record, chunk.columns, declaration)
        except InputError as error:
            raw.refused.append((row, _excerpt(record), str(error)))
            continue
        raw.rows.append(row)
        for column, place in wanted.items():
            raw.cells[column].append(cells.get(str(column), "") if isinstance(cells, dict) else cells[place])
        named.update(cells if isinstance(cells, dict) else ())
    absent = [str(name) for name in wanted if name not in named]
    if chunk.index == 0 and not chunk.columns and raw.rows and absent:
        raise InputError(
            f"no record of {declaration.name} has {', '.join(absent)}; found {', '.join(sorted(named))[:300]}"
        )
    return raw


def resolve_columns(columns: tuple[str, ...], declaration: SourceDeclaration, *, origin: str) -> dict[str | int, int]:
    """Every declared column with its place in a record (0 where records name their own columns).

    Raises
    ------
    InputError : the file lacks one, or has two of that name
    """
    wanted = [smiles_column(columns, declaration, origin=origin)]
    for column in declaration.columns:
        wanted += [name for name in (column.column, column.minus, *column.where) if name is not None]
    for identity in declaration.identities:
        wanted += [identity.total, *(part.removeprefix("-") for part in identity.parts)]
    if declaration.kind is not None:
        wanted.append(declaration.kind.column)
    if declaration.conditions is not None:
        wanted.append(declaration.conditions)
    return {name: _place(name, columns, origin) for name in wanted}


def smiles_column(columns: tuple[str, ...], declaration: SourceDeclaration, *, origin: str) -> str | int:
    """The first declared SMILES column that the file has.

    Raises
    ------
    InputError : it has none of them
    """
    for name in declaration.smiles:
        if not columns or isinstance(name, int) or name in columns:
            return name
    wanted = " or ".join(map(str, declaration.smiles))
    other = next((mark for mark in (";", "\t", ",") if len(columns) == 1 and mark in columns[0]), None)
    hint = f". Is {other!r} between the columns? Then declare delimiter: {json.dumps(other)}" if other else ""
    raise InputError(f"{origin} has no column {wanted}; its columns are {', '.join(columns)[:300]}{hint}")


def _place(name: str | int, columns: tuple[str, ...], origin: str) -> int:
    if not columns:
        return 0
    if isinstance(name, int):
        if name == 0 or abs(name) > len(columns):
            raise InputError(f"{origin} has {len(columns)} columns, none at place {name}; places count from 1, or -1")
        return name - 1 if name > 0 else len(columns) + name
    if name not in columns:
        raise InputError(f"{origin} has no column {name!r}; its columns are {', '.join(columns)[:300]}")
    if columns.count(name) > 1:
        places = ", ".join(str(place) for place, other in enumerate(columns, start=1) if other == name)
        raise InputError(f"{origin} has several columns {name!r} (places {places}); name the one meant by its place")
    return columns.index(name)


def _excerpt(record: Any) -> str:
    text = record[:200].decode("utf-8", errors="replace") if isinstance(record, bytes) else str(record)[:200]
    return text
