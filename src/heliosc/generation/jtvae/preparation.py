"""Preparation on disk: molecules once decomposed into memory-mapped flat arrays, in parallel, and resumed if cut off.

A prepared folder is named by the hash of its data and settings and holds

================== ===================================================================================================
``manifest.json``   layout version, RDKit version, counts: molecules, duplicates, refused and unknown by cause
``vocabulary.json`` words of the training part with their counts, and the RDKit version
``columns/*.npy``   the columns of ``arrays``, all molecules side by side; ``parent`` is the tree adjacency
``sizes/*.npy``     (n_molecules,) rows of each molecule in a space
``smiles.txt``      canonical constitutions, one a line; ``smiles_starts.npy`` (n_molecules + 1,) where each begins
``rows.npy``        (n_molecules,) row of the input
``statistics.json`` written by a training: mean, standard deviation and known values of each property
================== ===================================================================================================

The split: the training molecules stand first, ``n_training`` of the manifest, the held-out ones behind them. The
manifest is written last. Memory holds one shard for each worker, and 25 bytes for each input molecule.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import rdBase

from heliosc.errors import InputError, ResourceError
from heliosc.files import ensure_folder, write_atomically
from heliosc.generation.jtvae.arrays import COLUMNS, LAYOUT_VERSION, SPACES, IntArray, PreparedSet
from heliosc.generation.jtvae.conditions import PropertyScale
from heliosc.generation.jtvae.flat_files import GrowingArray, LineWriter
from heliosc.generation.jtvae.shards import N_EXAMPLES, Shard, lay_out_shard, opened, read_scan, scan_shard
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyTable

MANIFEST_FILE, VOCABULARY_FILE, STATISTICS_FILE = "manifest.json", "vocabulary.json", "statistics.json"
SHARD_SIZE = 10_000
SECONDS = 10.0

Done = Callable[[int], object]
"""Called with the number of molecules of each shard that a pass has done; every molecule passes twice."""


@dataclass(frozen=True, slots=True)
class PreparedFolder:
    """A prepared folder, memory-mapped.

    Attributes
    ----------
    training : molecules to train on, as their own set
    prepared : all molecules, the held-out ones behind those to train on
    rows : (n_molecules,) row of each in the input
    vocabulary : words of the training part
    manifest : counts; see ``heliosc.generation.jtvae.preparation``
    """

    training: PreparedSet
    prepared: PreparedSet
    rows: IntArray
    vocabulary: Vocabulary
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> PreparedFolder:
        """Map a folder that ``prepare_on_disk`` wrote.

        Raises
        ------
        InputError : incomplete, damaged, or of another layout
        """
        try:
            manifest = json.loads((folder / MANIFEST_FILE).read_text())
            if manifest["layout"] != LAYOUT_VERSION:
                raise InputError(
                    f"{folder} has layout {manifest['layout']}; this version reads {LAYOUT_VERSION}; prepare anew"
                )
            return cls(
                PreparedSet.mapped(folder, manifest["n_training"]),
                PreparedSet.mapped(folder),
                np.load(folder / "rows.npy", mmap_mode="r"),
                Vocabulary.from_document(json.loads((folder / VOCABULARY_FILE).read_text())),
                manifest,
            )
        except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{folder} holds no complete preparation ({error}); remove it and prepare anew") from error


def prepare_on_disk(
    smiles: Iterable[str],
    cache: Path,
    *,
    held_out: float,
    n_workers: int = 1,
    shard_size: int = SHARD_SIZE,
    least_count: int = 1,
    seconds: float = SECONDS,
    done: Done = lambda _: None,
) -> PreparedFolder:
    """Prepare molecules, or open what an earlier call with the same data and settings prepared.

    Parameters
    ----------
    smiles : is walked several times, so a list or a file, not a generator
    cache : folder that holds one prepared folder for each data hash
    held_out : share kept for evaluation, by the InChIKey skeleton; its words do not enter the vocabulary
    n_workers : processes; with more than one, the calling script needs its ``if __name__ == "__main__"``
    shard_size : molecules that a worker holds at once
    least_count : words that occur less often are left out of the vocabulary
    seconds : processor time of a molecule in each pass; what takes longer is left out, counted under its cause

    Raises
    ------
    InputError : nothing usable
    ResourceError : the folder cannot be written
    """
    name, n_molecules = _data_hash(smiles, held_out=held_out, shard_size=shard_size, least_count=least_count)
    folder = cache / name
    if (folder / MANIFEST_FILE).exists():
        return PreparedFolder.open(folder)
    scratch = ensure_folder(folder / "shards")
    with _Pool(min(n_workers, -(-n_molecules // shard_size))) as pool:
        scan = partial(scan_shard, folder=scratch, held_out=held_out, seconds=seconds)
        pool.run(((shard, partial(scan, shard)) for shard in _shards(smiles, shard_size)), done)
        found = _merge(smiles, scratch, shard_size=shard_size, least_count=least_count)
        document = found.vocabulary.to_document(with_probes=False)
        write_atomically(folder / VOCABULARY_FILE, json.dumps(document) + "\n")
        lay_out = partial(lay_out_shard, folder=scratch, vocabulary=document, seconds=seconds)
        pool.run(
            (
                (shard, partial(lay_out, shard, rows=rows, n_training=n_training))
                for shard, (rows, n_training) in zip(_shards(smiles, shard_size), found.rows(shard_size), strict=True)
            ),
            done,
        )
    try:
        counts = _join(folder, scratch, found, shard_size=shard_size)
    except OSError as error:
        raise ResourceError(
            f"cannot write {folder}: {error.strerror or error}; check free space, then run the same again"
        ) from error
    manifest = {"layout": LAYOUT_VERSION, "data": name, "rdkit": rdBase.rdkitVersion, **found.counts(), **counts}
    write_atomically(folder / MANIFEST_FILE, json.dumps(manifest, indent=1) + "\n")
    shutil.rmtree(scratch)
    return PreparedFolder.open(folder)


def _data_hash(smiles: Iterable[str], **settings: object) -> tuple[str, int]:
    """Name of the prepared folder, and the number of molecules."""
    digest = hashlib.sha256(json.dumps([LAYOUT_VERSION, rdBase.rdkitVersion, settings], sort_keys=True).encode())
    n = 0
    for text in smiles:
        digest.update(text.encode() + b"\n")
        n += 1
    return digest.hexdigest()[:24], n


def _shards(smiles: Iterable[str], size: int) -> Iterator[Shard]:
    rest, first = iter(smiles), 0
    while part := tuple(islice(rest, size)):
        yield Shard(first // size, first, part)
        first += len(part)


def write_statistics(folder: Path, scale: PropertyScale, properties: PropertyTable | None) -> None:
    """Write what the values of a training were standardised with beside the molecules.

    Raises
    ------
    ResourceError : the file cannot be written
    """
    document = {
        str(key): {"mean": mean, "std": std, "n_known": int(np.isfinite(properties.column(key)).sum())}
        for key, mean, std in zip(scale.keys, scale.mean, scale.std, strict=True)
        if properties is not None
    }
    write_atomically(folder / STATISTICS_FILE, json.dumps(document, indent=1) + "\n")


class _Pool:
    """Runs steps in worker processes, few at a time; in this process if there is one worker."""

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._executor = (
            ProcessPoolExecutor(n_workers, mp_context=get_context("spawn"), max_tasks_per_child=50)
            if n_workers > 1
            else None
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def run(self, steps: Iterable[tuple[Shard, Callable[[], None]]], done: Done) -> None:
        """Do all steps; shards are drawn as workers become free, so few are in memory."""
        if self._executor is None:
            for shard, step in steps:
                step()
                done(len(shard.smiles))
            return
        waiting, running = iter(steps), dict[Future[None], int]()
        while True:
            for shard, step in islice(waiting, self._n_workers - len(running)):
                running[self._executor.submit(step)] = len(shard.smiles)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                future.result()
                done(running.pop(future))


@dataclass(frozen=True, slots=True)
class _Merged:
    """The first pass over all shards.

    Attributes
    ----------
    is_kept, held_out : (n_input,) the first of each constitution; the split
    """

    vocabulary: Vocabulary
    is_kept: np.ndarray
    held_out: np.ndarray
    n_duplicates: int
    refused: Counter[str]
    examples: dict[str, str]

    def rows(self, shard_size: int) -> Iterator[tuple[IntArray, int]]:
        """Rows to lay out, counted within each shard, those to train on first; and how many those are."""
        for first in range(0, len(self.is_kept), shard_size):
            kept, held_out = (part[first : first + shard_size] for part in (self.is_kept, self.held_out))
            training = np.flatnonzero(kept & ~held_out)
            yield np.concatenate([training, np.flatnonzero(kept & held_out)]), len(training)

    def counts(self) -> dict[str, Any]:
        return {
            "n_input": len(self.is_kept),
            "n_duplicates": self.n_duplicates,
            "refused": dict(self.refused),
            "examples": self.examples,
        }


def _merge(smiles: Iterable[str], scratch: Path, *, shard_size: int, least_count: int) -> _Merged:
    """One vocabulary out of those of the shards, and the first row of every constitution."""
    files = [shard.scan_file(scratch) for shard in _shards(smiles, shard_size)]
    if not files:
        raise InputError("there is no molecule to prepare; expected at least one")
    keys = np.concatenate([read_scan(file).keys for file in files])
    _, first = np.unique(keys, return_index=True)
    is_kept = np.zeros(len(keys), dtype=bool)
    is_kept[first] = True
    is_kept &= keys != 0
    vocabulary, refused, examples, held_out = Vocabulary(), Counter[str](), dict[str, str](), []
    for number, file in enumerate(files):
        scan = read_scan(file)
        kept = is_kept[number * shard_size : (number + 1) * shard_size]
        numbers = vocabulary.absorb(scan.vocabulary)
        vocabulary.add_counts(numbers[scan.words[np.repeat(kept, scan.n_words)]])
        held_out.append(scan.held_out)
        refused.update(scan.refused)
        examples |= dict(islice(scan.examples.items(), N_EXAMPLES - len(examples)))
    if not len(vocabulary):
        reason = next(iter(examples.values()), "all are held out")
        raise InputError(f"none of {len(keys)} molecules can be used to train a generator; first reason: {reason}")
    n_duplicates = int((keys != 0).sum() - is_kept.sum())
    return _Merged(
        vocabulary.sorted_by_count(least_count=least_count),
        is_kept,
        np.concatenate(held_out).astype(bool),
        n_duplicates,
        refused,
        examples,
    )


def _join(folder: Path, scratch: Path, found: _Merged, *, shard_size: int) -> dict[str, Any]:
    """The arrays of all shards side by side, first what to train on of each, one shard in memory at a time."""
    columns, sizes = ensure_folder(folder / "columns"), ensure_folder(folder / "sizes")
    outputs = {f"column/{name}": GrowingArray(columns / f"{name}.npy", np.int32) for name in COLUMNS}
    outputs |= {f"size/{space}": GrowingArray(sizes / f"{space}.npy", np.int64) for space in SPACES}
    outputs["rows"] = GrowingArray(folder / "rows.npy", np.int64)
    files = [scratch / f"{number:06d}.arrays" for number in range(-(-len(found.is_kept) // shard_size))]
    unknown = Counter[str]()
    counts = dict.fromkeys(("n_training", "n_held_out"), 0)
    with ExitStack() as stack:
        for output in outputs.values():
            stack.callback(output.close)
        lines = stack.enter_context(LineWriter(folder / "smiles.txt", folder / "smiles_starts.npy"))
        for side in counts:
            for file in files:
                with opened(file) as (document, stored):
                    n = document["n_training"]
                    chosen = slice(0, n) if side == "n_training" else slice(n, None)
                    _append(outputs, stored, chosen)
                lines.extend(document["smiles"][chosen])
                counts[side] += len(document["smiles"][chosen])
                unknown.update(document["unknown"] if side == "n_training" else {})
    return {"n_molecules": sum(counts.values()), **counts, "unknown": dict(unknown)}


def _append(outputs: Mapping[str, GrowingArray], stored: Any, chosen: slice) -> None:
    """Some molecules of a shard behind those that are there."""
    outputs["rows"].append(stored.get_tensor("rows")[chosen])
    for space in SPACES:
        size = stored.get_tensor(f"size/{space}")
        outputs[f"size/{space}"].append(size[chosen])
        first, end = int(size[: chosen.start].sum()), int(size[: chosen.stop].sum())
        for name, (its_space, _) in COLUMNS.items():
            if its_space == space:
                outputs[f"column/{name}"].append(stored.get_tensor(f"column/{name}")[first:end])
