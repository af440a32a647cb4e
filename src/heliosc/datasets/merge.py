"""From the files of all sources to the long store and the wide master table, resumable and reproducible.

Four stages, each spread over worker processes and each leaving files that a later run recognises by content:
``convert`` (chunks of a source to shards), ``consolidate`` (a part of the molecules from all shards), ``describe``
(structural descriptors), ``write`` (molecules and wide table). Memory holds a few chunks and parts at a time.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heliosc.datasets import bulk_descriptors
from heliosc.datasets.consolidate import (
    MergedPart,
    PartJob,
    SourceShards,
    consolidate,
    stored_part,
)
from heliosc.datasets.describe import DescribeJob, describe_jobs, describe_molecules
from heliosc.datasets.locate import SourceFiles
from heliosc.datasets.merge_books import SourceCount, count_rows, write_quarantine, write_summary
from heliosc.datasets.parts import Part, parts_for
from heliosc.datasets.records.registry import CHUNK_ROWS, read_chunks
from heliosc.datasets.schema import (
    MOLECULES_FOLDER,
    PROPERTIES_FOLDER,
    QUARANTINE_FILE,
    WIDE_POLYMER_FILE,
)
from heliosc.datasets.shards import Shard, ShardJob, make_shard, shard_job, stored_shard
from heliosc.datasets.wide import WideJob, join_parts, wide_header, wide_rows_file, write_wide_part
from heliosc.datasets.workers import ITEM_SECONDS, WorkerPool
from heliosc.errors import InputError, ResourceError
from heliosc.files import ensure_folder
from heliosc.properties.plausibility import USUAL_MEDIAN, is_unusual

WORK_FOLDER = ".work"
TABLE_WORKERS = 2
"""Most processes that hold a part's tables in memory at a time."""


@dataclass(frozen=True, slots=True)
class MergeProgress:
    """How far a stage is: ``done`` of ``total`` (bytes when converting, else molecules or parts), rows so far."""

    stage: str
    done: int
    total: int
    n_rows: int


