"""What goes into a screening and what is refused there; light, so that only workers load the models' libraries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of the input.

    Attributes
    ----------
    numbers : row numbers in the input file
    smiles : as written there
    """

    numbers: tuple[int, ...]
    smiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row without a prediction."""

    row: int
    smiles: str
    reason: str


@dataclass(frozen=True, slots=True)
class Domain:
    """What the models are for: neutral closed-shell molecules of one piece.

    Attributes
    ----------
    elements : symbols that are usual; those that a model learnt beyond them are added when it is loaded
    """

    elements: frozenset[str]
