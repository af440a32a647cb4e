"""The JT-VAE as users meet it, at toy size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.io import MODEL_FILE, WEIGHTS_FILE
from heliosc.generation.jtvae.making import CHECKPOINT_FILE
from heliosc.generation.protocol import Generator
from heliosc.properties import PropertyKey, PropertyTable

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
DIPOLE = PropertyKey("dipole_moment", "gfn2")
CONFIG = JTVAEConfig(
    ModelConfig(hidden=32, word_size=16, place_size=8, tree_latent=8, graph_latent=8),
    TrainingConfig(epochs=2, batch_size=16, held_out=0.0),
)


@pytest.fixture(scope="module")
def smiles(hard_molecules: list[str]) -> list[str]:
    return hard_molecules


@pytest.fixture(scope="module")
def table(smiles: list[str]) -> PropertyTable:
    values = np.random.default_rng(0).normal(size=(len(smiles), 2))
    values[::3, 1] = np.nan
    return PropertyTable(tuple(smiles), (IE, DIPOLE), values)


@pytest.fixture(scope="module")
def model(smiles: list[str], table: PropertyTable) -> JTVAE:
    return JTVAE.train(smiles, properties=table, config=CONFIG, seed=3, device="cpu", n_evaluation_samples=20)


def weights_of(model: JTVAE) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.network.named_parameters()}


def assert_same_weights(a: JTVAE, b: JTVAE) -> None:
    for name, value in weights_of(a).items():
        assert torch.equal(value, weights_of(b)[name]), name


@pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
def test_untrained_decoder_makes_only_legal_molecules(
    smiles: list[str], table: PropertyTable, temperature: float
) -> None:
    """Nearly random weights: whatever they choose, every molecule sanitises and keeps to the vocabulary's elements."""
    config = replace(CONFIG, training=replace(CONFIG.training, epochs=1, learning_rate=1e-6))
    model = JTVAE.train(smiles, properties=table, config=config, seed=1, device="cpu", n_evaluation_samples=0)
    found = model.sample(80, seed=0, temperature=temperature)
    assert len(found) == 80
    for sample in found:
        molecule = Chem.MolFromSmiles(sample.smiles)
        assert Chem.MolToSmiles(molecule) == sample.smiles
        assert sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()) == 0
        assert "." not in sample.smiles


def test_is_a_generator(model: JTVAE) -> None:
    assert isinstance(model, Generator)


def test_same_seed_same_model_and_molecules(smiles: list[str], table: PropertyTable, model: JTVAE) -> None:
    twin = JTVAE.train(smiles, properties=table, config=CONFIG, seed=3, device="cpu", n_evaluation_samples=20)
    assert_same_weights(twin, model)
    assert twin.generate(12, seed=5) == model.generate(12, seed=5)
    assert twin.generate(12, seed=5) != model.generate(12, seed=6)


