"""Novelty against everything known, by connectivity: a stereoisomer or isotopologue of a known molecule is not new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.identity import parse_smiles, skeleton_key


def skeleton_keys(smiles: Iterable[str]) -> list[str]:
    """First InChIKey block of each molecule.

    Raises
    ------
    InputError : a SMILES cannot be read or has no InChIKey
    """
    return [skeleton_key(parse_smiles(text)) for text in smiles]


def novel_mask(smiles: Sequence[str], known: Collection[str]) -> NDArray[np.bool_]:
    """(n,) which molecules are neither in ``known`` (skeleton keys) nor a repeat of one earlier in the list.

    Raises
    ------
    InputError : see ``skeleton_keys``
    """
    seen = set(known)
    mask = np.zeros(len(smiles), dtype=bool)
    for index, key in enumerate(skeleton_keys(smiles)):
        mask[index] = key not in seen
        seen.add(key)
    return mask
