"""Arrays and lines on disk that grow while they are written and are memory-mapped when read; nothing is pickled."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike


class GrowingArray:
    """A one-dimensional ``.npy`` file that is written piece by piece."""

    _HEADER_BYTES = 128  # NumPy pads its header to this and leaves room for the largest count

    def __init__(self, file: Path, dtype: DTypeLike) -> None:
        self._dtype, self._n = np.dtype(dtype), 0
        self._stream = file.open("wb")
        self._write_header()

    def append(self, values: np.ndarray) -> None:
        """(n,) values behind those that are there."""
        self._stream.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self._n += len(values)

    def close(self) -> None:
        """Write the count into the header."""
        self._stream.seek(0)
        self._write_header()
        self._stream.close()

    def _write_header(self) -> None:
        described = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._n,)}
        npy.write_array_header_1_0(self._stream, described)
        if self._stream.tell() != self._HEADER_BYTES:
            raise ValueError(f"NumPy wrote a header of {self._stream.tell()} bytes; expected {self._HEADER_BYTES}")


class LineWriter:
    """Lines of text, and where each begins; use as a context manager."""

    def __init__(self, file: Path, starts: Path) -> None:
        self._stream, self._starts = file.open("wb"), GrowingArray(starts, np.int64)
        self._position = 0
        self._starts.append(np.zeros(1, dtype=np.int64))

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._starts.close()

    def extend(self, lines: Iterable[str]) -> None:
        """Append lines; none may hold a line end."""
        encoded = [line.encode() + b"\n" for line in lines]
        self._stream.write(b"".join(encoded))
        ends = self._position + np.cumsum([len(line) for line in encoded], dtype=np.int64)
        self._starts.append(ends)
        self._position = int(ends[-1]) if len(ends) else self._position


class LineFile(Sequence[str]):
    """What ``LineWriter`` wrote, or its first ``n`` lines, memory-mapped."""

    def __init__(self, file: Path, starts: Path, n: int | None = None) -> None:
        self._starts = np.load(starts, mmap_mode="r")[: None if n is None else n + 1]
        with file.open("rb") as stream:
            is_empty = len(self._starts) == 1
            self._bytes = b"" if is_empty else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        return self._bytes[self._starts[place] : self._starts[place + 1] - 1].decode()
