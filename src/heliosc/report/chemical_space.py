"""How different the chosen molecules are: from each other, from what was known, and where they lie among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from heliosc.campaign.diversity import Diversity
from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.fingerprints import PackedFingerprints, morgan_fingerprints
from heliosc.report.figures import BLUE, GREY, ORANGE, canvas, legend, marker, round_colour, round_groups

FloatArray = NDArray[np.float64]

MAX_MAPPED = 2_000
"""Known molecules on the map: more would only blacken it."""


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
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
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
    spans = round_groups(sorted(rounds))
    groups = [morgan_fingerprints(known[row] for row in chosen)]
    groups += [morgan_fingerprints(r.smiles for index in span for r in rounds[index]) for span in spans.values()]
    points, shares = _principal_components(groups)
    figure, axes = canvas(width=5.6, height=4.4)
    if len(points[0]):
        axes.plot(*points[0].T, ".", color=GREY, markersize=3.5, alpha=0.4, label=f"known ({len(known)})")
    for position, (label, cloud) in enumerate(zip(spans, points[1:], strict=True)):
        axes.plot(*cloud.T, marker(position), color=round_colour(position, len(spans)), markersize=6,
                  markeredgecolor="white", markeredgewidth=0.6, label=label)  # fmt: skip
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
