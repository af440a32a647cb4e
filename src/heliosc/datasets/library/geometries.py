"""Optimised geometries in a small Parquet file: atomic numbers as bytes, positions as integers of 1e-4 A."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import ParseError

RESOLUTION_A = 1e-4
SCHEMA = pa.schema(
    [
        ("inchikey", pa.string()),
        ("state", pa.string()),
        ("atomic_numbers", pa.binary()),
        ("positions", pa.list_(pa.int32())),
    ]
)


@dataclass(frozen=True, slots=True)
class StoredGeometry:
    """One charge state of one molecule.

    Attributes
    ----------
    inchikey : of the neutral molecule
    state : ``neutral``, ``cation`` or ``anion``
    symbols : (n_atoms,) element symbols
    positions : (n_atoms, 3), A, rounded to 1e-4 A
    """

    inchikey: str
    state: str
    symbols: tuple[str, ...]
    positions: NDArray[np.float64]

    def to_xyz(self) -> str:
        """XYZ text with four decimals, coordinates in A."""
        atoms = (
            f"{symbol:2s} {x:11.4f} {y:11.4f} {z:11.4f}"
            for symbol, (x, y, z) in zip(self.symbols, self.positions, strict=True)
        )
        return "\n".join((str(len(self.symbols)), f"{self.inchikey} {self.state}", *atoms)) + "\n"


def encode_geometries(rows: Iterable[tuple[str, Mapping[str, str]]]) -> bytes:
    """Parquet bytes of (InChIKey, state -> XYZ text) rows, sorted by key and state.

    Raises
    ------
    ParseError : an XYZ text that cannot be read
    """
    entries = sorted((key, state, *_parse_xyz(xyz)) for key, xyz_of in rows for state, xyz in xyz_of.items())
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, entry, strict=True)) for entry in entries], SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=19,
        use_dictionary=["inchikey", "state", "atomic_numbers"],
        column_encoding={"positions.list.element": "BYTE_STREAM_SPLIT"},
        write_statistics=False,
    )
    return buffer.getvalue()


def decode_geometries(table: pa.Table) -> Iterable[StoredGeometry]:
    """The rows of a stored table, in its order."""
    periodic_table = Chem.GetPeriodicTable()
    for row in table.to_pylist():
        symbols = tuple(periodic_table.GetElementSymbol(number) for number in row["atomic_numbers"])
        positions = np.array(row["positions"], dtype=np.float64).reshape(-1, 3) * RESOLUTION_A
        yield StoredGeometry(row["inchikey"], row["state"], symbols, positions)


def _parse_xyz(text: str) -> tuple[bytes, list[int]]:
    """Atomic numbers and flat integer positions of an XYZ text."""
    lines = text.splitlines()
    periodic_table = Chem.GetPeriodicTable()
    try:
        n_atoms = int(lines[0])
        fields = [line.split() for line in lines[2 : 2 + n_atoms]]
        numbers = bytes(periodic_table.GetAtomicNumber(field[0]) for field in fields)
        positions = np.array([[float(value) for value in field[1:4]] for field in fields])
    except (IndexError, ValueError, RuntimeError) as error:
        raise ParseError(f"not an XYZ text: {error}; first line {text[:40]!r}") from error
    if n_atoms < 1 or positions.shape != (n_atoms, 3) or not np.isfinite(positions).all():
        raise ParseError(f"XYZ text announces {n_atoms} atoms but holds coordinates of shape {positions.shape}")
    return numbers, [int(value) for value in np.rint(positions / RESOLUTION_A).ravel()]
