"""Morgan fingerprints in bulk and their Tanimoto similarities.

Fingerprints are kept packed, 256 bytes a molecule, so that 100,000 candidates take 26 MB; intersections are counted by
population count on 64-bit words.

References
----------
Rogers, Hahn, J. Chem. Inf. Model. 2010, 50, 742, 10.1021/ci100050t (circular fingerprints).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError

MORGAN_RADIUS = 2
MORGAN_BITS = 2048
PACKED_BYTES = MORGAN_BITS // 8

PackedFingerprints = NDArray[np.uint8]

_BLOCK_PAIRS = 1 << 18  # pairs compared at once: small enough for the caches


@lru_cache(maxsize=1)
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=MORGAN_RADIUS, fpSize=MORGAN_BITS)


def morgan_fingerprint(molecule: Chem.Mol) -> PackedFingerprints:
    """(256,) packed bits of one molecule."""
    return np.packbits(_generator().GetFingerprintAsNumPy(molecule))


def morgan_fingerprints(smiles: Iterable[str]) -> PackedFingerprints:
    """(n_molecules, 256) packed bits.

    Raises
    ------
    InputError : a SMILES cannot be read
    """
    rows = [morgan_fingerprint(parse_smiles(text)) for text in smiles]
    return np.array(rows, dtype=np.uint8).reshape(len(rows), PACKED_BYTES)


def tanimoto_matrix(first: PackedFingerprints, second: PackedFingerprints) -> NDArray[np.float32]:
    """(n_first, n_second) shared bits over bits set in either; two empty fingerprints count as identical.

    Raises
    ------
    InputError : not arrays of packed 2048-bit fingerprints
    """
    a, b = _words(first), _words(second)
    counts_a, counts_b = _bit_counts(a), _bit_counts(b)
    words_b = np.ascontiguousarray(b.T)
    result = np.empty((len(a), len(b)), dtype=np.float32)
    rows = max(1, _BLOCK_PAIRS // max(1, len(b)))
    for start in range(0, len(a), rows):
        block = slice(start, start + rows)
        shared = np.zeros(result[block].shape, dtype=np.uint16)
        for word, words in zip(a[block].T, words_b, strict=True):
            shared += np.bitwise_count(word[:, None] & words)
        union = counts_a[block, None] + counts_b - shared
        result[block] = np.where(union == 0, 1.0, shared / np.maximum(union, 1))
    return result


def max_similarity(first: PackedFingerprints, second: PackedFingerprints) -> NDArray[np.float32]:
    """(n_first,) similarity of each first fingerprint to its nearest in second; 0 when second is empty."""
    nearest = np.zeros(len(first), dtype=np.float32)
    if len(second) == 0:
        return nearest
    rows = max(1, _BLOCK_PAIRS // len(second))
    for start in range(0, len(first), rows):  # the whole matrix of a large library would not fit into memory
        block = slice(start, start + rows)
        nearest[block] = tanimoto_matrix(first[block], second).max(axis=1)
    return nearest


def _words(packed: PackedFingerprints) -> NDArray[np.uint64]:
    if packed.ndim != 2 or packed.shape[1] != PACKED_BYTES or packed.dtype != np.uint8:
        raise InputError(
            f"fingerprints are {packed.dtype} of shape {packed.shape}, expected uint8 (n, {PACKED_BYTES}); "
            "make them with morgan_fingerprints"
        )
    return np.ascontiguousarray(packed).view(np.uint64)


def _bit_counts(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.bitwise_count(words).sum(axis=1, dtype=np.int64)
