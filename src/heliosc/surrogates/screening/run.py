"""The stream: rows in, chunks to the workers, finished parts on disk, counts out."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from heliosc.errors import InputError, ResourceError
from heliosc.properties import PropertyKey
from heliosc.surrogates.screening.parts import PartsFolder
from heliosc.surrogates.screening.ranking import Ranking
from heliosc.surrogates.screening.rows import Domain, Refusal, Rows

if TYPE_CHECKING:
    # Only workers load torch: the process that hands out rows stays small.
    from heliosc.surrogates.ensemble import SurrogateEnsemble

CHUNK_SIZE = 4_096
_CHUNKS_PER_WORKER = 2


@dataclass(frozen=True, slots=True)
class ScreeningSettings:
    """How to screen.

    Attributes
    ----------
    model : model folder
    device, precision : see ``SurrogateEnsemble.load`` and ``predict``
    n_workers : processes, one core each
    domain : refuse molecules that the models are not for; None predicts everything readable
    ranking : keep only the best; None keeps all
    chunk_size : rows a part
    """

    model: Path
    device: str = "cpu"
    precision: str = "f32"
    n_workers: int = 1
    domain: Domain | None = None
    ranking: Ranking | None = None
    chunk_size: int = CHUNK_SIZE

    def identity(self, model_id: str) -> dict[str, object]:
        """What must stay the same for a screening to be gone on with."""
        ranking = self.ranking
        return {
            "format": 1,
            "model": model_id,
            "precision": self.precision,
            "chunk_size": self.chunk_size,
            "elements": None if self.domain is None else sorted(self.domain.elements),
            "best": None if ranking is None else f"{ranking.n_best} by {ranking.key}={ranking.goal}",
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a screening stands: rows read, rows with a result, those taken over from an earlier start."""

    n_read: int
    n_done: int
    n_resumed: int


@dataclass(frozen=True, slots=True)
class ScreeningSummary:
    """A finished screening; every row of the input is predicted or refused.

    Attributes
    ----------
    parts : where the results are, until ``parts.remove()``
    """

    n_rows: int
    n_refused: int
    n_resumed: int
    n_chunks: int
    parts: PartsFolder
    ranking: Ranking | None

    @property
    def n_predicted(self) -> int:
        return self.n_rows - self.n_refused

    def tables(self) -> Iterator[pa.Table]:
        """Predictions in input order, chunk by chunk; with a ranking one table, best first."""
        tables = self.parts.tables(self.n_chunks)
        return tables if self.ranking is None else self.ranking.best_of_parts(tables)

    def refusals(self) -> Iterator[Refusal]:
        """Refused rows in input order."""
        return self.parts.refusals(self.n_chunks)


