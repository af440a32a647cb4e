"""CSV and its kin, record by record, so that one broken row never reaches its neighbours."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.records.model import MAX_RECORD_BYTES, TOO_LONG
from heliosc.errors import InputError

MAX_LINES_A_RECORD = 50
DAMAGE = (OSError, EOFError, zlib.error)
"""What reading a file that is compressed, but cut off or changed, raises."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class DelimitedFormat:
    """Text with one record a line, cells quoted with ``"``; a cell may hold line breaks; gzip is read as it is."""

    runs_rdkit = False

    def columns(self, file: Path, declaration: SourceDeclaration) -> tuple[str, ...]:
        """The header.

        Raises
        ------
        InputError : the file is empty, compressed but damaged, or its header is not text
        """
        with opened(file) as stream:
            header = next((line for line in _lines(stream) if line.strip()), b"")
        if not header:
            raise InputError(f"{file} is empty; expected a header and one record a line")
        try:
            return tuple(name.strip() for name in _split(header.removeprefix(_BOM), declaration.delimiter))
        except InputError as error:
            raise InputError(f"{file}, header: {error}; expected {declaration.name}'s column names") from error

    def records(self, file: Path, declaration: SourceDeclaration) -> Iterator[tuple[bytes, int]]:
        """Lines that are not blank, joined where a quoted cell goes on.

        Raises
        ------
        InputError : the file cannot be read to its end
        """
        n_columns = len(self.columns(file, declaration))
        with opened(file) as stream:
            is_header = True
            for record in _joined(_lines(stream), n_columns, declaration.delimiter):
                if is_header:
                    is_header = not record.strip()
                elif record.strip():
                    yield record, stream.position()

    def cells(self, record: bytes, columns: tuple[str, ...], declaration: SourceDeclaration) -> list[str]:
        """Cells by place; as many as there are columns.

        Raises
        ------
        InputError : too long, not UTF-8, wrongly quoted, or with another number of cells than the header
        """
        cells = _split(record, declaration.delimiter)
        if (len(cells) != len(columns) and any(cell.strip() for cell in cells[len(columns) :])) or len(cells) < len(
            columns
        ):
            raise InputError(f"{len(cells)} cells; the header has {len(columns)}")
        return cells[: len(columns)]


class _Stream:
    """A binary stream that knows how far the file below it was read (a gzip member hides that)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.raw = file.open("rb")
        is_gzip = self.raw.read(2) == _GZIP
        self.raw.seek(0)
        self.lines: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=self.raw) if is_gzip else self.raw

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: Any) -> None:
        self.lines.close()
        self.raw.close()

    def position(self) -> int:
        return self.raw.tell()


def opened(file: Path) -> _Stream:
    """The file's bytes; gzip is read as what it holds.

    Raises
    ------
    InputError : it cannot be opened
    """
    try:
        return _Stream(file)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}; check the path and permission") from error


def _lines(stream: _Stream) -> Iterator[bytes]:
    """Lines; one over the limit comes as its beginning, longer than the limit by a byte."""
    try:
        while line := stream.lines.readline(MAX_RECORD_BYTES + 1):
            if len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
                while (rest := stream.lines.readline(MAX_RECORD_BYTES)) and not rest.endswith(b"\n"):
                    pass
            yield line
    except DAMAGE as error:
        raise InputError(f"{stream.file} is damaged: {error}; download it again") from error


def _joined(lines: Iterator[bytes], n_columns: int, delimiter: str) -> Iterator[bytes]:
    """Records: a line, or several while a quote is open, if together they make a whole record."""
    waiting: list[bytes] = []
    for line in lines:
        waiting.append(line)
        while waiting:
            n_used = _record_length(waiting, n_columns, delimiter)
            if not n_used:
                break
            yield b"".join(waiting[:n_used])
            waiting = waiting[n_used:]
    for line in waiting:
        yield line


def _record_length(lines: list[bytes], n_columns: int, delimiter: str) -> int:
    """How many of the lines are the next record; 0 = more lines are needed to say."""
    if lines[0].count(b'"') % 2 == 0:
        return 1
    text = lines[0]
    for n_lines, line in enumerate(lines[1:], start=2):
        text += line
        if text.count(b'"') % 2 == 0:
            return n_lines if _is_whole(text, n_columns, delimiter) else 1
    return 1 if len(lines) >= MAX_LINES_A_RECORD or len(text) > MAX_RECORD_BYTES else 0


def _is_whole(text: bytes, n_columns: int, delimiter: str) -> bool:
    try:
        return len(_split(text, delimiter)) == n_columns
    except InputError:
        return False


def _split(record: bytes, delimiter: str) -> list[str]:
    if len(record) > MAX_RECORD_BYTES:
        raise InputError(TOO_LONG)
    try:
        text = record.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: byte {error.start + 1} is 0x{record[error.start]:02x}") from error
    if "\0" in text:
        raise InputError("holds a NUL byte")
    try:
        rows = list(csv.reader([line + "\n" for line in text.split("\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"not a row of delimited text: {error}") from error
    if len(rows) != 1:
        raise InputError("a quote is not closed, or a line break stands outside quotes")
    return rows[0]
