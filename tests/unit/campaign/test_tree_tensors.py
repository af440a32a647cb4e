"""Tree tensors read back without heliosc's own classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from heliosc.campaign.tree_tensors import write_tree_tensors
from heliosc.errors import InputError


def test_adjacency_makes_one_tree_of_each_molecule(tmp_path: Path) -> None:
    smiles = ["c1ccsc1", "Cc1ccsc1", "not a molecule", "c1csc(-c2cccs2)c1", "CCCC"]
    written = write_tree_tensors(smiles, tmp_path)
    assert (written.n_trees, written.n_refused) == (4, 1)
    trees = load_file(tmp_path / "trees.safetensors")
    assert trees["molecule"].tolist() == [0, 1, 3, 4]
    sizes = trees["n_nodes"]
    assert sizes[0] == 1  # one ring
    assert sizes[1] == 2  # ring and methyl bond
    assert sizes[2] == 3  # ring, bond, ring
    assert len(trees["adjacency"]) == (sizes - 1).sum()  # a tree has one edge less than nodes
    ends = np.cumsum(sizes)
    owner = np.searchsorted(ends, trees["adjacency"], side="right")
    assert (owner[:, 0] == owner[:, 1]).all()  # no edge between molecules
    words = json.loads((tmp_path / "vocabulary.json").read_text())["words"]
    assert trees["word"].max() < len(words) == written.n_words
    counted = np.bincount(trees["word"], minlength=len(words))
    assert counted.tolist() == [word["count"] for word in words]
    assert list(json.loads((tmp_path / "trees_refused.json").read_text())) == ["not a molecule"]


def test_nothing_to_decompose_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of 1 molecules"):
        write_tree_tensors(["nonsense"], tmp_path)
    assert list(tmp_path.iterdir()) == []
