"""How different the chosen molecules are: from each other, from what was known, and where they lie among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.fingerprints import PackedFingerprints, max_similarity, morgan_fingerprints, tanimoto_matrix
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import murcko_scaffold
from heliosc.report.figures import BLUE, GREY, ORANGE, canvas, legend, marker, round_colour

FloatArray = NDArray[np.float64]

MAX_MAPPED = 2_000
"""Known molecules on the map: more would only blacken it."""


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


def diversity_figure(found: Mapping[int, Diversity]) -> Figure:
    """Three curves over the rounds."""
    figure, axes = canvas()
    rounds = list(found)
    for name, colour, style, values in (
        ("similarity of pairs", BLUE, "o-", [d.similarity for d in found.values()]),
        ("similarity to the nearest known", ORANGE, "s--", [d.to_known for d in found.values()]),
        ("share of new scaffolds", GREY, "^:", [d.new_scaffolds for d in found.values()]),
    ):
        axes.plot(rounds, values, style, color=colour, markersize=6, label=name)
    axes.set_ylim(0, 1.04)
    axes.set_xticks(rounds)
    axes.set_xlabel("round")
    axes.set_ylabel("Tanimoto similarity, share")
    axes.margins(x=0.08)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def map_figure(rounds: Mapping[int, Sequence[CandidateRecord]], known: Sequence[str], *, seed: int = 0) -> Figure:
    """Principal components of Morgan fingerprints: what was known in grey, the candidates of each round in colour.

    Raises
    ------
    InputError : a molecule cannot be read
    """
    chosen = np.random.default_rng(seed).permutation(len(known))[:MAX_MAPPED]
    groups = [morgan_fingerprints(known[row] for row in chosen)]
    groups += [morgan_fingerprints(record.smiles for record in records) for _, records in sorted(rounds.items())]
    points, shares = _principal_components(groups)
    figure, axes = canvas(width=5.6, height=4.4)
    if len(points[0]):
        axes.plot(*points[0].T, ".", color=GREY, markersize=3.5, alpha=0.4, label=f"known ({len(known)})")
    for position, (index, cloud) in enumerate(zip(sorted(rounds), points[1:], strict=True)):
        axes.plot(*cloud.T, marker(position), color=round_colour(position, len(rounds)), markersize=6,
                  markeredgecolor="white", markeredgewidth=0.6, label=f"round {index}")  # fmt: skip
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"second ({shares[1]:.0%})")
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return figure


def _principal_components(groups: Sequence[PackedFingerprints]) -> tuple[list[FloatArray], FloatArray]:
    """(n, 2) of each group, and the shares of the variance; the signs are fixed, so that a map can be drawn again."""
    bits = np.unpackbits(np.concatenate(groups), axis=1).astype(np.float64)
    centred = bits - bits.mean(axis=0)
    _, lengths, axes = randomized_svd(centred, 2, random_state=0)
    first = axes.T
    first = first * np.where(first[np.abs(first).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return np.split(centred @ first, ends), lengths**2 / max(float((centred**2).sum()), 1e-12)


def _mean_of_pairs(fingerprints: PackedFingerprints) -> float:
    n = len(fingerprints)
    if n < 2:
        return float("nan")
    return float((tanimoto_matrix(fingerprints, fingerprints).sum() - n) / (n * (n - 1)))
