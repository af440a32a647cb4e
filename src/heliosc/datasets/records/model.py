"""What travels from a file to the conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from heliosc.datasets.declaration import SourceDeclaration

MAX_RECORD_BYTES = 1 << 20
ItemCheck = Callable[[int], str | None]
"""Called before an item is worked on: the reason not to touch it, or None."""

TOO_LONG = f"record over {MAX_RECORD_BYTES} bytes"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive records of one file, not yet read.

    Attributes
    ----------
    index : number of the chunk within the source
    first_row : record number of the first record, from 1 on, counted through all files of the source
    records : raw bytes of each record, or rows of a typed file
    columns : names of the file's columns, empty where a file has none
    end : (bytes of the source read so far, bytes in all), for the progress
    """

    index: int
    first_row: int
    records: tuple[Any, ...]
    columns: tuple[str, ...]
    end: tuple[int, int]


@dataclass(slots=True)
class RawRows:
    """Readable records of a chunk, as text columns.

    Attributes
    ----------
    rows : record numbers
    cells : column as declared -> its text in each row
    refused : (record number, text, reason) of the others
    """

    rows: list[int] = field(default_factory=list)
    cells: dict[str | int, list[str]] = field(default_factory=dict)
    refused: list[tuple[int, str, str]] = field(default_factory=list)


class RecordFormat(Protocol):
    """A file format.

    Attributes
    ----------
    runs_rdkit : reading a record can hang or crash, and is watched
    """

    runs_rdkit: bool

    def columns(self, file: Path, declaration: SourceDeclaration) -> tuple[str, ...]:
        """Names of the columns; empty where records name their own."""

    def records(self, file: Path, declaration: SourceDeclaration) -> Iterator[tuple[Any, int]]:
        """Each raw record with the number of bytes of the file read so far."""

    def cells(
        self, record: Any, columns: tuple[str, ...], declaration: SourceDeclaration
    ) -> list[str] | dict[str, str]:
        """Cells of one record: by place, or by name where records name their own.

        Raises
        ------
        InputError : the record is unreadable; the text is the reason
        """
