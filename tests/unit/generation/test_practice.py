"""Practice molecules: bred from the training side alone, seen by the network, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heliosc.datasets.library.load import library_smiles
from heliosc.errors import InputError
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.jtvae import JTVAE, JTVAEConfig
from heliosc.generation.jtvae.feeding import TrainingSet
from heliosc.generation.jtvae.practice import prepared_practice
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare, read_graphs
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary

HELD_OUT = 0.2
SMALL = {"hidden": 16, "word_size": 8, "place_size": 8, "tree_latent": 4, "graph_latent": 4, "epochs": 2}


@pytest.fixture(scope="module")
def training() -> list[str]:
    return split_held_out(library_smiles()[:120], HELD_OUT)[0]


@pytest.fixture(scope="module")
def vocabulary(training: list[str]) -> Vocabulary:
    return build_vocabulary(read_graphs(training)[0].values())


def test_practice_is_new_and_of_the_training_side(training: list[str], vocabulary: Vocabulary, tmp_path: Path) -> None:
    n_words = len(vocabulary)
    made = prepared_practice(training, 80, vocabulary=vocabulary, held_out=HELD_OUT, seed=1, folder=tmp_path)
    assert 30 < len(made) <= 80
    assert not set(made.smiles) & set(training)
    assert split_held_out(list(made.smiles), HELD_OUT)[1] == []
    assert len(vocabulary) == n_words
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    again = prepared_practice(training, 80, vocabulary=vocabulary, held_out=HELD_OUT, seed=1, folder=tmp_path)
    assert list(again.smiles) == list(made.smiles)
    assert file.stat().st_mtime_ns == written
    other = prepared_practice(training, 80, vocabulary=vocabulary, held_out=HELD_OUT, seed=2, folder=tmp_path)
    assert list(other.smiles) != list(made.smiles)


def test_an_epoch_sees_every_molecule_and_as_many_of_practice(training: list[str], vocabulary: Vocabulary) -> None:
    legal = LegalMoves(vocabulary)
    molecules = prepare(training[:10], vocabulary, legal).prepared
    practice = prepare(training[10:45], vocabulary, legal).prepared
    data = TrainingSet(molecules, np.zeros((10, 1)), np.ones(1), practice=practice)
    drawn = data.draw(np.random.default_rng(0))
    assert sorted(drawn[:10]) == list(range(10))
    assert len(set(drawn[10:])) == 10
    assert all(10 <= row < 45 for row in drawn[10:])
    assert set(drawn[10:]) != set(data.draw(np.random.default_rng(1))[10:])
    joined, targets = data.with_practice()
    assert list(joined.smiles) == [*molecules.smiles, *practice.smiles]
    assert np.isfinite(targets[:10]).all()
    assert np.isnan(targets[10:]).all()
    np.testing.assert_array_equal(joined.columns["word"][: len(molecules.columns["word"])], molecules.columns["word"])


def test_a_training_with_practice_can_be_resumed_and_counts_only_its_own_molecules(tmp_path: Path) -> None:
    smiles = library_smiles()[:60]
    config = JTVAEConfig.of(**SMALL, practice=1.0, held_out=HELD_OUT)
    whole = JTVAE.train(smiles, config=config, n_evaluation_samples=0, checkpoint_folder=tmp_path / "a")
    stopped = RuntimeError("stopped")

    def stop(report: object) -> None:
        raise stopped

    with pytest.raises(RuntimeError, match="stopped"):
        JTVAE.train(smiles, config=config, n_evaluation_samples=0, checkpoint_folder=tmp_path / "b", progress=stop)
    resumed = JTVAE.train(smiles, config=config, n_evaluation_samples=0, checkpoint_folder=tmp_path / "b")
    assert whole.metrics["n_training"] == resumed.metrics["n_training"] <= 60
    for (name, one), (_, other) in zip(
        whole.network.named_parameters(), resumed.network.named_parameters(), strict=True
    ):
        assert one.equal(other), name
    plain = JTVAE.train(smiles, config=JTVAEConfig.of(**SMALL, held_out=HELD_OUT), n_evaluation_samples=0)
    assert not plain.network.decoder.word.weight.equal(whole.network.decoder.word.weight)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("hiden", 3, "did you mean 'hidden'"),
        ("hidden", 2.5, "a whole number of at least 1"),
        ("hidden", True, "a whole number of at least 1"),
        ("held_out", 1, "0 to below 1"),
        ("learning_rate", 0, "a number above 0"),
        ("beta", -1, "a number 0 or more"),
        ("amp", 1, "true or false"),
        ("beta", "small", "a number 0 or more"),
    ],
)
def test_wrong_settings_are_told(name: str, value: object, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        JTVAEConfig.of(**{name: value})


def test_settings_reach_model_and_training() -> None:
    config = JTVAEConfig.of(hidden=12, beta=0.5, epochs=3)
    assert (config.model.hidden, config.training.beta, config.training.epochs) == (12, 0.5, 3)
