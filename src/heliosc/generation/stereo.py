"""Stereoisomers of a constitution: generators make constitutions; E/Z and tetrahedral marks are put on at the end."""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import (
    EnumerateStereoisomers,
    GetStereoisomerCount,
    StereoEnumerationOptions,
)

from heliosc.chemistry.identity import parse_smiles

_SEED = 0
"""Which isomers are kept beyond the limit is drawn at random, the same ones in every run."""


@dataclass(frozen=True, slots=True)
class Stereoisomers:
    """Stereoisomers of one molecule.

    Attributes
    ----------
    smiles : distinct canonical isomeric SMILES, sorted; the molecule itself where it has none
    n_possible : combinations of the marks that can be set; mirror images that are the same molecule, and those that a
        rigid ring system forbids, are counted
    """

    smiles: tuple[str, ...]
    n_possible: int


def stereoisomers(smiles: str, *, limit: int) -> Stereoisomers:
    """E/Z and tetrahedral isomers; marks that are set stay.

    Parameters
    ----------
    limit : at most so many combinations are made

    Raises
    ------
    InputError : unreadable
    """
    molecule = parse_smiles(smiles)
    options = StereoEnumerationOptions(onlyUnassigned=True, unique=True, maxIsomers=limit, rand=_SEED)
    n_possible = GetStereoisomerCount(molecule, options=options)
    found = {Chem.CanonSmiles(Chem.MolToSmiles(isomer)) for isomer in EnumerateStereoisomers(molecule, options=options)}
    return Stereoisomers(tuple(sorted(found)), n_possible)
