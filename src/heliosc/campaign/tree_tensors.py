"""Fragment vocabulary and junction trees of the training molecules, as files that other programs can read too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from heliosc.errors import InputError
from heliosc.files import write_atomically

VOCABULARY_FILE = "vocabulary.json"
TREES_FILE = "trees.safetensors"
REFUSED_FILE = "trees_refused.json"


@dataclass(frozen=True, slots=True)
class TreeTensors:
    """What was written: molecules with a tree, those without, different fragments."""

    n_trees: int
    n_refused: int
    n_words: int


def write_tree_tensors(
    smiles: Sequence[str], out: Path, *, on_molecule: Callable[[], object] = lambda: None
) -> TreeTensors:
    """Decompose molecules and write their trees.

    ``trees.safetensors`` holds the rows of all trees side by side: ``molecule`` (n_trees,) index into ``smiles``,
    ``n_nodes`` (n_trees,), ``word``, ``port``, ``site`` (n_nodes in all,) as in ``JunctionTree``, and ``adjacency``
    (n_edges in all, 2), parent and child counted from the first node of all. ``vocabulary.json`` holds the fragments
    with their counts and the RDKit version.

    Raises
    ------
    InputError : no molecule has a tree
    ResourceError : a file cannot be written
    """
    from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
    from heliosc.generation.jtvae.tree import junction_tree
    from heliosc.generation.jtvae.vocabulary import Vocabulary

    vocabulary, graphs, refused = Vocabulary(), {}, {}
    for index, text in enumerate(smiles):
        try:
            graph = molecule_graph(constitution(text))
            vocabulary.count(graph, junction_tree(graph, vocabulary, grow=True).words)
            graphs[index] = graph
        except InputError as error:
            refused[text] = str(error)
        on_molecule()
    if not graphs:
        first = next(iter(refused.values()), "there is none")
        raise InputError(f"none of {len(smiles)} molecules has a junction tree; first reason: {first}")
    vocabulary = vocabulary.sorted_by_count()
    trees = [junction_tree(graph, vocabulary) for graph in graphs.values()]
    tensors: dict[str, np.ndarray] = {
        "molecule": np.array(list(graphs), dtype=np.int64),
        "n_nodes": np.array([len(tree) for tree in trees], dtype=np.int32),
        **{
            name: np.array([value for tree in trees for value in getattr(tree, f"{name}s")], dtype=np.int32)
            for name in ("word", "port", "site")
        },
        "adjacency": _adjacency([tree.parents for tree in trees]),
    }
    write_atomically(out / VOCABULARY_FILE, json.dumps(vocabulary.to_document()) + "\n")
    write_atomically(out / TREES_FILE, save(tensors))
    write_atomically(out / REFUSED_FILE, json.dumps(refused, indent=1) + "\n")
    return TreeTensors(len(trees), len(refused), len(vocabulary))


def _adjacency(parents: Sequence[Sequence[int]]) -> np.ndarray:
    """(n_edges, 2) parent and child, numbered through all trees."""
    first, edges = 0, []
    for tree in parents:
        edges += [(first + parent, first + child) for child, parent in enumerate(tree) if parent >= 0]
        first += len(tree)
    return np.array(edges, dtype=np.int32).reshape(-1, 2)
