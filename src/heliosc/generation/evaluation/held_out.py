"""Which molecules a generator is not shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.errors import InputError


def split_held_out(smiles: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Training and held-out molecules; stereoisomers always fall on the same side.

    The side depends on a hash of the InChIKey skeleton alone, so it is the same in every run and after the list has
    grown. Input that cannot be parsed or has no InChIKey stays in training, where it is counted as refused or kept.
    """
    training: list[str] = []
    held_out: list[str] = []
    for text in smiles:
        (held_out if share > 0 and _is_held_out(text, share) else training).append(text)
    return training, held_out


def _is_held_out(text: str, share: float) -> bool:
    try:
        key = skeleton_key(parse_smiles(text))
    except InputError:
        return False
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 16**8 < share