def test_saved_model_is_the_same(model: JTVAE, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    twin = JTVAE.load(tmp_path / "m", device="cpu")
    assert_same_weights(twin, model)
    assert twin.metrics == model.metrics
    assert twin.scale == model.scale
    some = ["c1ccc2c(c1)[nH]c1ccccc12", "CS(=O)c1ccccc1"]
    np.testing.assert_array_equal(twin.encode(some), model.encode(some))
    assert twin.reconstruct(some) == model.reconstruct(some)


def test_killed_training_goes_on_to_the_same_weights(smiles: list[str], table: PropertyTable, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(report) -> None:
        if report.epoch == 1:
            raise KilledError

    def train(**more) -> JTVAE:
        return JTVAE.train(
            smiles, properties=table, config=CONFIG, seed=3, device="cpu", n_evaluation_samples=0, **more
        )

    with pytest.raises(KilledError):
        train(progress=kill, checkpoint_folder=tmp_path)
    seen = []
    resumed = train(progress=seen.append, checkpoint_folder=tmp_path)
    assert [report.epoch for report in seen] == [2]
    assert_same_weights(resumed, train())


def test_checkpoint_of_another_training_is_refused(smiles: list[str], tmp_path: Path) -> None:
    config = replace(CONFIG, training=replace(CONFIG.training, epochs=1))
    some = smiles[:6]
    JTVAE.train(some, config=config, seed=1, device="cpu", checkpoint_folder=tmp_path, n_evaluation_samples=0)
    with pytest.raises(InputError, match="other data, settings or seed"):
        JTVAE.train(some, config=config, seed=2, device="cpu", checkpoint_folder=tmp_path, n_evaluation_samples=0)
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"half a file")
    with pytest.raises(InputError, match="damaged"):
        JTVAE.train(some, config=config, seed=1, device="cpu", checkpoint_folder=tmp_path, n_evaluation_samples=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_a_condition_that_is_no_usable_number_is_refused(model: JTVAE, value: float) -> None:
    small = replace(model.scale, std=(1e-3, 1e-3))
    with pytest.raises(InputError, match=r"cannot be asked for; expected a finite number, near"):
        small.asked({DIPOLE: value})


@pytest.mark.parametrize("temperature", [np.nan, np.inf, -1.0])
def test_a_temperature_without_meaning_is_refused(model: JTVAE, temperature: float) -> None:
    with pytest.raises(InputError, match="finite temperature"):
        model.sample(1, seed=0, temperature=temperature)
    with pytest.raises(InputError, match="finite temperature"):
        model.decode(np.zeros((1, 16)), temperature=temperature)


@pytest.mark.parametrize("wrong", [{"epochs": -1}, {"lr": np.nan}, {"lr": 0.0}])
def test_a_schedule_of_fine_tuning_without_meaning_is_refused(model: JTVAE, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="fine-tuning with"):
        model.fine_tune(["c1ccsc1"], **wrong)


def test_values_of_a_table_spelt_otherwise_are_evaluated_too(smiles: list[str], table: PropertyTable) -> None:
    config = replace(CONFIG, training=replace(CONFIG.training, epochs=1, held_out=0.3))
    respelt = tuple(Chem.MolToSmiles(Chem.MolFromSmiles(text), rootedAtAtom=1) for text in smiles)
    assert len(set(respelt) - set(smiles)) > len(smiles) / 2
    metrics = [
        JTVAE.train(smiles, properties=known, config=config, device="cpu", n_evaluation_samples=0).metrics
        for known in (table, PropertyTable(respelt, table.keys, table.values))
    ]
    assert metrics[0]["property_mae"] == metrics[1]["property_mae"] != {}


def test_damaged_folders_are_refused(model: JTVAE, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no generator"):
        JTVAE.load(tmp_path / "absent")
    folder = tmp_path / "m"
    model.save(folder)
    weights = folder / WEIGHTS_FILE
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(InputError, match="hash differs"):
        JTVAE.load(folder)
    model.save(folder)
    document = json.loads((folder / MODEL_FILE).read_text())
    document["vocabulary"]["words"].pop()
    (folder / MODEL_FILE).write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"vocabulary .* changed"):
        JTVAE.load(folder)
    (folder / MODEL_FILE).write_text("{")
    with pytest.raises(InputError, match="damaged"):
        JTVAE.load(folder)
    (folder / MODEL_FILE).write_text(json.dumps({"kind": "forest", "format": 1}))
    with pytest.raises(InputError, match="expected 'jtvae'"):
        JTVAE.load(folder)


def test_conditions_are_checked_and_change_the_draws(model: JTVAE) -> None:
    with pytest.raises(InputError, match="cannot be asked for lambda_hole"):
        model.generate(1, seed=0, conditions={PropertyKey("lambda_hole", "gfn2"): 0.1})
    assert len(model.generate(10, seed=0, conditions={IE: 2.0})) == 10
    assert model.generate(10, seed=0, conditions={IE: 2.0}) != model.generate(10, seed=0)


def test_what_cannot_be_encoded_is_refused_and_listed_by_covers(model: JTVAE) -> None:
    given = ["c1ccc2c(c1)[nH]c1ccccc12", "C1CCCCCCC1", "not a molecule", "c1ccc2c(c1)[nH]c1ccccc12"]
    assert model.covers(given) == [True, False, False, True]
    with pytest.raises(InputError, match="2 of 4"):
        model.encode(given)
    assert model.encode([given[0], given[3]]).shape == (2, 16)


def test_fine_tuning_learns_new_words_in_place(model: JTVAE, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    tuned = JTVAE.load(tmp_path / "m", device="cpu")
    new = ["C1CCCCCCC1c1ccccc1", "c1ccc2c(c1)[nH]c1ccccc12"]
    assert tuned.covers(new) == [False, True]
    report = tuned.fine_tune(new, properties=None, weights=np.array([1.0, 0.5]), epochs=1, lr=1e-3, seed=0)
    assert (report.n_used, report.refused) == (2, {})
    assert report.n_new_words == len(tuned.vocabulary) - len(model.vocabulary) > 0
    assert tuned.covers(new) == [True, True]
    tuned.save(tmp_path / "tuned")
    assert JTVAE.load(tmp_path / "tuned", device="cpu").generate(5, seed=1) == tuned.generate(5, seed=1)
    with pytest.raises(InputError, match="weights"):
        tuned.fine_tune(new, weights=np.array([1.0]))


def test_neighbours_at_radius_zero_are_the_reconstructions(model: JTVAE) -> None:
    start = ["c1ccc2c(c1)[nH]c1ccccc12", "CS(=O)c1ccccc1"]
    assert model.neighbours(start, 4, seed=0, radius=0.0) == model.reconstruct(start) * 2
    assert len(model.neighbours(start, 5, seed=0)) == 5


def test_overfitted_model_gives_its_molecules_back() -> None:
    """If encoder, schedule and decoder disagreed on any number, nothing could be learned by heart."""
    few = [
        "c1ccc2c(c1)[nH]c1ccccc12",
        "Cc1ccc(-c2cccs2)cc1",
        "Cc1ccc(-c2ccsc2)cc1",
        "N#Cc1ccc(N(C)C)cc1",
        "CS(=O)(=O)C",
    ]
    training = TrainingConfig(epochs=80, learning_rate=8e-3, held_out=0.0, beta=1e-4, word_dropout=0.0)
    config = JTVAEConfig(replace(CONFIG.model, hidden=48), training)
    model = JTVAE.train(few, config=config, seed=0, device="cpu", n_evaluation_samples=0)
    assert model.reconstruct(few) == [Chem.CanonSmiles(text) for text in few]


def test_held_out_side_is_fixed_by_the_skeleton() -> None:
    many = [f"{'C' * n}c1ccccc1" for n in range(1, 60)]
    training, held_out = split_held_out(many, 0.2)
    assert 3 <= len(held_out) <= 22
    assert sorted(training + held_out) == sorted(many)
    again, _ = split_held_out(many[::-1], 0.2)
    assert set(again) == set(training)
    left, right = split_held_out(["C/C=C/c1ccccc1", "C/C=C\\c1ccccc1"], 0.5)
    assert len(left) in (0, 2)
    assert len(right) in (0, 2)


def test_nothing_usable_is_refused() -> None:
    with pytest.raises(InputError, match="none of 2"):
        JTVAE.train(["C", "xyz"], config=CONFIG, device="cpu")
