"""Last stage of a merge: the molecules with their descriptors, and the wide table for people and models.

Where several sources give one molecule the same property at the same level of theory, the wide table shows the median
of the sources; the long store keeps them apart.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from heliosc.datasets.bulk_descriptors import COLUMNS
from heliosc.datasets.consolidate import parquet_bytes
from heliosc.datasets.describe import described
from heliosc.datasets.frames import pl
from heliosc.datasets.parts import Part
from heliosc.datasets.schema import MOLECULE_SCHEMA, WIDE_IDENTITY_COLUMNS
from heliosc.datasets.workers import ItemWatch
from heliosc.errors import ResourceError
from heliosc.files import write_atomically

DESCRIBED_SCHEMA = pa.schema([*MOLECULE_SCHEMA, *(pa.field(name, pa.float64()) for name in COLUMNS)])
_COPY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class WideJob:
    """One part to write out.

    Attributes
    ----------
    keys : ``NAME@LEVEL`` columns of the wide table
    """

    part: Part
    keys: tuple[str, ...]
    store: Path
    work: Path


def wide_header(keys: Sequence[str]) -> str:
    """First line of the wide table."""
    return ",".join(_quoted(name) for name in (*WIDE_IDENTITY_COLUMNS, *keys, *COLUMNS)) + "\n"


def wide_rows_file(work: Path, part: Part) -> Path:
    """Rows of one part of the wide table, without header."""
    return work / "wide" / f"{part.name}.csv"


def write_wide_part(job: WideJob, watch: ItemWatch) -> int:
    """Write the described molecules and the wide rows of one part; returns the number of rows. Runs in a worker.

    Raises
    ------
    ResourceError : a folder cannot be written
    """
    identities = pl.read_parquet(job.part.identities_file(job.work))
    molecules = identities.join(described(job.work, job.part), on="smiles", how="left").sort("smiles")
    write_atomically(job.part.molecules_file(job.store), parquet_bytes(molecules, DESCRIBED_SCHEMA))
    values = _by_key(pl.read_parquet(job.part.properties_file(job.store)), job.keys)
    wide = molecules.join(values, on="smiles", how="left").sort("smiles")
    columns = [*WIDE_IDENTITY_COLUMNS, *job.keys, *COLUMNS]
    blank = pl.col("notes").replace("", None)
    rows_file = wide_rows_file(job.work, job.part)  # read once, in the same run: it need not survive a crash
    try:
        rows_file.parent.mkdir(parents=True, exist_ok=True)
        wide.with_columns(blank).select(columns).write_csv(rows_file, include_header=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResourceError(f"cannot write {rows_file}: {error}; free some space, then try again") from error
    return wide.height


def join_parts(file: Path, header: str, parts: Sequence[Path]) -> None:
    """One CSV from its parts; complete or absent.

    Raises
    ------
    ResourceError : it cannot be written
    """
    scratch = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as out:
            out.write(header.encode())
            for part in parts:
                with part.open("rb") as rows:
                    while block := rows.read(_COPY_BYTES):
                        out.write(block)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(file)
    except OSError as error:
        raise ResourceError(
            f"cannot write {file}: {error.strerror or error}; free some space, then try again"
        ) from error
    finally:
        scratch.unlink(missing_ok=True)


def _by_key(long: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """One row a molecule, one column a key, null where nothing is known."""
    named = long.with_columns(pl.format("{}@{}", "property", "level").alias("key"))
    medians = named.group_by("smiles", "key").agg(pl.col("value").median())
    wide = (
        medians.pivot(on="key", on_columns=list(keys), index="smiles", values="value")
        if keys
        else named.select("smiles").unique()
    )
    return wide.select("smiles", *(pl.col(key).cast(pl.Float64) for key in keys))


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name
