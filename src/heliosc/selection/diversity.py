"""Picking a batch whose members differ from each other.

The ranking is walked greedily: each pick trades its place in the ranking against its likeness to those already picked,
under hard caps on similarity and on picks per scaffold. Far fewer molecules than the whole ranking need fingerprints:
a shortlist is widened only when the caps leave the batch unfilled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    ranked_smiles: Sequence[str], *, n: int, diversity: Diversity, known: PackedFingerprints | None = None
) -> list[Pick]:
    """Up to ``n`` picks from molecules given best first; fewer only if the caps allow no more.

    Raises
    ------
    InputError : a SMILES cannot be read
    """
    size = max(_FIRST_SHORTLIST, _SHORTLIST_PER_PICK * n)
    while True:
        picks = _pick_from(ranked_smiles[:size], n=n, diversity=diversity, known=known)
        if len(picks) >= n or size >= len(ranked_smiles):
            return picks
        size *= 4


def _pick_from(smiles: Sequence[str], *, n: int, diversity: Diversity, known: PackedFingerprints | None) -> list[Pick]:
    molecules = [parse_smiles(text) for text in smiles]
    fingerprints = np.array([morgan_fingerprint(molecule) for molecule in molecules])
    scaffolds = [murcko_scaffold(molecule) for molecule in molecules]
    limits_fragments = diversity.max_per_fragment is not None
    fragments = [fused_ring_systems(molecule) if limits_fragments else frozenset() for molecule in molecules]
    to_known = np.zeros(len(smiles), dtype=np.float32) if known is None else max_similarity(fingerprints, known)
    to_batch = np.zeros(len(smiles), dtype=np.float32)
    quality = 1.0 - np.arange(len(smiles)) / max(1, len(smiles))
    is_open = to_known <= np.float32(diversity.max_similarity_to_known)
    picks: list[Pick] = []
    per_scaffold: Counter[str] = Counter()
    per_fragment: Counter[str] = Counter()
    while len(picks) < n and is_open.any():
        utility = (1.0 - diversity.trade_off) * quality + diversity.trade_off * (1.0 - to_batch)
        best = int(np.argmax(np.where(is_open, utility, -np.inf)))
        nearest = float(to_batch[best]) if picks else None
        picks.append(Pick(best, scaffolds[best], nearest, None if known is None else float(to_known[best])))
        per_scaffold[scaffolds[best]] += 1
        if per_scaffold[scaffolds[best]] >= diversity.max_per_scaffold:
            is_open &= np.array([scaffold != scaffolds[best] for scaffold in scaffolds])
        per_fragment.update(fragments[best])
        spent = {fragment for fragment in fragments[best] if per_fragment[fragment] == diversity.max_per_fragment}
        if spent:
            is_open &= np.array([spent.isdisjoint(held) for held in fragments])
        to_batch = np.maximum(to_batch, tanimoto_matrix(fingerprints, fingerprints[best : best + 1])[:, 0])
        is_open &= to_batch <= np.float32(diversity.max_similarity)
        is_open[best] = False
    return picks
