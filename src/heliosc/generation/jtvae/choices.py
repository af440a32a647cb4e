"""Which decisions of a sampled molecule were free, and what words it could choose among."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import BoolArray, LegalMoves, PartialMolecule


class Choices(NamedTuple):
    """The freedom of the sampler; events and made events in the order of ``schedule.tree_columns``.

    Attributes
    ----------
    free : (n_events,) whether going on or stopping was a choice: something fits, and no atom had to be filled
    words : (n_made, n_words) words that fitted
    """

    free: BoolArray
    words: BoolArray


def choices_of(tree: JunctionTree, legal: LegalMoves) -> Choices:
    """Walk a tree depth first as the sampler did.

    Left out are its limit of atoms, which few molecules meet, and that words are fewer where it would have stopped but
    had to fill an atom.
    """
    partial = PartialMolecule(legal.vocabulary, tree.words[0])
    free, words, stack, last = [], [], [0], 0
    while stack:
        node = stack[-1]
        sites = partial.open_sites(node)
        if not sites:
            stack.pop()
            continue
        fitting = legal.words(frozenset(sites.values()))
        unfinished = [sites[site] for site in partial.unfinished_sites(node) if site in sites]
        free.append(bool(fitting.any()) and not any(legal.ports(state).any() for state in unfinished))
        if last + 1 == len(tree) or tree.parents[last + 1] != node:
            stack.pop()
            continue
        last += 1
        words.append(fitting)
        stack.append(partial.attach(node, site=tree.sites[last], word=tree.words[last], port=tree.ports[last]))
    n_words = len(legal.vocabulary)
    return Choices(np.array(free, dtype=bool), np.array(words, dtype=bool).reshape(-1, n_words))
