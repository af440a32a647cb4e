"""The durable state of a screening: one file a finished chunk, and a record of what is being screened.

A part is a Parquet file of predictions whose metadata hold the refused rows and a hash of the rows it was made from; it
is written whole or not at all. So a killed screening loses only the chunks under way, and one that goes on with another
input is noticed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from heliosc.errors import InputError, ResourceError
from heliosc.files import ensure_folder, write_atomically
from heliosc.surrogates.screening.rows import Refusal, Rows

_JOB = "job.json"
_ROWS_HASH, _N_ROWS, _REFUSED = b"rows_hash", b"n_rows", b"refused"


def rows_hash(rows: Rows) -> str:
    """What a chunk was made from."""
    digest = hashlib.sha256()
    for number, text in zip(rows.numbers, rows.smiles, strict=True):
        digest.update(f"{number}\t{text}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a finished part says of itself."""

    rows_hash: str
    n_rows: int
    n_refused: int


@dataclass(frozen=True, slots=True)
class PartsFolder:
    """Where the parts of one screening are kept."""

    folder: Path

    @contextmanager
    def opened(self, identity: Mapping[str, Any], *, fresh: bool) -> Iterator[None]:
        """Hold the folder for one screening, alone.

        Parameters
        ----------
        identity : what must not change between start and resumption
        fresh : forget what is there

        Raises
        ------
        InputError : the parts there are of another screening
        ResourceError : another process is at it, or the folder cannot be written
        """
        ensure_folder(self.folder)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ResourceError(
                    f"another process is writing {self.folder}; wait for it, or write elsewhere"
                ) from error
            if fresh:
                self._clear()
            self._check(identity)
            yield

    def remove(self) -> None:
        """Delete the folder and all parts."""
        self._clear()
        (self.folder / "lock").unlink(missing_ok=True)
        self.folder.rmdir()

    def _clear(self) -> None:
        for path in [*self.folder.glob("part-*.parquet"), *self.folder.glob(".part-*"), self.folder / _JOB]:
            path.unlink(missing_ok=True)

    def _check(self, identity: Mapping[str, Any]) -> None:
        job = self.folder / _JOB
        if not job.exists():
            write_atomically(job, json.dumps(identity, indent=1, sort_keys=True))
            return
        try:
            earlier = json.loads(job.read_text())
        except ValueError as error:
            raise InputError(f"{job} is damaged ({error}); start anew with --fresh") from error
        changed = [name for name in sorted({*earlier, *identity}) if earlier.get(name) != identity.get(name)]
        if changed:
            details = "; ".join(f"{name} was {earlier.get(name)}, is {identity.get(name)}" for name in changed)
            raise InputError(
                f"{self.folder} holds an unfinished screening with other settings ({details}); "
                "repeat the earlier command to finish it, or start anew with --fresh"
            )

    def path(self, index: int) -> Path:
        """File of a chunk."""
        return self.folder / f"part-{index:08d}.parquet"

    def write(self, index: int, *, table: pa.Table, refused: list[Refusal], rows: Rows) -> None:
        """Keep a finished chunk."""
        metadata = {
            _ROWS_HASH: rows_hash(rows).encode(),
            _N_ROWS: str(len(rows.numbers)).encode(),
            _REFUSED: json.dumps([astuple(refusal) for refusal in refused]).encode(),
        }
        sink = pa.BufferOutputStream()
        parquet.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
        write_atomically(self.path(index), sink.getvalue().to_pybytes())

    def finished(self, index: int, rows: Rows) -> PartRecord | None:
        """The record of a finished chunk; None when it is still to be done.

        Raises
        ------
        InputError : the part was made from other rows
        """
        try:
            metadata = parquet.read_schema(self.path(index)).metadata
        except FileNotFoundError:
            return None
        except pa.ArrowInvalid:  # torn by a power cut in spite of all care: done again
            return None
        record = PartRecord(metadata[_ROWS_HASH].decode(), int(metadata[_N_ROWS]), len(json.loads(metadata[_REFUSED])))
        if record.rows_hash != rows_hash(rows):
            raise InputError(
                f"rows {rows.numbers[0]} to {rows.numbers[-1]} of the input have changed since the screening began "
                f"in {self.folder}; restore the input, or start anew with --fresh"
            )
        return record

    def check_count(self, n_chunks: int) -> None:
        """Refuse parts of rows that the input no longer has.

        Raises
        ------
        InputError : there are such parts
        """
        if self.path(n_chunks).exists():
            raise InputError(
                f"the input has become shorter since the screening began in {self.folder}; "
                "restore it, or start anew with --fresh"
            )

    def tables(self, n_chunks: int) -> Iterator[pa.Table]:
        """Predictions, chunk by chunk."""
        for index in range(n_chunks):
            yield parquet.read_table(self.path(index)).replace_schema_metadata(None)

    def refusals(self, n_chunks: int) -> Iterator[Refusal]:
        """Refused rows in input order."""
        for index in range(n_chunks):
            metadata = parquet.read_schema(self.path(index)).metadata
            for row, smiles, reason in json.loads(metadata[_REFUSED]):
                yield Refusal(row, smiles, reason)
