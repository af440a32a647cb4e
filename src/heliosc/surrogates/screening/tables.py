"""Results as one file: CSV or Parquet, written as a stream and put in place whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from pyarrow import compute, parquet
from pyarrow import csv as arrow_csv

from heliosc.errors import InputError
from heliosc.files import file_written_atomically
from heliosc.surrogates.screening.rows import Refusal

QUARANTINE_COLUMNS = ("row", "smiles", "reason")
_DECIMALS = 5
_SUFFIXES = (".csv", ".parquet")


def check_output(out: Path) -> None:
    """Refuse an output format before the work begins.

    Raises
    ------
    InputError : neither CSV nor Parquet
    """
    if out.suffix.lower() not in _SUFFIXES:
        raise InputError(f"cannot write {out}: expected a name that ends in {' or '.join(_SUFFIXES)}")


def write_table(tables: Iterable[pa.Table], out: Path) -> None:
    """Write tables of equal columns one behind the other.

    Raises
    ------
    ResourceError : the place cannot be written
    """
    with file_written_atomically(out) as scratch:
        if out.suffix.lower() == ".parquet":
            _write_parquet(tables, scratch)
        else:
            with scratch.open("wb") as stream:
                write_csv(tables, stream)


def _write_parquet(tables: Iterable[pa.Table], path: Path) -> None:
    writer: parquet.ParquetWriter | None = None
    try:
        for table in tables:
            if writer is None:
                writer = parquet.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def write_csv(tables: Iterable[pa.Table], stream: IO[bytes]) -> None:
    """Write tables of equal columns as one CSV, numbers with five decimals."""
    for index, table in enumerate(map(rounded, tables)):
        if not index:
            stream.write((",".join(table.column_names) + "\n").encode())
        needs_quotes = compute.any(compute.match_substring_regex(table["smiles"], '[,"\r\n]')).as_py()
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="needed" if needs_quotes else "none")
        arrow_csv.write_csv(table, stream, options)


def rounded(table: pa.Table) -> pa.Table:
    """The table as people read it: SMILES first, numbers with five decimals."""
    columns = {"smiles": table["smiles"], "row": table["row"]}
    for name in table.column_names[2:]:
        columns[name] = compute.round(compute.cast(table[name], pa.float64()), _DECIMALS)
    return pa.table(columns)


def write_quarantine(refusals: Iterable[Refusal], path: Path) -> None:
    """Write refused rows with their reasons as CSV; without any, an earlier file is removed.

    Raises
    ------
    ResourceError : the place cannot be written
    """
    iterator = iter(refusals)
    first = next(iterator, None)
    if first is None:
        path.unlink(missing_ok=True)
        return
    with file_written_atomically(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(QUARANTINE_COLUMNS)
        writer.writerows(_cells(first, iterator))


def _cells(first: Refusal, others: Iterator[Refusal]) -> Iterator[tuple[int, str, str]]:
    yield first.row, first.smiles, first.reason
    for refusal in others:
        yield refusal.row, refusal.smiles, refusal.reason
