"""How different the molecules of each round are: from each other and from what was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.fingerprints import PackedFingerprints, max_similarity, morgan_fingerprints, tanimoto_matrix
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import murcko_scaffold


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of one round's molecules.

    Attributes
    ----------
    similarity : mean Tanimoto similarity of its pairs; NaN for a single molecule
    to_known : mean Tanimoto similarity to the nearest molecule known before; NaN where none was
    new_scaffolds : Murcko scaffolds that no earlier candidate has, a molecule
    """

    similarity: float
    to_known: float
    new_scaffolds: float


def diversity_by_round(rounds: Mapping[int, Sequence[CandidateRecord]], known: Sequence[str]) -> dict[int, Diversity]:
    """Diversity of each round, in order; ``known`` are the molecules from before the first."""
    before = morgan_fingerprints(known)
    scaffolds: set[str] = set()
    found = {}
    for index, records in sorted(rounds.items()):
        fresh = morgan_fingerprints(record.smiles for record in records)
        own = [murcko_scaffold(parse_smiles(record.smiles)) for record in records]
        n_new = len(set(own) - scaffolds)
        found[index] = Diversity(
            _mean_of_pairs(fresh),
            float(max_similarity(fresh, before).mean()) if len(before) else float("nan"),
            n_new / len(records),
        )
        scaffolds |= set(own)
        before = np.concatenate([before, fresh])
    return found


def _mean_of_pairs(fingerprints: PackedFingerprints) -> float:
    n = len(fingerprints)
    if n < 2:
        return float("nan")
    return float((tanimoto_matrix(fingerprints, fingerprints).sum() - n) / (n * (n - 1)))
