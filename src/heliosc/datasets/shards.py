"""First stage of a merge: each chunk of a source becomes a shard, written once, found again by its content.

A shard is ``NNNNNN.parquet`` (standard molecules with values, one row group a bucket), ``NNNNNN.quarantine.parquet``
and, written last, ``NNNNNN.json`` with counts and hashes. A shard whose JSON matches the chunk, the declaration and its
own files is kept on the next run.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.convert import IDENTITY_COLUMNS, convert
from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.frames import pl
from heliosc.datasets.quarantine import MAX_REASON, MAX_TEXT, RefusedRow, printable
from heliosc.datasets.records.model import Chunk
from heliosc.datasets.schema import QUARANTINE_SCHEMA
from heliosc.datasets.workers import ItemWatch
from heliosc.files import write_atomically

FORMAT_VERSION = "2"
"""Raised when a chunk would convert otherwise, so that stored shards are made again."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One chunk to convert, and where its shard goes."""

    chunk: Chunk
    declaration: SourceDeclaration
    folder: Path
    content: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished shard, as its JSON says.

    Attributes
    ----------
    content : hash of what it was made from
    n_rows, n_kept, n_quarantined : records in, rows written, rows set aside
    buckets : of the row groups, in their order
    medians : key -> (number of values, median), to recognise a column in another unit
    hashes : file name -> sha256
    """

    name: str
    content: str
    n_rows: int
    n_kept: int
    n_quarantined: int
    buckets: tuple[int, ...]
    medians: Mapping[str, tuple[int, float]]
    hashes: Mapping[str, str]

    def data_file(self, folder: Path) -> Path:
        return folder / f"{self.name}.parquet"

    def quarantine_file(self, folder: Path) -> Path:
        return folder / f"{self.name}.quarantine.parquet"


def shard_job(chunk: Chunk, declaration: SourceDeclaration, folder: Path) -> ShardJob:
    """The job of a chunk; its content hash covers the records, the declaration and the code's format version."""
    digest = hashlib.sha256(f"{FORMAT_VERSION}\n{declaration.model_dump_json()}\n{chunk.first_row}\n".encode())
    for name in chunk.columns:
        digest.update(name.encode() + b"\0")
    for record in chunk.records:
        digest.update(record if isinstance(record, bytes) else repr(record).encode())
    return ShardJob(chunk, declaration, folder, digest.hexdigest())


def stored_shard(job: ShardJob) -> Shard | None:
    """The finished shard of a job, if its files are whole."""
    file = job.folder / f"{_name(job.chunk)}.json"
    try:
        shard = Shard(**_tupled(json.loads(file.read_text())))
        is_whole = all(_hash((job.folder / name).read_bytes()) == digest for name, digest in shard.hashes.items())
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return shard if is_whole and shard.content == job.content else None


def make_shard(job: ShardJob, watch: ItemWatch) -> Shard:
    """Convert a chunk and write its shard. Runs in a worker.

    Raises
    ------
    InputError : the file does not fit its declaration
    ResourceError : the folder cannot be written
    """
    converted = convert(job.chunk, job.declaration, watch)
    watch.rest()
    data, buckets = _row_groups(converted.frame)
    contents = {
        f"{_name(job.chunk)}.parquet": data,
        f"{_name(job.chunk)}.quarantine.parquet": _quarantine_bytes(converted.refused, job.declaration.name),
    }
    for name, content in contents.items():
        write_atomically(job.folder / name, content)
    shard = Shard(
        name=_name(job.chunk),
        content=job.content,
        n_rows=len(job.chunk.records),
        n_kept=converted.frame.height,
        n_quarantined=len(converted.refused),
        buckets=buckets,
        medians=_medians(converted.frame),
        hashes={name: _hash(content) for name, content in contents.items()},
    )
    write_atomically(job.folder / f"{shard.name}.json", json.dumps(asdict(shard), sort_keys=True))
    return shard


def read_buckets(folder: Path, shard: Shard, buckets: Sequence[int]) -> pa.Table | None:
    """Rows of some buckets of a shard, or None."""
    groups = [group for group, bucket in enumerate(shard.buckets) if bucket in buckets]
    if not groups:
        return None
    with pq.ParquetFile(shard.data_file(folder)) as file:
        return file.read_row_groups(groups)


def _row_groups(frame: pl.DataFrame) -> tuple[bytes, tuple[int, ...]]:
    buffer = io.BytesIO()
    table = frame.to_arrow()
    buckets = frame["bucket"].unique(maintain_order=True).to_list()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        for start, length in _runs(frame["bucket"].to_list()):
            writer.write_table(table.slice(start, length))
    return buffer.getvalue(), tuple(buckets)


def _runs(values: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index in range(1, len(values) + 1):
        if index == len(values) or values[index] != values[start]:
            yield start, index - start
            start = index


def _medians(frame: pl.DataFrame) -> dict[str, tuple[int, float]]:
    medians = {}
    for name in frame.columns[len(IDENTITY_COLUMNS) :]:
        values = frame[name].drop_nulls()
        if len(values):
            medians[name] = (len(values), float(values.median()))  # type: ignore[arg-type]
    return medians


def _quarantine_bytes(refused: list[RefusedRow], source: str) -> bytes:
    rows = [
        {
            "source": source,
            "row": refusal.row,
            "text": printable(refusal.text, MAX_TEXT),
            "reason": printable(refusal.reason, MAX_REASON),
            "next_step": refusal.next_step,
        }
        for refusal in refused
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=QUARANTINE_SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def _name(chunk: Chunk) -> str:
    return f"{chunk.index:06d}"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tupled(data: dict[str, Any]) -> dict[str, Any]:
    return data | {
        "buckets": tuple(data["buckets"]),
        "medians": {name: tuple(pair) for name, pair in data["medians"].items()},
    }
