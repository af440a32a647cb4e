"""Whether enumeration at the end gives the stereoisomers back that a generator of constitutions leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rdkit import Chem

from heliosc.chemistry.identity import canonical_smiles
from heliosc.generation.stereo import stereoisomers

MAX_ISOMERS = 64
"""Combinations looked at of one constitution."""


@dataclass(frozen=True, slots=True)
class StereoFigures:
    """Counts of molecules.

    Attributes
    ----------
    n : molecules with E/Z or tetrahedral marks
    n_enumerated : of these, molecules that are among the stereoisomers of their constitution
    n_recovered : of these, molecules whose constitution also came back
    """

    n: int
    n_enumerated: int
    n_recovered: int


def stereo_figures(smiles: Sequence[str], returned: Mapping[str, str | None]) -> StereoFigures:
    """Compare exact isomeric SMILES; what a molecule leaves open may come out either way.

    Parameters
    ----------
    smiles : readable molecules, with or without marks
    returned : canonical constitution -> what became of it
    """
    marked = [text for text in smiles if any(mark in text for mark in "@/\\") and _plain(text) != _exact(text)]
    enumerated = [text for text in marked if is_enumerated(text)]
    recovered = sum(returned.get(_plain(text)) == _plain(text) for text in enumerated)
    return StereoFigures(len(marked), len(enumerated), recovered)


def is_enumerated(smiles: str) -> bool:
    """Whether a molecule is among at most ``MAX_ISOMERS`` stereoisomers of its constitution."""
    wanted = stereoisomers(smiles, limit=MAX_ISOMERS).smiles
    return not set(wanted).isdisjoint(stereoisomers(_plain(smiles), limit=MAX_ISOMERS).smiles)


def _exact(text: str) -> str:
    return str(Chem.CanonSmiles(canonical_smiles(text)))


def _plain(text: str) -> str:
    return str(Chem.CanonSmiles(canonical_smiles(text, stereo=False)))
