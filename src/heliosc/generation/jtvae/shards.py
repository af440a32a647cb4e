"""The two passes of a preparation over one shard of molecules.

The first reads the molecules and collects the words of the training part; the second, once the words of all shards are
known, lays the molecules out as arrays. Each writes one file that is complete or absent, so that an interrupted
preparation goes on where it stopped. Both run in worker processes and know nothing of other shards.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.jtvae.arrays import SPACES, IntArray, PreparedSet
from heliosc.generation.jtvae.molecule_graph import UnfitMoleculeError, constitution, molecule_graph
from heliosc.generation.jtvae.schedule import graph_columns, tree_columns
from heliosc.generation.jtvae.time_limit import time_limit
from heliosc.generation.jtvae.tree import UnknownWordError, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary

N_EXAMPLES = 20
"""Refused molecules of a shard that are named."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the input.

    Attributes
    ----------
    number, first_row : its place
    smiles : as given
    """

    number: int
    first_row: int
    smiles: tuple[str, ...]

    def scan_file(self, folder: Path) -> Path:
        return folder / f"{self.number:06d}.scan"

    def arrays_file(self, folder: Path) -> Path:
        return folder / f"{self.number:06d}.arrays"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the first pass found.

    Attributes
    ----------
    keys : (n,) hash of each molecule's constitution; 0 for refused input
    held_out : (n,)
    n_words : (n,) words of each molecule; 0 for refused and held-out ones
    words : (sum of n_words,) numbers in ``vocabulary``
    vocabulary : of this shard's training part; its counts are not used
    refused : cause -> molecules
    examples : SMILES -> reason
    """

    keys: np.ndarray
    held_out: np.ndarray
    n_words: IntArray
    words: IntArray
    vocabulary: Vocabulary
    refused: dict[str, int]
    examples: dict[str, str]


def scan_shard(shard: Shard, folder: Path, *, held_out: float, seconds: float) -> None:
    """First pass, with a limit for each molecule; nothing to do where its file is."""
    if shard.scan_file(folder).exists():
        return
    vocabulary, refused, examples = Vocabulary(), Counter[str](), dict[str, str]()
    keys = np.zeros(len(shard.smiles), dtype=np.uint64)
    is_held_out = np.zeros(len(shard.smiles), dtype=np.uint8)
    n_words = np.zeros(len(shard.smiles), dtype=np.int64)
    words: list[int] = []
    for row, text in enumerate(shard.smiles):
        try:
            with time_limit(seconds, text):
                graph = molecule_graph(constitution(text))
                is_held_out[row] = bool(split_held_out((text,), held_out)[1])
                tree = None if is_held_out[row] else junction_tree(graph, vocabulary, grow=True)
            if tree is not None:
                vocabulary.count(graph, ())
                words += tree.words
                n_words[row] = len(tree)
        except InputError as error:
            refused[_cause(error)] += 1
            if len(examples) < N_EXAMPLES:
                examples[text] = str(error)
            continue
        keys[row] = _key(graph.smiles)
    arrays: dict[str, np.ndarray] = {
        "keys": keys,
        "held_out": is_held_out,
        "n_words": n_words,
        "words": np.asarray(words, dtype=np.int64),
    }
    document = {"vocabulary": vocabulary.to_document(with_probes=False), "refused": refused, "examples": examples}
    write_atomically(shard.scan_file(folder), save(arrays, {"heliosc": json.dumps(document)}))


@contextmanager
def opened(file: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """The document and the tensors of a shard's file.

    Raises
    ------
    InputError : damaged
    """
    with ExitStack() as stack:
        try:
            stored = stack.enter_context(safe_open(file, framework="numpy"))
            document = json.loads(stored.metadata()["heliosc"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file} is damaged ({error}); remove it, and the same command makes it again") from error
        yield document, stored


def read_scan(file: Path) -> Scan:
    """What ``scan_shard`` wrote.

    Raises
    ------
    InputError : damaged
    """
    with opened(file) as (document, stored):
        arrays = {name: stored.get_tensor(name) for name in ("keys", "held_out", "n_words", "words")}
    vocabulary = Vocabulary.from_document(document["vocabulary"])
    return Scan(**arrays, vocabulary=vocabulary, refused=document["refused"], examples=document["examples"])


def lay_out_shard(
    shard: Shard, folder: Path, *, rows: IntArray, n_training: int, vocabulary: dict, seconds: float
) -> None:
    """Second pass over some rows of a shard, with the document of the whole vocabulary.

    Parameters
    ----------
    rows : the training molecules, ``n_training`` of them, before the held-out ones
    seconds : limit for each molecule
    """
    if shard.arrays_file(folder).exists():
        return
    known = Vocabulary.from_document(vocabulary)
    legal = LegalMoves(known)
    kept, smiles, molecules = [], [], []
    unknown = Counter[str]()
    n_kept_training = 0
    for position, row in enumerate(rows.tolist()):
        try:
            with time_limit(seconds, shard.smiles[row]):
                graph = molecule_graph(constitution(shard.smiles[row]))
                tree = junction_tree(graph, known)
                columns = tree_columns(tree, known, legal) | graph_columns(graph)
        except (UnknownWordError, UnfitMoleculeError) as error:
            unknown[error.cause] += 1
            continue
        kept.append(row)
        smiles.append(graph.smiles)
        molecules.append(columns)
        n_kept_training += position < n_training
    prepared = PreparedSet.stack(smiles, molecules)
    arrays: dict[str, np.ndarray] = {f"column/{name}": values for name, values in prepared.columns.items()}
    arrays |= {f"size/{space}": prepared.sizes[space] for space in SPACES}
    arrays["rows"] = np.asarray(kept, dtype=np.int64) + shard.first_row
    document = {"smiles": smiles, "unknown": unknown, "n_training": n_kept_training}
    write_atomically(shard.arrays_file(folder), save(arrays, {"heliosc": json.dumps(document)}))


def _key(smiles: str) -> int:
    return int.from_bytes(hashlib.blake2b(smiles.encode(), digest_size=8).digest()) or 1


def _cause(error: InputError) -> str:
    return error.cause if isinstance(error, UnfitMoleculeError) else "cannot be read, or over a size limit"
