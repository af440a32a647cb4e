"""Asking a JT-VAE for windows of property values."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.properties import PropertyKey, PropertyTable

GAP = PropertyKey("homo_lumo_gap", "gfn2")
SMILES = [f"{'C' * n}c1ccc({end})cc1" for n in range(1, 9) for end in ("F", "C#N", "-c2cccs2")]


@pytest.fixture(scope="module")
def model() -> JTVAE:
    """The gap of these molecules is the length of their alkyl chain."""
    values = np.array([[float(text.index("c"))] for text in SMILES])
    config = JTVAEConfig(
        ModelConfig(hidden=32, word_size=16, place_size=8, tree_latent=8, graph_latent=8),
        TrainingConfig(epochs=16, batch_size=8, learning_rate=1e-2, held_out=0.0, beta=1e-3, word_dropout=0.0),
    )
    table = PropertyTable(tuple(SMILES), (GAP,), values)
    return JTVAE.train(SMILES, properties=table, config=config, seed=0, device="cpu", n_evaluation_samples=0)


def mean_chain(smiles: list[str]) -> float:
    return float(np.mean([text.count("C") for text in smiles]))


def test_windows_move_the_samples(model: JTVAE) -> None:
    long = model.generate(80, seed=0, windows={GAP: (6.5, np.inf)})
    short = model.generate(80, seed=0, windows={GAP: (-np.inf, 2.5)})
    assert mean_chain(long) > mean_chain(model.generate(80, seed=0)) > mean_chain(short)
    assert model.generate(80, seed=0, windows={GAP: (6.5, np.inf)}) == long


def test_molecules_of_one_latent_vector_share_its_value(model: JTVAE) -> None:
    found = model.generate(6, seed=0, windows={GAP: (3.0, 5.0)}, n_per_latent=3, temperature=0.0)
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4] == found[5]


def test_windows_that_make_no_sense_are_refused(model: JTVAE) -> None:
    with pytest.raises(InputError, match="holds nothing"):
        model.generate(1, seed=0, windows={GAP: (5.0, 3.0)})
    with pytest.raises(InputError, match="by value and by window"):
        model.generate(1, seed=0, conditions={GAP: 4.0}, windows={GAP: (3.0, 5.0)})
    with pytest.raises(InputError, match="cannot be asked for lambda_hole"):
        model.generate(1, seed=0, windows={PropertyKey("lambda_hole", "gfn2"): (0.0, 0.2)})
