"""Geometries kept on disk: Parquet parts in a folder, one row a molecule, charge state and level.

Parts are written whole and never changed, so several processes may share a folder. A molecule is known by its InChIKey;
positions are kept to 1e-4 A.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.surrogates.schnet.geometries import (
    FloatArray,
    GeometryProvider,
    IntArray,
    KnownGeometries,
    MissingGeometry,
    MolecularGeometry,
    join_states,
)

RESOLUTION_A = 1e-4
SCHEMA = pa.schema(
    [
        ("inchikey", pa.string()),
        ("state", pa.string()),
        ("level", pa.string()),
        ("atomic_numbers", pa.binary()),
        ("positions", pa.list_(pa.int32())),
    ]
)
_CHUNK = 64  # molecules computed between two writings: what a kill can lose


@dataclass(slots=True)
class GeometryCache:
    """A provider that remembers what another one computed.

    Parameters
    ----------
    folder : where the parts lie; geometries of several levels may share it
    source : asked for what the folder does not have
    """

    folder: Path
    source: GeometryProvider
    _known: dict[str, MolecularGeometry] | None = field(default=None, init=False)

    @property
    def level(self) -> str:
        """Level of theory of the source; others in the folder are left alone."""
        return self.source.level

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        """Geometry of each molecule in all the states, or why there is none; failures are tried again next time.

        Raises
        ------
        InputError : a part of the folder is damaged
        ResourceError : the folder cannot be written
        """
        if self._known is None:
            self._known = join_states(self._read())
        found = KnownGeometries(self.level, self._known).find(smiles, states=states)
        absent = [row for row, entry in enumerate(found) if isinstance(entry, MissingGeometry)]
        for start in range(0, len(absent), _CHUNK):
            rows = absent[start : start + _CHUNK]
            computed = self.source.find([smiles[row] for row in rows], states=states)
            for row, entry in zip(rows, computed, strict=True):
                found[row] = entry
            self._keep([(smiles[row], entry) for row, entry in zip(rows, computed, strict=True)])
        return found

    def _keep(self, computed: Sequence[tuple[str, MolecularGeometry | MissingGeometry]]) -> None:
        new = {
            inchikey(parse_smiles(smiles)): entry for smiles, entry in computed if isinstance(entry, MolecularGeometry)
        }
        if not new or self._known is None:
            return
        data = _encode(new, level=self.level)
        write_atomically(self.folder / f"{hashlib.sha256(data).hexdigest()[:16]}.parquet", data)
        self._known |= new

    def _read(self) -> Iterator[tuple[str, str, IntArray, FloatArray]]:
        for path in sorted(self.folder.glob("*.parquet")):
            try:
                yield from _decode(pq.read_table(path, schema=SCHEMA), level=self.level)
            except (OSError, ValueError, pa.ArrowInvalid) as error:
                raise InputError(
                    f"{path} is damaged ({error}); remove it, its geometries are then computed again"
                ) from error


def _encode(geometries: dict[str, MolecularGeometry], *, level: str) -> bytes:
    rows = [
        (key, state, level, bytes(entry.atomic_numbers.tolist()), np.rint(positions / RESOLUTION_A).astype(int).ravel())
        for key, entry in sorted(geometries.items())
        for state, positions in sorted(entry.positions.items())
    ]
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _decode(table: pa.Table, *, level: str) -> Iterator[tuple[str, str, IntArray, FloatArray]]:
    for row in table.to_pylist():
        if row["level"] == level:
            numbers = np.frombuffer(row["atomic_numbers"], dtype=np.uint8).astype(np.int64)
            positions = np.array(row["positions"], dtype=np.float64).reshape(len(numbers), 3) * RESOLUTION_A
            yield row["inchikey"], row["state"], numbers, positions