def screen(
    rows: Iterable[tuple[int, str]],
    *,
    settings: ScreeningSettings,
    parts: Path,
    fresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> ScreeningSummary:
    """Predict all rows; a second call with the same arguments goes on where a killed one was.

    Memory does not grow with the number of rows: a few chunks are under way, finished ones are on disk.

    Parameters
    ----------
    rows : (row number, SMILES) each
    parts : folder for finished chunks
    fresh : forget finished chunks

    Raises
    ------
    InputError : unfinished parts of another input, model or setting, a property that the model does not predict
    ResourceError : the folder cannot be written or is in use, or a worker was killed
    """
    folder = PartsFolder(parts)
    with _crew(settings, folder) as crew:
        _check_ranking(settings.ranking, crew.keys)
        with folder.opened(settings.identity(crew.model_id), fresh=fresh):
            counts = _Counts(progress)
            for index, chunk in counts.unfinished(_chunks(rows, settings.chunk_size), folder):
                crew.work(index, chunk, counts)
            crew.finish(counts)
            folder.check_count(counts.n_chunks)
    return ScreeningSummary(
        counts.n_done, counts.n_refused, counts.n_resumed, counts.n_chunks, folder, settings.ranking
    )


def _check_ranking(ranking: Ranking | None, keys: tuple[PropertyKey, ...]) -> None:
    if ranking is not None and ranking.key not in keys:
        raise InputError(f"the model does not predict {ranking.key}; it predicts {', '.join(map(str, keys))}")


def _chunks(rows: Iterable[tuple[int, str]], size: int) -> Iterator[Rows]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        numbers, smiles = zip(*chunk, strict=True)
        yield Rows(numbers, smiles)


class _Counts:
    """Running totals, reported whenever they change."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self.n_read = self.n_done = self.n_refused = self.n_resumed = self.n_chunks = 0

    def unfinished(self, chunks: Iterable[Rows], folder: PartsFolder) -> Iterator[tuple[int, Rows]]:
        """Chunks without a part, numbered; those with one are only counted."""
        for index, chunk in enumerate(chunks):
            self.n_chunks = index + 1
            self.n_read += len(chunk.numbers)
            record = folder.finished(index, chunk)
            if record is None:
                yield index, chunk
            else:
                self.n_resumed += record.n_rows
                self.add(record.n_rows, record.n_refused)

    def add(self, n_rows: int, n_refused: int) -> None:
        self.n_done += n_rows
        self.n_refused += n_refused
        if self._progress is not None:
            self._progress(Progress(self.n_read, self.n_done, self.n_resumed))


class _Crew(Protocol):
    """Who predicts chunks."""

    model_id: str
    keys: tuple[PropertyKey, ...]

    def work(self, index: int, rows: Rows, counts: _Counts) -> None:
        """See to it that a chunk is predicted."""
        ...

    def finish(self, counts: _Counts) -> None:
        """Wait for all chunks."""
        ...


@contextmanager
def _crew(settings: ScreeningSettings, folder: PartsFolder) -> Iterator[_Crew]:
    if settings.n_workers == 1:
        yield _ThisProcess(_Station(settings, folder))
        return
    context = get_context("forkserver")  # workers share the pages of libraries that were loaded before they split off
    context.set_forkserver_preload([f"{__package__}.predicting"])
    lifeline, held_here = context.Pipe(duplex=False)  # its other end closes with this process, however it ends
    pool = ProcessPoolExecutor(
        settings.n_workers, mp_context=context, initializer=_start_worker, initargs=(settings, folder, lifeline)
    )
    try:
        yield _Pool(pool, settings.n_workers)
    except BrokenProcessPool as error:
        raise ResourceError(
            "a worker process was killed, perhaps for want of memory; "
            "the same command goes on from here, --workers 1 needs least"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        held_here.close()
        lifeline.close()


class _Station:
    """A loaded model and where its results go."""

    def __init__(self, settings: ScreeningSettings, folder: PartsFolder) -> None:
        self._settings, self._folder = settings, folder

    @cached_property
    def ensemble(self) -> SurrogateEnsemble:
        """The model, loaded when first needed, so that what is wrong with it is told as of any other task."""
        from heliosc.surrogates.screening.predicting import load_for_screening

        return load_for_screening(self._settings.model, device=self._settings.device)

    @property
    def model_id(self) -> str:
        """Of weights and calibration: weights that were imported with other held-out molecules have another one."""
        text = repr((self.ensemble.calibrations, getattr(self.ensemble.landmarks, "reach", None)))
        return f"{self.ensemble.model_id}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @cached_property
    def domain(self) -> Domain | None:
        """What is predicted: also the elements that a model of the user's own data has learnt beyond the usual ones."""
        from heliosc.surrogates.screening.predicting import known_elements

        usual = self._settings.domain
        return None if usual is None else Domain(usual.elements | known_elements(self.ensemble))

    def screen_chunk(self, index: int, rows: Rows) -> int:
        """Predict and keep one chunk; returns how many rows were refused."""
        from heliosc.surrogates.screening.predicting import predict_rows

        settings = self._settings
        table, refused = predict_rows(self.ensemble, rows, domain=self.domain, precision=settings.precision)
        if settings.ranking is not None:
            table = settings.ranking.best(table)
        self._folder.write(index, table=table, refused=refused, rows=rows)
        return len(refused)


class _ThisProcess:
    """One worker: nobody else."""

    def __init__(self, station: _Station) -> None:
        self._station = station
        self.model_id, self.keys = station.model_id, station.ensemble.keys

    def work(self, index: int, rows: Rows, counts: _Counts) -> None:
        counts.add(len(rows.numbers), self._station.screen_chunk(index, rows))

    def finish(self, counts: _Counts) -> None:
        """Nothing is under way."""


class _Pool:
    """Several processes; few chunks are under way at a time, so that memory stays flat."""

    def __init__(self, pool: ProcessPoolExecutor, n_workers: int) -> None:
        self._pool = pool
        self._at_most = _CHUNKS_PER_WORKER * n_workers
        self._pending: dict[Future[int], int] = {}
        self.model_id, self.keys = pool.submit(_describe_model).result()

    def work(self, index: int, rows: Rows, counts: _Counts) -> None:
        self._pending[self._pool.submit(_work, index, rows)] = len(rows.numbers)
        self._collect(counts, at_most=self._at_most)

    def finish(self, counts: _Counts) -> None:
        self._collect(counts, at_most=0)

    def _collect(self, counts: _Counts, *, at_most: int) -> None:
        while len(self._pending) > at_most:
            for future in wait(self._pending, return_when=FIRST_COMPLETED).done:
                counts.add(self._pending.pop(future), future.result())


_station: _Station | None = None


def _start_worker(settings: ScreeningSettings, folder: PartsFolder, lifeline: Connection) -> None:
    global _station  # a process of the pool is one worker for life
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    _station = _Station(settings, folder)


def _end_with(lifeline: Connection) -> None:
    """End this process when the one that gave it work was killed, instead of waiting for work for ever.

    Its parent is the server it was forked from, which stays as long as its children do.
    """
    with suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)


def _own_station() -> _Station:
    if _station is None:
        raise RuntimeError("the worker was not started")
    return _station


def _describe_model() -> tuple[str, tuple[PropertyKey, ...]]:
    station = _own_station()
    return station.model_id, station.ensemble.keys


def _work(index: int, rows: Rows) -> int:
    return _own_station().screen_chunk(index, rows)
