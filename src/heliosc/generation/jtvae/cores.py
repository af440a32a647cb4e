"""Molecules that keep a given core: the decoder is made to begin with it and grows the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.generation.jtvae.decoding import DecodingOptions
from heliosc.generation.jtvae.generator import JTVAE
from heliosc.generation.jtvae.molecule_graph import constitution
from heliosc.properties import PropertyKey


@dataclass(frozen=True, slots=True)
class GrownCores:
    """Molecules grown on a core.

    Attributes
    ----------
    smiles : distinct molecules that hold the core and are more than it, in the order in which they were made
    n_asked : molecules decoded
    n_kept : of these, molecules that hold the core
    n_bare : of these, molecules that are the core and nothing else
    """

    smiles: tuple[str, ...]
    n_asked: int
    n_kept: int
    n_bare: int

    @property
    def success_rate(self) -> float:
        """Share of the molecules decoded that hold the core; NaN of none."""
        return self.n_kept / self.n_asked if self.n_asked else float("nan")


def grow_core(
    model: JTVAE,
    core: str,
    n: int,
    *,
    seed: int,
    conditions: Mapping[PropertyKey, float] | None = None,
    windows: Mapping[PropertyKey, tuple[float, float]] | None = None,
    **decoding: Unpack[DecodingOptions],
) -> GrownCores:
    """Decode ``n`` latent vectors of the prior, each beginning with the core.

    The core's junction tree is given as the first nodes; then every node, the last first, is offered children at its
    free valences, as many as the decoder wants. Atoms and bonds of the core stay, and each result is still checked as a
    substructure: where the growth changes which rings are aromatic, the match is lost and counted.

    Parameters
    ----------
    core : a whole molecule; hydrogen stands where it may grow. Stereo marks are dropped
    conditions, windows, decoding : as of ``JTVAE.generate``

    Raises
    ------
    InputError : a core that cannot be decomposed into words of the vocabulary, or an unknown property
    """
    pattern = constitution(core)
    bare = Chem.MolToSmiles(pattern)
    decoded = model.sample(n, seed=seed, conditions=conditions, windows=windows, core=core, **decoding)
    found = [sample.smiles for sample in decoded if sample.smiles is not None]
    kept = [smiles for smiles in found if parse_smiles(smiles).HasSubstructMatch(pattern)]
    grown = dict.fromkeys(smiles for smiles in kept if smiles != bare)
    return GrownCores(tuple(grown), n, len(kept), kept.count(bare))