Listener = Callable[[MergeProgress], None]


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """Where things go and how many processes work.

    Attributes
    ----------
    store : folder of the long store
    wide_file : wide table; the polymers' stands beside it
    chunk_rows : records a shard; part of what makes two runs byte-identical
    item_seconds : CPU time for one molecule
    """

    store: Path
    wide_file: Path
    n_workers: int = field(default_factory=lambda: max(1, len(os.sched_getaffinity(0))))
    chunk_rows: int = CHUNK_ROWS
    item_seconds: float = ITEM_SECONDS

    @property
    def work(self) -> Path:
        return self.store / WORK_FOLDER

    @property
    def quarantine_file(self) -> Path:
        return self.store / QUARANTINE_FILE

    @property
    def polymer_file(self) -> Path:
        return self.wide_file.with_name(WIDE_POLYMER_FILE.name)


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge gave.

    Attributes
    ----------
    n_molecules, n_polymers : rows of the two wide tables
    seconds : stage -> wall time
    n_reused : shards of earlier runs that were kept
    """

    sources: tuple[SourceCount, ...]
    n_molecules: int
    n_polymers: int
    keys: tuple[str, ...]
    seconds: dict[str, float]
    n_reused: int


def merge(
    sources: Sequence[SourceFiles], settings: MergeSettings, *, listener: Listener = lambda progress: None
) -> MergeReport:
    """Merge all sources. The same call after an interruption goes on where it was; finished, it changes no byte.

    Raises
    ------
    InputError : no source or one twice, an unreadable file, a missing column, a column that seems to be in another unit
    ResourceError : a folder cannot be written, or a worker ran out of memory
    """
    _refuse_clashes(sources)
    ensure_folder(settings.work)
    with _locked(settings.work):
        return _merge_locked(sources, settings, listener)


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    """One merge at a time in a store; the lock goes with the process, however that ends.

    Raises
    ------
    ResourceError : another process holds it
    """
    with (work / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResourceError(
                f"another merge is working in {work.parent}; wait for it, or use another --store"
            ) from error
        yield


def _merge_locked(sources: Sequence[SourceFiles], settings: MergeSettings, listener: Listener) -> MergeReport:
    clock = _Clock()
    with WorkerPool(n_workers=settings.n_workers, item_seconds=settings.item_seconds) as pool:
        shards, n_reused = _convert(sources, settings, pool, listener)
        clock.stop("convert")
        parts = parts_for(sum(shard.n_kept for source in shards for shard in source.shards))
        merged = _consolidate(shards, parts, settings, pool, listener)
        clock.stop("consolidate")
        _describe(parts, merged, settings, pool, listener)
        clock.stop("describe")
        keys = tuple(sorted({key for part in merged for key in part.n_values}))
        _write(keys, parts, settings, pool, listener)
    _remove_stale(parts, settings.store)
    write_quarantine(shards, settings.quarantine_file)
    counts = tuple(count_rows(source, merged) for source in shards)
    clock.stop("write")
    write_summary(
        sources,
        counts,
        parts,
        merged,
        store=settings.store,
        wide_files=(settings.wide_file, settings.polymer_file),
    )
    *n_molecules, n_polymers = (part.n_molecules[""] for part in merged)
    return MergeReport(counts, sum(n_molecules), n_polymers, keys, clock.seconds, n_reused)


def _refuse_clashes(sources: Sequence[SourceFiles]) -> None:
    names = [source.declaration.name for source in sources]
    repeated = sorted(name for name, n in Counter(names).items() if n > 1)
    if not names or repeated:
        raise InputError(f"sources {', '.join(repeated)} are named twice" if repeated else "no source to merge")
    for source in sources:
        taken = {str(key) for key in source.declaration.keys} & set(bulk_descriptors.COLUMNS)
        if taken:
            raise InputError(
                f"source {source.declaration.name} gives {', '.join(sorted(taken))}, which is computed for every "
                "molecule; name its true level of theory, or leave the column out"
            )


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._start = now - self._start, now


def _convert(
    sources: Sequence[SourceFiles], settings: MergeSettings, pool: WorkerPool, listener: Listener
) -> tuple[list[SourceShards], int]:
    shards: dict[str, list[Shard]] = {source.declaration.name: [] for source in sources}
    n_reused = n_rows = furthest = 0
    total = sum(file.stat().st_size for source in sources for file in source.files)
    before = {}
    done = 0
    for source in sources:
        before[source.declaration.name] = done
        done += sum(file.stat().st_size for file in source.files)

    def accept(job: ShardJob, shard: Shard) -> None:
        nonlocal n_rows, furthest
        _refuse_unusual(job, shard)
        shards[job.declaration.name].append(shard)
        n_rows += shard.n_rows
        furthest = max(furthest, before[job.declaration.name] + job.chunk.end[0])  # chunks end out of order
        listener(MergeProgress("convert", furthest, total, n_rows))

    def new_jobs() -> Iterator[ShardJob]:
        nonlocal n_reused
        for source in sources:
            folder = _shard_folder(settings, source)
            for chunk in read_chunks(source.files, source.declaration, n_rows=settings.chunk_rows):
                job = shard_job(chunk, source.declaration, folder)
                stored = stored_shard(job)
                if stored is None:
                    yield job
                else:
                    n_reused += 1
                    accept(job, stored)

    for job, shard in pool.run(make_shard, new_jobs()):
        accept(job, shard)
    return [
        SourceShards(
            source.declaration.name,
            _shard_folder(settings, source),
            tuple(sorted(shards[source.declaration.name], key=lambda shard: shard.name)),
        )
        for source in sources
    ], n_reused


def _shard_folder(settings: MergeSettings, source: SourceFiles) -> Path:
    return settings.work / "shards" / source.declaration.name


def _refuse_unusual(job: ShardJob, shard: Shard) -> None:
    """Refuse a column whose median says that it is in another unit.

    Raises
    ------
    InputError : names the column and what it may be
    """
    for column in job.declaration.columns:
        n_values, median = shard.medians.get(str(column.key), (0, 0.0))
        if not column.is_unusual and is_unusual(column.key, median=median, n_values=n_values):
            low, high = USUAL_MEDIAN[column.key.name]
            raise InputError(
                f"source {job.declaration.name}, column {column.column}: the median of {n_values} values from record "
                f"{job.chunk.first_row} on is {median:.4g} {column.key.unit} as {column.key}; sets of molecules have "
                f"{low:g} to {high:g}. Is the declared unit ({column.unit}) and sign ({column.sign}) right? "
                "If so, declare is_unusual: true"
            )


def _consolidate(
    shards: list[SourceShards],
    parts: Sequence[Part],
    settings: MergeSettings,
    pool: WorkerPool,
    listener: Listener,
) -> list[MergedPart]:
    finished: dict[str, MergedPart] = {}

    def new_jobs() -> Iterator[PartJob]:
        for part in parts:
            job = PartJob(part, tuple(shards), settings.store, settings.work)
            stored = stored_part(job)
            if stored is None:
                yield job
            else:
                finished[part.name] = stored

    for _, done in pool.run(consolidate, new_jobs(), at_most=TABLE_WORKERS):
        finished[done.name] = done
        n_molecules = sum(part.n_molecules[""] for part in finished.values())
        listener(MergeProgress("consolidate", len(finished), len(parts), n_molecules))
    return [finished[part.name] for part in parts]


def _describe(
    parts: Sequence[Part], merged: list[MergedPart], settings: MergeSettings, pool: WorkerPool, listener: Listener
) -> None:
    total = sum(part.n_molecules[""] for part in merged)
    done = 0

    def jobs() -> Iterable[DescribeJob]:
        nonlocal done
        for part, known in zip(parts, merged, strict=True):
            waiting = list(describe_jobs(settings.work, part))
            done += known.n_molecules[""] - sum(len(job.smiles) for job in waiting)
            yield from waiting

    for _, n_described in pool.run(describe_molecules, jobs()):
        done += n_described
        listener(MergeProgress("describe", done, total, done))


def _write(
    keys: tuple[str, ...], parts: Sequence[Part], settings: MergeSettings, pool: WorkerPool, listener: Listener
) -> None:
    jobs = [WideJob(part, keys, settings.store, settings.work) for part in parts]
    n_rows = 0
    for index, (_, n_written) in enumerate(pool.run(write_wide_part, jobs, at_most=TABLE_WORKERS), start=1):
        n_rows += n_written
        listener(MergeProgress("write", index, len(jobs), n_rows))
    *molecules, polymers = (wide_rows_file(settings.work, part) for part in parts)
    join_parts(settings.wide_file, wide_header(keys), molecules)
    join_parts(settings.polymer_file, wide_header(keys), [polymers])
    for file in (*molecules, polymers):
        file.unlink()


def _remove_stale(parts: Sequence[Part], store: Path) -> None:
    """Files of an earlier merge that was spread over more parts."""
    for folder, current in (
        (PROPERTIES_FOLDER, {part.properties_file(store) for part in parts}),
        (MOLECULES_FOLDER, {part.molecules_file(store) for part in parts}),
    ):
        for file in set((store / folder).glob("part-*.parquet")) - current:
            file.unlink()
