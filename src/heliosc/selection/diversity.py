"""Picking a batch whose members differ from each other.

The ranking is walked greedily: each pick trades its place in the ranking against its likeness to those already picked,
under hard caps on similarity and on picks per scaffold. Far fewer molecules than the whole ranking need fingerprints:
a shortlist is widened only when the caps leave the batch unfilled.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.fingerprints import PackedFingerprints, max_similarity, morgan_fingerprint, tanimoto_matrix
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import fused_ring_systems, murcko_scaffold
from heliosc.errors import InputError

_FIRST_SHORTLIST = 500
_SHORTLIST_PER_PICK = 20


@dataclass(frozen=True, slots=True)
class Diversity:
    """How different the members of a batch must be.

    Attributes
    ----------
    max_similarity : Tanimoto cap between any two picks, 1 = none
    max_per_scaffold : picks with the same Bemis-Murcko scaffold
    max_per_fragment : picks that hold the same system of fused rings; None = no limit
    trade_off : 0 follows the ranking, 1 takes the most different of the shortlist (max-min)
    max_similarity_to_known : Tanimoto cap to everything known, 1 = none
    """

    max_similarity: float = 0.7
    max_per_scaffold: int = 2
    trade_off: float = 0.2
    max_similarity_to_known: float = 1.0
    max_per_fragment: int | None = None

    def __post_init__(self) -> None:
        shares = (self.max_similarity, self.trade_off, self.max_similarity_to_known)
        caps = (self.max_per_scaffold, 1 if self.max_per_fragment is None else self.max_per_fragment)
        if not all(0 <= share <= 1 for share in shares) or min(caps) < 1:
            raise InputError(f"{self}: expected similarities and trade_off from 0 to 1, caps of picks from 1")


@dataclass(frozen=True, slots=True)
class Pick:
    """One member of a batch: its position in the ranking and its nearest neighbours.

    Attributes
    ----------
    similarity_to_batch : Tanimoto to the nearest of the earlier picks; None for the first
    similarity_to_known : Tanimoto to the nearest known molecule; None when no known fingerprints were given
    """

    position: int
    scaffold: str
    similarity_to_batch: float | None
    similarity_to_known: float | None


def pick_diverse(
    ranked_smiles: Sequence[str],
    *,
    n: int,
    diversity: Diversity,
    known: PackedFingerprints | None = None,
    beside: Sequence[str] = (),
) -> list[Pick]:
    """Up to ``n`` picks from molecules given best first; fewer only if the caps allow no more.

    Parameters
    ----------
    beside : molecules that are in the batch already, of another role say; the caps count them

    Raises
    ------
    InputError : a SMILES cannot be read
    """
    size = max(_FIRST_SHORTLIST, _SHORTLIST_PER_PICK * n)
    while True:
        picks = _pick_from(ranked_smiles[:size], n=n, diversity=diversity, known=known, beside=beside)
        if len(picks) >= n or size >= len(ranked_smiles):
            return picks
        size *= 4


def _pick_from(
    smiles: Sequence[str], *, n: int, diversity: Diversity, known: PackedFingerprints | None, beside: Sequence[str]
) -> list[Pick]:
    pool, batch = _described(smiles, diversity), _described(beside, diversity)
    to_known = np.zeros(len(smiles), dtype=np.float32) if known is None else max_similarity(pool.fingerprints, known)
    is_open = to_known <= np.float32(diversity.max_similarity_to_known)
    to_batch = np.zeros(len(smiles), dtype=np.float32)
    caps = _Caps(diversity)
    for member in range(len(beside)):
        to_batch = np.maximum(
            to_batch, tanimoto_matrix(pool.fingerprints, batch.fingerprints[member : member + 1])[:, 0]
        )
        is_open &= caps.left_open(pool, batch.scaffolds[member], batch.fragments[member])
    is_open &= to_batch <= np.float32(diversity.max_similarity)
    quality = 1.0 - np.arange(len(smiles)) / max(1, len(smiles))
    picks: list[Pick] = []
    while len(picks) < n and is_open.any():
        utility = (1.0 - diversity.trade_off) * quality + diversity.trade_off * (1.0 - to_batch)
        best = int(np.argmax(np.where(is_open, utility, -np.inf)))
        nearest = float(to_batch[best]) if picks or len(beside) else None
        picks.append(Pick(best, pool.scaffolds[best], nearest, None if known is None else float(to_known[best])))
        to_batch = np.maximum(to_batch, tanimoto_matrix(pool.fingerprints, pool.fingerprints[best : best + 1])[:, 0])
        is_open &= caps.left_open(pool, pool.scaffolds[best], pool.fragments[best])
        is_open &= to_batch <= np.float32(diversity.max_similarity)
        is_open[best] = False
    return picks


@dataclass(frozen=True, slots=True)
class _Described:
    """What caps look at, of some molecules; no fragments where they are not limited."""

    fingerprints: PackedFingerprints
    scaffolds: list[str]
    fragments: list[frozenset[str]]


def _described(smiles: Sequence[str], diversity: Diversity) -> _Described:
    molecules = [parse_smiles(text) for text in smiles]
    limits_fragments = diversity.max_per_fragment is not None
    return _Described(
        np.array([morgan_fingerprint(molecule) for molecule in molecules]),
        [murcko_scaffold(molecule) for molecule in molecules],
        [fused_ring_systems(molecule) if limits_fragments else frozenset() for molecule in molecules],
    )


class _Caps:
    """Counts of scaffolds and fragments in a batch that grows."""

    def __init__(self, diversity: Diversity) -> None:
        self._limits = diversity
        self._scaffolds: Counter[str] = Counter()
        self._fragments: Counter[str] = Counter()

    def left_open(self, pool: _Described, scaffold: str, fragments: frozenset[str]) -> NDArray[np.bool_]:
        """(n,) which of the pool may follow a molecule of this scaffold and these fragments."""
        self._scaffolds[scaffold] += 1
        self._fragments.update(fragments)
        is_open = np.ones(len(pool.scaffolds), dtype=bool)
        if self._scaffolds[scaffold] >= self._limits.max_per_scaffold:
            is_open &= np.array([other != scaffold for other in pool.scaffolds], dtype=bool)
        spent = {name for name in fragments if self._fragments[name] >= (self._limits.max_per_fragment or math.inf)}
        if spent:
            is_open &= np.array([spent.isdisjoint(held) for held in pool.fragments], dtype=bool)
        return is_open
