"""Likelihoods of sampled molecules, and the decoder that learns from what they earn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.generation.jtvae import JTVAE, JTVAEConfig
from heliosc.generation.jtvae.arrays import RowReader
from heliosc.generation.jtvae.assemble import finish
from heliosc.generation.jtvae.batch import make_batch
from heliosc.generation.jtvae.choices import choices_of
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Chunk, DecodeLimits, finished
from heliosc.generation.jtvae.likelihood import log_likelihoods
from heliosc.generation.jtvae.policy import PolicySettings, advantages
from heliosc.generation.jtvae.schedule import prepare
from heliosc.generation.jtvae.valence import LegalMoves, PartialMolecule

SMILES = [
    "Cc1ccc(-c2ccc(C#N)s2)cc1N(C)C", "c1ccc2c(c1)[nH]c1ccccc12", "CC", "c1ccsc1", "c1ccc(-c2cccs2)cc1",
    "Cc1ccccc1", "N#Cc1ccccc1", "CCc1cccs1", "Cn1cccc1", "c1ccoc1",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = JTVAEConfig.of(
        hidden=24, word_size=12, place_size=8, tree_latent=4, graph_latent=4, epochs=25, learning_rate=0.03,
        held_out=0.0, batch_size=len(SMILES),
    )  # fmt: skip
    place = tmp_path_factory.mktemp("policy") / "model"
    JTVAE.train(SMILES, config=config, seed=1, device="cpu", n_evaluation_samples=8).save(place)
    return place


@pytest.fixture
def model(folder: Path) -> JTVAE:
    return JTVAE.load(folder, device="cpu")


def _of_all(decoder, latent: torch.Tensor, batch) -> torch.Tensor:
    """Likelihoods among all words."""
    free = torch.ones(len(batch["expands"]))
    words = torch.ones(len(batch.made), decoder.tables.words.num_embeddings, dtype=torch.bool)
    return log_likelihoods(decoder, latent, batch, free=free, words=words)


def test_likelihoods_of_a_batch_are_those_of_its_molecules_and_the_decoders_losses(model: JTVAE) -> None:
    reader = RowReader(prepare(SMILES, model.vocabulary, LegalMoves(model.vocabulary)).prepared)
    latent = torch.randn(len(SMILES), model.config.model.latent, generator=torch.Generator().manual_seed(0))
    network = model.network
    with torch.no_grad():
        batch = make_batch(reader, range(len(SMILES)), device=latent.device)
        together = _of_all(network.decoder, latent, batch)
        alone = [
            float(_of_all(network.decoder, latent[row : row + 1], make_batch(reader, [row], device="cpu")))
            for row in range(len(SMILES))
        ]
        losses = network.decode_losses(latent, batch, hidden_words=None)
    assert together.tolist() == pytest.approx(alone, abs=1e-4)
    assert float(together.sum()) == pytest.approx(-float(losses.total()), rel=1e-5)


def test_the_tree_of_a_sampled_molecule_builds_it_again(model: JTVAE) -> None:
    legal = LegalMoves(model.vocabulary)
    latent = torch.randn(40, model.config.model.latent, generator=torch.Generator().manual_seed(3))
    chunk = Chunk(
        model.network, legal, latent, decoding=Decoding(), limits=DecodeLimits(),
        generator=torch.Generator().manual_seed(4),
    )  # fmt: skip
    with torch.no_grad():
        grown = chunk.grow(None)
    for molecule in grown:
        tree = molecule.partial.tree()
        choices = choices_of(tree, legal)
        assert choices.words.shape == (len(tree) - 1, len(model.vocabulary))
        assert choices.words[np.arange(len(tree) - 1), tree.words[1:]].all()  # what was chosen could be chosen
        again = PartialMolecule(model.vocabulary, tree.words[0])
        for node in range(1, len(tree)):
            again.attach(tree.parents[node], site=tree.sites[node], word=tree.words[node], port=tree.ports[node])
        assert Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(finish(again)))) == finished(molecule).smiles
    assert any(len(molecule.partial.tree()) > 3 for molecule in grown)


def test_advantages_by_hand() -> None:
    # the others' means are 2.5, 2, 1.5; the spread of 1, 2, 3 is sqrt(2/3)
    assert advantages(np.array([1.0, 2.0, 3.0])) == pytest.approx(np.array([-1.5, 0.0, 1.5]) / np.sqrt(2 / 3))
    assert advantages(np.full(4, 0.3)) == pytest.approx(np.zeros(4))


def _has_sulfur(smiles: Sequence[str]) -> np.ndarray:
    """1 for small molecules with sulfur: without a limit the policy would learn to make them without end."""
    return np.array([float("s" in text.lower() and len(text) < 25) for text in smiles])


def test_what_earns_is_made_more_often_and_the_encoder_stays(model: JTVAE) -> None:
    before = model.encode(SMILES)
    policy = PolicySettings(25, batch_size=24, learning_rate=3e-3, prior_weight=0.0)
    steps = model.reinforce([({}, _has_sulfur)], settings=policy, seed=1)
    early, late = (np.mean([step.reward for step in part]) for part in (steps[:5], steps[-5:]))
    assert late > early + 0.2
    assert _has_sulfur(model.generate(200, seed=9)).mean() > early + 0.2
    assert np.array_equal(model.encode(SMILES), before)
    assert model.n_refreshes == 1


def test_the_first_decoder_holds_the_policy_back(folder: Path) -> None:
    moved = {}
    for weight in (0.0, 0.5):
        policy = PolicySettings(25, batch_size=24, learning_rate=3e-3, prior_weight=weight)
        fresh = JTVAE.load(folder, device="cpu")
        steps = fresh.reinforce([({}, _has_sulfur)], settings=policy, seed=1)
        moved[weight] = np.mean([step.distance for step in steps[-5:]])
        assert steps[0].distance == pytest.approx(0.0, abs=1e-4)
    assert moved[0.5] < 0.5 * moved[0.0]


def test_the_same_seed_gives_the_same_policy(folder: Path) -> None:
    twins = [JTVAE.load(folder, device="cpu") for _ in range(2)]
    told = [twin.reinforce([({}, _has_sulfur)], settings=PolicySettings(3, batch_size=8), seed=5) for twin in twins]
    assert told[0] == told[1]
    assert twins[0].generate(20, seed=0) == twins[1].generate(20, seed=0)


def test_nothing_is_learnt_where_all_earn_the_same(model: JTVAE) -> None:
    made = model.generate(20, seed=0)
    judgements: list[int] = []

    def unknown(smiles: Sequence[str]) -> np.ndarray:
        judgements.append(len(smiles))
        return np.full(len(smiles), np.nan)

    (step,) = model.reinforce([({}, unknown)], settings=PolicySettings(1, batch_size=16), seed=0)
    assert np.isnan(step.reward)
    assert judgements == [step.n_distinct]  # each molecule once
    assert model.generate(20, seed=0) == made


@pytest.mark.parametrize("wrong", [{"batch_size": 1}, {"learning_rate": 0.0}, {"steps": -1}, {"prior_weight": -0.1}])
def test_settings_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected steps"):
        PolicySettings(**wrong)


def test_goals_and_rewards_that_do_not_fit_are_refused(model: JTVAE) -> None:
    with pytest.raises(InputError, match="at least one goal"):
        model.reinforce([])
    with pytest.raises(InputError, match="rewards of shape"):
        model.reinforce([({}, lambda smiles: np.zeros(1_000))], settings=PolicySettings(1, batch_size=4))
