"""SMILES files of any size, row by row: CSV, lists and Parquet, compressed or not, never held in memory."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from heliosc.datasets.csv_source import LIST_SUFFIXES, SMILES_COLUMNS
from heliosc.errors import InputError

PARQUET_SUFFIXES = (".parquet", ".pq")
_GZIP_SUFFIX = ".gz"
_PARQUET_BATCH = 8_192
_SAMPLE_BYTES = 65_536


class MoleculeStream:
    """The rows of a SMILES file.

    Iterating gives (row number, SMILES): line numbers of text files, counting the header, and rows from 1 of Parquet.
    A second iteration starts from the beginning.

    Parameters
    ----------
    column : name of the SMILES column; none = the one that is called so

    Raises
    ------
    InputError : the file is absent, empty, or has no SMILES column or several
    """

    def __init__(self, file: Path, *, column: str | None = None) -> None:
        self.file = file
        self._position: IO[bytes] | None = None
        self._n_rows_seen = 0
        suffixes = [suffix.lower() for suffix in file.suffixes]
        self._is_gzip = suffixes[-1:] == [_GZIP_SUFFIX]
        suffix = next(iter(suffixes[-2:] if self._is_gzip else suffixes[-1:]), "")
        self._is_parquet = suffix in PARQUET_SUFFIXES
        self._is_list = suffix in LIST_SUFFIXES
        self._size = self._file_size()
        self._n_rows = 0
        if self._is_parquet:
            self._column = self._parquet_column(column)
        elif not self._is_list:
            self._delimiter, header = self._csv_header()
            self._column = _choose(header, column, file)
            self._column_index = header.index(self._column)
        elif column is not None:
            raise InputError(f"{file} is a list of SMILES without columns; leave out the column {column!r}")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        if self._is_parquet:
            return self._parquet_rows()
        return self._list_rows() if self._is_list else self._csv_rows()

    @property
    def fraction_read(self) -> float:
        """Share of the file that the running iteration has read, 0 to 1."""
        if self._is_parquet:
            return self._n_rows_seen / max(self._n_rows, 1)
        if self._position is None or self._position.closed:
            return 1.0 if self._position is not None else 0.0
        return min(1.0, self._position.tell() / max(self._size, 1))

    def _file_size(self) -> int:
        try:
            size = self.file.stat().st_size
            with self.file.open("rb"):
                pass
        except OSError as error:
            raise InputError(f"cannot read {self.file}: {error.strerror or error}; check the path") from error
        if not size:
            raise InputError(f"{self.file} is empty; expected a header with a SMILES column and one molecule a row")
        return size

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        with self.file.open("rb") as raw:
            self._position = raw
            binary: Any = gzip.GzipFile(fileobj=raw) if self._is_gzip else raw
            # a byte that is not text spoils one SMILES, which is then refused by itself
            yield io.TextIOWrapper(binary, encoding="utf-8-sig", errors="replace", newline="")

    def _csv_header(self) -> tuple[str, list[str]]:
        try:
            with self._text() as text:
                sample = text.read(_SAMPLE_BYTES)
        except (OSError, EOFError) as error:
            raise InputError(f"{self.file} is damaged: {error}; unpack or download it again") from error
        first_line = next((line for line in sample.splitlines() if line.strip()), "")
        if not first_line:
            raise InputError(f"{self.file} is empty; expected a header with a SMILES column and one molecule a row")
        delimiter = max(",;\t", key=first_line.count)
        return delimiter, [name.strip() for name in next(csv.reader([first_line], delimiter=delimiter))]

    def _csv_rows(self) -> Iterator[tuple[int, str]]:
        with self._text() as text:
            reader = csv.reader((line.replace("\0", "\ufffd") for line in text), delimiter=self._delimiter)
            is_header = True
            index = self._column_index
            try:
                for cells in reader:
                    if not any(cells) or not any(map(str.strip, cells)):
                        continue
                    if is_header:
                        is_header = False
                        continue
                    yield reader.line_num, cells[index].strip() if index < len(cells) else ""
            except (csv.Error, OSError, EOFError) as error:
                raise InputError(
                    f"{self.file}, line {reader.line_num}: cannot be read on ({error}); mend the file"
                ) from error

    def _list_rows(self) -> Iterator[tuple[int, str]]:
        """One SMILES a line, perhaps with a name behind it; ``#`` starts a comment line."""
        number = 0
        with self._text() as text:
            try:
                for number, line in enumerate(text, start=1):
                    fields = line.split(maxsplit=1)
                    is_header = number == 1 and bool(fields) and fields[0].lower() in SMILES_COLUMNS
                    if fields and not line.startswith("#") and not is_header:
                        yield number, fields[0]
            except (OSError, EOFError) as error:
                raise InputError(f"{self.file}, line {number}: cannot be read on ({error}); mend the file") from error

    def _parquet_column(self, column: str | None) -> str:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.file) as table:
                self._n_rows = table.metadata.num_rows
                name = _choose(table.schema_arrow.names, column, self.file)
                kind = table.schema_arrow.field(name).type
        except pa.ArrowInvalid as error:
            raise InputError(f"{self.file} is not a Parquet file ({error})") from error
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise InputError(f"{self.file}: column {name!r} holds {kind}; expected text")
        return name

    def _parquet_rows(self) -> Iterator[tuple[int, str]]:
        from pyarrow import parquet

        self._n_rows_seen = 0
        with parquet.ParquetFile(self.file) as table:
            for batch in table.iter_batches(_PARQUET_BATCH, columns=[self._column]):
                for text in batch.column(0).to_pylist():
                    self._n_rows_seen += 1
                    yield self._n_rows_seen, (text or "").strip()


def _choose(names: list[str], column: str | None, file: Path) -> str:
    shown = ", ".join(names)[:200]
    if column is not None:
        if names.count(column) != 1:
            raise InputError(f"{file} has {names.count(column)} columns {column!r}; its columns are {shown}")
        return column
    found = [name for name in names if name.lower() in SMILES_COLUMNS]
    if not found:
        raise InputError(
            f"{file} has no SMILES column; its columns are {shown}; name it with --column "
            "(or give a .smi file with one SMILES a line)"
        )
    if len(found) > 1:
        raise InputError(f"{file} has several SMILES columns, {', '.join(found)}; name one with --column")
    return found[0]
