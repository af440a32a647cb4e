"""Level-scheduled and flat tensor operations against plain recursive ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from heliosc.generation.jtvae.arrays import COLUMNS, SPACES, RowReader
from heliosc.generation.jtvae.batch import make_batch, size_sorted_batches
from heliosc.generation.jtvae.config import JTVAEConfig, ModelConfig
from heliosc.generation.jtvae.decoder import grouped_cross_entropy
from heliosc.generation.jtvae.encoder import TreePasses
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare
from heliosc.generation.jtvae.valence import LegalMoves

SMILES = ["Cc1ccc(-c2ccc(C#N)s2)cc1N(C)C", "c1ccc2c(c1)[nH]c1ccccc12", "CN1C(=O)c2ccc3C(=O)N(C)C(=O)c4ccc1c2c34", "CC"]
SMALL = ModelConfig(hidden=12, word_size=8, place_size=6, tree_latent=4, graph_latent=4)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vocabulary():
    return build_vocabulary(molecule_graph(constitution(smiles)) for smiles in SMILES)


@pytest.fixture(scope="module")
def prepared(vocabulary):
    return prepare(SMILES, vocabulary, LegalMoves(vocabulary)).prepared


@pytest.fixture
def network(vocabulary):
    torch.manual_seed(1)
    return build_network(JTVAEConfig(model=SMALL), vocabulary, n_properties=2, device=CPU)


def recursive_passes(passes: TreePasses, x: torch.Tensor, parent: list[int]) -> torch.Tensor:
    """Node outputs by recursion over one tree, one node at a time."""
    children = {i: [j for j, p in enumerate(parent) if p == i and j != i] for i in range(len(parent))}
    zero = torch.zeros(1, x.shape[1])

    def row(i: int) -> torch.Tensor:
        return x[i : i + 1]

    def up(i: int) -> torch.Tensor:
        total = sum((up(c) for c in children[i]), zero)
        gated = sum((passes.up.gate(row(i), up(c)) for c in children[i]), zero)
        return passes.up(row(i), total, gated)

    def down(i: int) -> torch.Tensor:
        if parent[i] == i:
            return zero
        p = parent[i]
        messages = [up(c) for c in children[p] if c != i] + [down(p)]
        gated = sum((passes.down.gate(row(p), m) for m in messages), zero)
        return passes.down(row(p), sum(messages, zero), gated)

    outputs = []
    for i in range(len(parent)):
        incoming = sum((up(c) for c in children[i]), zero) + down(i)
        outputs.append(torch.relu(passes.output(torch.cat([row(i), incoming], 1))))
    return torch.cat(outputs)


def test_level_passes_equal_recursion(prepared) -> None:
    torch.manual_seed(0)
    passes = TreePasses(5)
    batch = make_batch(RowReader(prepared), [2, 0, 1], device=CPU)
    x = torch.randn(len(batch["word"]), 5)
    found = passes(x, batch.levels, batch.place)
    for molecule in range(3):
        rows = (batch.molecule["nodes"] == molecule).nonzero().squeeze(1)
        parent = (batch["parent"][rows] - rows[0]).tolist()
        torch.testing.assert_close(found[rows], recursive_passes(passes, x[rows], parent), atol=1e-5, rtol=1e-4)


def test_edges_come_in_opposite_pairs(prepared) -> None:
    batch = make_batch(RowReader(prepared), range(4), device=CPU)
    assert torch.equal(batch["source"][::2], batch["target"][1::2])
    assert torch.equal(batch["target"][::2], batch["source"][1::2])


def test_batch_shifts_row_numbers(prepared) -> None:
    """Each molecule of a batch must read as it does alone."""
    reader = RowReader(prepared)
    together, alone = reader.take([1, 0]), reader.take([0])
    for name, (space, refers_to) in COLUMNS.items():
        rows = together.molecule[space] == 1
        shift = together.sizes[refers_to][0] if refers_to else 0
        np.testing.assert_array_equal(together.columns[name][rows], alone.columns[name] + shift, err_msg=name)
    assert set(together.sizes) == set(SPACES)


def test_losses_do_not_depend_on_the_batch(prepared, network) -> None:
    reader = RowReader(prepared)
    z = torch.randn(4, 8)
    latent = network.condition(z, torch.zeros(4, 2), torch.zeros(4, 2, dtype=torch.bool))
    together = network.decode_losses(latent, make_batch(reader, range(4), device=CPU), hidden_words=None)
    alone = [
        network.decode_losses(latent[i : i + 1], make_batch(reader, [i], device=CPU), hidden_words=None)
        for i in range(4)
    ]
    for name in ("topology", "word", "port", "site"):
        torch.testing.assert_close(getattr(together, name), sum(getattr(a, name) for a in alone), atol=1e-4, rtol=1e-4)


def test_posterior_does_not_depend_on_the_batch(prepared, network) -> None:
    reader = RowReader(prepared)
    together = network.encode(make_batch(reader, [3, 1, 0], device=CPU)).mean
    alone = network.encode(make_batch(reader, [0], device=CPU)).mean
    torch.testing.assert_close(together[2:], alone, atol=1e-5, rtol=1e-4)


def test_grouped_cross_entropy_equals_torch() -> None:
    logits = torch.tensor([1.0, -2.0, 0.5, 3.0, 3.0])
    group, taken = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 1, 0, 1, 0])
    expected = torch.nn.functional.cross_entropy(logits[None, :3], torch.tensor([1])) + np.log(2)
    torch.testing.assert_close(grouped_cross_entropy(logits, group, taken, 2), expected)


def test_kl_of_a_known_gaussian() -> None:
    """mean 1, variance e: 0.5 (1 + e - 1 - 1) nats a dimension."""
    from heliosc.generation.jtvae.network import Posterior

    kl = Posterior(torch.ones(1, 3), torch.ones(1, 3)).kl()
    assert kl.item() == pytest.approx(1.5 * (np.e - 1))


def test_hidden_conditions_do_not_reach_the_decoder(network) -> None:
    z = torch.zeros(1, 8)
    known = torch.tensor([[True, False]])
    a = network.condition(z, torch.tensor([[0.3, 5.0]]), known)
    b = network.condition(z, torch.tensor([[0.3, float("nan")]]), known)
    assert torch.equal(a, b)
    assert a[0, -4:].tolist() == pytest.approx([0.3, 0.0, 1.0, 0.0])


def test_growing_leaves_old_words_alone(network) -> None:
    before = network.tables.words.weight.detach().clone()
    n_words, n_ports, n_sites = (
        network.tables.words.num_embeddings,
        network.tables.ports.num_embeddings - 1,
        network.tables.sites.num_embeddings - 1,
    )
    latent = torch.randn(2, 12)
    logits = network.decoder.root_logits(latent)
    network.grow(n_words=n_words + 2, n_ports=n_ports + 3, n_sites=n_sites + 5)
    assert torch.equal(network.tables.words.weight[:n_words], before)
    torch.testing.assert_close(network.decoder.root_logits(latent)[:, :n_words], logits)
    assert network.tables.sites.weight.shape[0] == n_sites + 6


def test_batches_hold_every_molecule_once() -> None:
    batches = size_sorted_batches(np.arange(50) % 7, batch_size=8, generator=np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(50))
