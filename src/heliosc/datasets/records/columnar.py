"""Parquet files: typed columns, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.declaration import SourceDeclaration
from heliosc.errors import InputError

_BATCH_ROWS = 16_384


class ParquetFormat:
    """One record a row; numbers stay exact on their way through text."""

    runs_rdkit = False

    def columns(self, file: Path, declaration: SourceDeclaration) -> tuple[str, ...]:
        """Names of the columns.

        Raises
        ------
        InputError : not a Parquet file
        """
        return tuple(_opened(file).schema_arrow.names)

    def records(self, file: Path, declaration: SourceDeclaration) -> Iterator[tuple[tuple[Any, ...], int]]:
        """Rows as tuples.

        Raises
        ------
        InputError : the file is damaged
        """
        parquet = _opened(file)
        size, n_rows, done = file.stat().st_size, max(1, parquet.metadata.num_rows), 0
        try:
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
                columns = [column.to_pylist() for column in batch.columns]
                for row in zip(*columns, strict=True):
                    done += 1
                    yield row, size * done // n_rows
        except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            raise InputError(f"{file} is damaged after row {done}: {error}") from error

    def cells(self, record: tuple[Any, ...], columns: tuple[str, ...], declaration: SourceDeclaration) -> list[str]:
        """Cells by place.

        Raises
        ------
        InputError : a cell of bytes that is not UTF-8
        """
        return [_text(value) for value in record]


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file} is not a readable Parquet file: {error}") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8: byte {error.start + 1} is 0x{value[error.start]:02x}") from error
    return repr(value) if isinstance(value, float) else str(value)
