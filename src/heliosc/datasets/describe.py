"""Third stage of a merge: descriptors of every molecule, computed once and kept for later merges."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.bulk_descriptors import COLUMNS, FINGERPRINT, describe_many
from heliosc.datasets.consolidate import parquet_bytes
from heliosc.datasets.frames import frame_of, pl
from heliosc.datasets.parts import Part
from heliosc.datasets.workers import ItemWatch
from heliosc.files import write_atomically

JOB_MOLECULES = 2_000
SCHEMA = pa.schema([pa.field("smiles", pa.string(), nullable=False), *((name, pa.float64()) for name in COLUMNS)])


@dataclass(frozen=True, slots=True)
class DescribeJob:
    """Some molecules to describe, and the file for the result."""

    smiles: tuple[str, ...]
    file: Path


def describe_jobs(work: Path, part: Part) -> Iterator[DescribeJob]:
    """Jobs for the molecules of a part that no earlier run has described."""
    known = described(work, part).select("smiles")
    molecules = pl.read_parquet(part.identities_file(work), columns=["smiles"])
    missing = molecules.join(known, on="smiles", how="anti").sort("smiles")["smiles"].to_list()
    for start in range(0, len(missing), JOB_MOLECULES):
        smiles = tuple(missing[start : start + JOB_MOLECULES])
        name = hashlib.sha256("\n".join(smiles).encode()).hexdigest()[:24]
        yield DescribeJob(smiles, part.descriptors_folder(work, FINGERPRINT) / f"{name}.parquet")


def describe_molecules(job: DescribeJob, watch: ItemWatch) -> int:
    """Compute and write the descriptors of a job; returns the number of molecules. Runs in a worker.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    values = describe_many(job.smiles, watch)
    watch.rest()
    columns = list(zip(*values, strict=True)) or [()] * len(COLUMNS)
    frame = pl.DataFrame(
        {"smiles": job.smiles, **dict(zip(COLUMNS, columns, strict=True))},
        schema={"smiles": pl.String, **dict.fromkeys(COLUMNS, pl.Float64)},
    )
    write_atomically(job.file, parquet_bytes(frame, SCHEMA))
    return len(job.smiles)


def described(work: Path, part: Part) -> pl.DataFrame:
    """All stored descriptors of a part, each molecule once; a damaged file is removed and computed again."""
    frames = [_read(file) for file in sorted(part.descriptors_folder(work, FINGERPRINT).glob("*.parquet"))]
    whole = [frame for frame in frames if frame is not None]
    empty = pl.DataFrame(schema={"smiles": pl.String, **dict.fromkeys(COLUMNS, pl.Float64)})
    return pl.concat([empty, *whole]).unique("smiles", keep="first", maintain_order=True)


def _read(file: Path) -> pl.DataFrame | None:
    try:
        return frame_of(pq.read_table(file, schema=SCHEMA))
    except (pa.ArrowException, OSError):
        file.unlink(missing_ok=True)
        return None
