"""bfloat16 training: the same losses within its digits, parameters and sums in single precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from heliosc.generation.jtvae.config import JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.encoder import sum_by
from heliosc.generation.jtvae.feeding import TrainingSet
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare, read_graphs
from heliosc.generation.jtvae.train import EpochReport, Trainer
from heliosc.generation.jtvae.valence import LegalMoves

SMALL = ModelConfig(hidden=32, word_size=16, place_size=8, tree_latent=8, graph_latent=8)
SETTINGS = TrainingConfig(epochs=3, batch_size=8, learning_rate=3e-3)


def trained(smiles: list[str], *, amp: bool) -> tuple[list[EpochReport], torch.nn.Module]:
    graphs, _ = read_graphs(smiles)
    vocabulary = build_vocabulary(graphs.values())
    prepared = prepare(smiles, vocabulary, LegalMoves(vocabulary)).prepared
    torch.manual_seed(0)
    network = build_network(JTVAEConfig(model=SMALL), vocabulary, n_properties=1, device=torch.device("cpu"))
    targets = np.linspace(-1, 1, len(prepared))[:, None]
    trainer = Trainer(network, TrainingSet(prepared, targets, np.ones(1)), config=replace(SETTINGS, amp=amp), seed=0)
    return trainer.run(), network


def test_mixed_precision_learns_as_single_precision_does(hard_molecules: list[str]) -> None:
    single, _ = trained(hard_molecules[20:44], amp=False)
    mixed, network = trained(hard_molecules[20:44], amp=True)
    assert mixed != single  # it was used
    for name in ("reconstruction", "kl", "property_error"):
        for a, b in zip(single, mixed, strict=True):
            assert getattr(b, name) == pytest.approx(getattr(a, name), rel=0.05)
    assert mixed[-1].reconstruction < mixed[0].reconstruction
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_long_sums_keep_their_digits() -> None:
    """1,000 ones: bfloat16 alone stops at 256."""
    values = torch.ones(1000, 1, dtype=torch.bfloat16)
    assert sum_by(values, torch.zeros(1000, dtype=torch.int64), 1).item() == 1000
