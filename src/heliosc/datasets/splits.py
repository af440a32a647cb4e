"""Deterministic splits into training, validation and test rows; no molecule is on two sides.

Molecules are told apart by the connectivity block of the InChIKey, so stereoisomers and repeated rows stay together.
The side depends on the seed and the molecule alone: adding molecules to a table moves none of the others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.chemistry.scaffolds import murcko_scaffold
from heliosc.errors import InputError

IndexArray = NDArray[np.intp]
DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of the three sides, ascending; together every row once."""

    train: IndexArray
    validation: IndexArray
    test: IndexArray


def random_split(
    smiles: Sequence[str],
    *,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    skeletons: Sequence[str] | None = None,
) -> Split:
    """Split by a hash of seed and molecule; the fractions hold on average.

    Parameters
    ----------
    skeletons : connectivity blocks of the InChIKeys where they are known; computing them takes 1 ms a molecule

    Raises
    ------
    InputError : an unreadable SMILES, or fractions that do not add up to 1
    """
    limits = np.cumsum(_checked(fractions))[:2]
    draws = np.array([_uniform(seed, key) for key in skeletons or _skeletons(smiles)])
    return _sides(np.searchsorted(limits, draws, side="right"))


def stratified_split(
    smiles: Sequence[str],
    values: NDArray[np.float64],
    *,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    n_bins: int = 10,
    skeletons: Sequence[str] | None = None,
) -> Split:
    """Split each quantile bin of a target by itself, so that all sides see its whole range.

    A molecule (all rows of one skeleton) falls into the bin of its median; those without a value are their own bin.

    Parameters
    ----------
    values : (n_rows,) the target, NaN where it is unknown

    Raises
    ------
    InputError : see ``random_split``; or fewer known values than bins
    """
    train, validation, _ = _checked(fractions)
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(skeletons or _skeletons(smiles)):
        rows_of[key].append(row)
    keys = sorted(rows_of, key=lambda key: _uniform(seed, key))
    medians = np.array([_median(values[rows_of[key]]) for key in keys])
    side_of = np.empty(len(smiles), dtype=np.intp)
    shares = np.array([train, train + validation])
    n_before = 0
    for members in _quantile_bins(medians, n_bins):
        ends = np.round((n_before + len(members)) * shares) - np.round(
            n_before * shares
        )  # small bins even each other out
        n_before += len(members)
        for place, member in enumerate(members):
            side_of[rows_of[keys[member]]] = int(np.searchsorted(ends, place, side="right"))
    return _sides(side_of)


def scaffold_split(
    smiles: Sequence[str],
    *,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    skeletons: Sequence[str] | None = None,
) -> Split:
    """Split whole Bemis-Murcko scaffolds, so that test molecules have ring systems unseen in training.

    Scaffolds come in the order of their hash and go to test, then validation, while the side has room; one that does
    not fit goes to training, so common scaffolds are trained on. Scaffolds of one skeleton (tautomers such as
    2-pyridone and 2-hydroxypyridine) go together.

    Parameters
    ----------
    skeletons : see ``random_split``

    Raises
    ------
    InputError : an unreadable SMILES, or fractions that do not add up to 1

    References
    ----------
    Bemis, Murcko, J. Med. Chem. 1996, 39, 2887, 10.1021/jm9602928.
    """
    _, validation, test = _checked(fractions)
    groups: defaultdict[str, list[int]] = defaultdict(list)
    scaffolds = [murcko_scaffold(parse_smiles(text)) for text in smiles]
    for row, scaffold in enumerate(_joined_scaffolds(scaffolds, skeletons or _skeletons(smiles))):
        groups[scaffold].append(row)
    room = {2: round(test * len(smiles)), 1: round(validation * len(smiles))}
    side_of = np.zeros(len(smiles), dtype=np.intp)
    for scaffold in sorted(groups, key=lambda name: _uniform(seed, name)):
        rows = groups[scaffold]
        side = next((side for side, free in room.items() if len(rows) <= free), 0)
        if side:
            room[side] -= len(rows)
            side_of[rows] = side
    return _sides(side_of)


def _joined_scaffolds(scaffolds: Sequence[str], skeletons: Sequence[str]) -> list[str]:
    """Of each row its scaffold, or the first in the alphabet of all that are linked to it by shared skeletons."""
    parent = {scaffold: scaffold for scaffold in scaffolds}

    def root(scaffold: str) -> str:
        while parent[scaffold] != scaffold:
            scaffold = parent[scaffold] = parent[parent[scaffold]]
        return scaffold

    first_of: dict[str, str] = {}
    for scaffold, skeleton in zip(scaffolds, skeletons, strict=True):
        low, high = sorted((root(scaffold), root(first_of.setdefault(skeleton, scaffold))))
        parent[high] = low
    return [root(scaffold) for scaffold in scaffolds]


def _skeletons(smiles: Sequence[str]) -> list[str]:
    return [skeleton_key(parse_smiles(text)) for text in smiles]


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _quantile_bins(medians: NDArray[np.float64], n_bins: int) -> list[IndexArray]:
    """Members of each bin, in the order given, equally many in each; the last bin has no value."""
    known = np.flatnonzero(np.isfinite(medians))
    if len(known) < n_bins:
        raise InputError(f"{len(known)} molecules have a value; a split stratified into {n_bins} bins needs more")
    ranked = known[np.argsort(medians[known], kind="stable")]
    return [np.sort(members) for members in np.array_split(ranked, n_bins)] + [np.flatnonzero(~np.isfinite(medians))]


def _checked(fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError(f"split fractions are {fractions}; expected three numbers >= 0 that add up to 1")
    return fractions


def _uniform(seed: int, text: str) -> float:
    """A number in [0, 1) fixed by seed and text, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{text}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _sides(side_of: NDArray[np.intp]) -> Split:
    train, validation, test = (np.flatnonzero(side_of == side) for side in range(3))
    return Split(train, validation, test)
