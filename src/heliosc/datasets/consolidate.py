"""Second stage of a merge: the rows of one part from all sources become molecules and long properties.

Rows of one source with the same molecule, property, level of theory and conditions become one value: their median, with
the sample standard deviation and the number of rows kept. Values of different sources or levels are never merged here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.convert import IDENTITY_COLUMNS
from heliosc.datasets.frames import frame_of, pl
from heliosc.datasets.parts import Part
from heliosc.datasets.schema import (
    LIST_SEPARATOR,
    LONG_SCHEMA,
    MOLECULE_SCHEMA,
)
from heliosc.datasets.shards import Shard, read_buckets
from heliosc.datasets.workers import ItemWatch
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey

FORMAT_VERSION = "2"


@dataclass(frozen=True, slots=True)
class SourceShards:
    """All shards of one source."""

    source: str
    folder: Path
    shards: tuple[Shard, ...]


@dataclass(frozen=True, slots=True)
class PartJob:
    """One part to consolidate.

    Attributes
    ----------
    store : folder of the long store
    work : folder for what later stages and later runs need
    """

    part: Part
    sources: tuple[SourceShards, ...]
    store: Path
    work: Path

    @property
    def content(self) -> str:
        """Hash of all that the part is made from."""
        parts = [f"{FORMAT_VERSION} {self.part.buckets}"]
        parts += [
            f"{source.source} {shard.hashes[f'{shard.name}.parquet']}"
            for source in self.sources
            for shard in source.shards
            if not set(self.part.buckets).isdisjoint(shard.buckets)
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MergedPart:
    """A consolidated part.

    Attributes
    ----------
    n_molecules : source -> distinct molecules; the key ``""`` counts each molecule of the part once
    n_values : ``NAME@LEVEL`` -> values in the long store
    """

    name: str
    content: str
    n_molecules: Mapping[str, int]
    n_values: Mapping[str, int]
    hashes: Mapping[str, str]


def stored_part(job: PartJob) -> MergedPart | None:
    """The consolidated part of an earlier run, if it was made from the same shards and its files are whole."""
    try:
        merged = MergedPart(**json.loads(_summary_file(job).read_text()))
        files = (job.part.properties_file(job.store), job.part.identities_file(job.work))
        is_whole = all(merged.hashes[file.name] == _hash(file.read_bytes()) for file in files)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return merged if is_whole and merged.content == job.content else None


def consolidate(job: PartJob, watch: ItemWatch) -> MergedPart:
    """Write the long store and the molecules of one part. Runs in a worker.

    Raises
    ------
    ResourceError : a folder cannot be written
    """
    frames = {source.source: _rows(source, job.part) for source in job.sources}
    values = [_values(frame, source) for source, frame in frames.items() if frame is not None]
    long = pl.concat(values) if values else _empty(LONG_SCHEMA)
    long = long.sort("smiles", "property", "level", "source", "conditions")
    known = [_molecules(frame, source) for source, frame in frames.items() if frame is not None]
    molecules = _united(pl.concat(known)) if known else _empty(MOLECULE_SCHEMA)
    contents = {
        job.part.properties_file(job.store): parquet_bytes(long, LONG_SCHEMA),
        job.part.identities_file(job.work): parquet_bytes(molecules, MOLECULE_SCHEMA),
    }
    for file, content in contents.items():
        write_atomically(file, content)
    counts = {source: frame["smiles"].n_unique() for source, frame in frames.items() if frame is not None}
    keys = long.group_by("property", "level").len().sort("property", "level")
    merged = MergedPart(
        name=job.part.name,
        content=job.content,
        n_molecules=counts | {"": molecules.height},
        n_values={f"{name}@{level}": n for name, level, n in keys.iter_rows()},
        hashes={file.name: _hash(content) for file, content in contents.items()},
    )
    write_atomically(_summary_file(job), json.dumps(asdict(merged), sort_keys=True))
    return merged


def parquet_bytes(frame: pl.DataFrame, schema: pa.Schema) -> bytes:
    """The frame as a Parquet file with exactly this schema."""
    sink = pa.BufferOutputStream()
    pq.write_table(frame.select(schema.names).to_arrow().cast(schema), sink, compression="zstd", row_group_size=65_536)
    return sink.getvalue().to_pybytes()


def _rows(source: SourceShards, part: Part) -> pl.DataFrame | None:
    """Rows of all shards in the order of the source; None without any."""
    tables = [read_buckets(source.folder, shard, part.buckets) for shard in source.shards]
    frames = [frame_of(table) for table in tables if table is not None]
    return pl.concat(frames).sort("smiles", "row") if frames else None


def _values(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    """Long values of one source: the median of the rows of each molecule and key."""
    keys = frame.columns[len(IDENTITY_COLUMNS) :]
    if not keys:
        return _empty(LONG_SCHEMA)
    names = ["smiles", "inchikey", "row", "conditions"]
    long = frame.unpivot(on=keys, index=names, variable_name="key").drop_nulls("value")
    merged = long.group_by("smiles", "key", "conditions", maintain_order=True).agg(
        pl.col("inchikey").first(),
        pl.col("value").median(),
        pl.col("value").std().alias("std"),
        pl.len().cast(pl.Int32).alias("n_rows"),
        pl.col("row").min().alias("first_row"),
    )
    parsed = {key: PropertyKey.parse(key) for key in keys}
    return merged.with_columns(
        pl.col("key").replace_strict({key: k.name for key, k in parsed.items()}).alias("property"),
        pl.col("key").replace_strict({key: k.level for key, k in parsed.items()}).alias("level"),
        pl.col("key").replace_strict({key: k.unit for key, k in parsed.items()}).alias("unit"),
        pl.lit(source).alias("source"),
    ).select(LONG_SCHEMA.names)


def _molecules(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    """Distinct molecules of one source with all their notes."""
    return (
        frame.group_by("smiles", maintain_order=True)
        .agg(pl.col("inchikey").first(), pl.col("kind").first(), pl.col("notes").unique().sort())
        .with_columns(pl.lit(source).alias("sources"))
    )


def _united(molecules: pl.DataFrame) -> pl.DataFrame:
    """Each molecule once, sources and notes as sorted lists."""
    joined = molecules.group_by("smiles").agg(
        pl.col("inchikey").min(),
        pl.col("kind").first(),
        pl.col("sources").unique().sort().str.join(LIST_SEPARATOR),
        pl.col("notes").explode(),
    )
    notes = (
        pl.col("notes")
        .list.join(LIST_SEPARATOR)
        .str.split(LIST_SEPARATOR)
        .list.unique()
        .list.sort()
        .list.join(LIST_SEPARATOR)
        .str.strip_chars_start(LIST_SEPARATOR)
    )
    return joined.with_columns(notes).sort("smiles")


def _empty(schema: pa.Schema) -> pl.DataFrame:
    return frame_of(schema.empty_table())


def _summary_file(job: PartJob) -> Path:
    return job.work / "merged" / f"{job.part.name}.json"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
