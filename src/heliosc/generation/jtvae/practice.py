"""Practice molecules: bred from the training molecules, encoded and decoded in training, and used for nothing else.

A few thousand molecules are soon known by heart, and what is learnt by heart does not carry over to new ones. Mutations
and crossovers of the training molecules show the network endless further arrangements of the same words. They have no
properties, add no words, and neither the prior nor any figure knows of them; none has the skeleton of a held-out
molecule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from heliosc.files import ensure_folder, write_atomically
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.genetic import GeneticGenerator
from heliosc.generation.genetic.breeding import GeneticSettings
from heliosc.generation.jtvae.arrays import PreparedSet
from heliosc.generation.jtvae.schedule import prepare
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary

MAX_HEAVY_ATOMS = 90
N_MUTATIONS = 0.5
"""Mean number beyond a child's first step from its parents: practice stays near the training molecules."""


def prepared_practice(
    smiles: Sequence[str], n: int, *, vocabulary: Vocabulary, held_out: float, seed: int, folder: Path | None
) -> PreparedSet:
    """Practice molecules whose words are all in the vocabulary, somewhat fewer than ``n``.

    Parameters
    ----------
    smiles : training molecules
    held_out : share of all molecules that is kept for evaluation, see ``split_held_out``
    folder : the molecules bred are kept here, for a training that is resumed

    Raises
    ------
    InputError : none of the training molecules can be a parent
    ResourceError : the folder cannot be written
    """
    bred = _bred(smiles, n, held_out=held_out, seed=seed, folder=folder)
    return prepare(bred, vocabulary, LegalMoves(vocabulary)).prepared


def _bred(smiles: Sequence[str], n: int, *, held_out: float, seed: int, folder: Path | None) -> list[str]:
    asked = f"{n} {held_out} {seed}\n" + "\n".join(smiles)
    file = None if folder is None else folder / f"practice-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.smi"
    if file is not None and file.exists():
        return file.read_text(encoding="utf-8").split()
    settings = GeneticSettings(max_population=max(len(smiles), 1), max_heavy_atoms=MAX_HEAVY_ATOMS)
    parents = GeneticGenerator.of(smiles, settings=settings)
    bred, _ = split_held_out(parents.generate(n, seed=seed, temperature=N_MUTATIONS), held_out)
    if file is not None:
        ensure_folder(file.parent)
        write_atomically(file, "\n".join(bred) + "\n")
    return bred
