import json
from dataclasses import replace

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.evaluate import evaluate_surrogate
from heliosc.surrogates.schnet import KnownGeometries, MissingGeometry, MolecularGeometry, SchNetEnsemble
from heliosc.surrogates.schnet.geometries import STATES

GAP, LAMBDA = "homo_lumo_gap@gfn2", "lambda_hole@gfn2"


@pytest.fixture(scope="module")
def ensemble(small_table, small_split, geometries, schnet_config):
    config = replace(schnet_config, epochs=30, mean_epochs=10, use_descriptors=False)
    return SchNetEnsemble.train(small_table, split=small_split, geometries=geometries, config=config, seed=5)


def test_it_learns_and_says_how_well(ensemble, small_table, small_split):
    report = ensemble.metrics["test"]
    assert report[GAP]["r2"] > 0.7
    known = np.isfinite(small_table.values[small_split[2], 1]).sum()
    assert report[GAP]["n"] == 18 > report[LAMBDA]["n"] == known  # missing values are not counted
    assert report[GAP]["reference_crps"] > 0
    again = evaluate_surrogate(ensemble, small_table.rows(small_split[2]))["all"]
    assert again[GAP]["mae"] == pytest.approx(report[GAP]["mae"])


def test_uncertainty_is_made_as_the_mpnns(ensemble, small_table):
    predictions = ensemble.predict(small_table.smiles[:9])
    assert predictions.members.shape == (2, 9, 2)
    np.testing.assert_allclose(predictions.members.mean(axis=0), predictions.mean)
    np.testing.assert_allclose(predictions.std**2, predictions.epistemic_std**2 + predictions.aleatoric_std**2)
    assert predictions.domain_distance.shape == (9,)
    for column, calibration in enumerate(ensemble.calibrations):
        spread = calibration.epistemic * predictions.members[:, :, column].var(axis=0)
        far = calibration.distance * predictions.domain_distance**2
        np.testing.assert_allclose(predictions.epistemic_std[:, column] ** 2, spread + far)
    assert (predictions.half_width(0.9) > predictions.half_width(0.5)).all()


def test_far_molecules_are_outside_the_domain(ensemble):
    rng = np.random.default_rng(0)
    blob = MolecularGeometry(np.full(60, 53), {"neutral": rng.normal(0, 3, (60, 3))})
    predictions = ensemble.predict_geometries(["II"], [blob])
    assert predictions.is_outside_domain.all()


def test_saved_and_loaded_is_the_same_model(ensemble, small_table, geometries, tmp_path):
    folder = ensemble.save(tmp_path / "model")
    loaded = SchNetEnsemble.load(folder, device="cpu", geometries=geometries)
    assert loaded.model_id == ensemble.model_id
    before, after = ensemble.predict(small_table.smiles), loaded.predict(small_table.smiles)
    for name in ("mean", "epistemic_std", "aleatoric_std", "members", "domain_distance"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert loaded.metrics == ensemble.metrics
    assert loaded.geometry_level == "test"
    assert loaded.held_out.test.smiles == ensemble.held_out.test.smiles
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors", ".parquet"}


@pytest.mark.parametrize("name", ["weights.safetensors", "calibration.json", "split.json", "held_out.parquet"])
def test_damaged_folder_is_refused(ensemble, tmp_path, name):
    folder = ensemble.save(tmp_path / "model")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        SchNetEnsemble.load(folder, device="cpu")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "heliosc surrogate ensemble"}, "expected a folder written by SchNetEnsemble"),
        ({"format_version": 99}, "format version 99"),
        ({"model_id": "0" * 12}, "inconsistent"),
        ({"keys": [GAP]}, "inconsistent"),
        ({"geometry_level": None, "sha256": None}, "no checksums"),
    ],
)
def test_foreign_folder_is_refused(ensemble, tmp_path, change, reason):
    folder = ensemble.save(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(InputError, match=reason):
        SchNetEnsemble.load(folder, device="cpu")


def test_the_two_kinds_of_model_are_told_apart(ensemble, tmp_path):
    folder = ensemble.save(tmp_path / "model")
    with pytest.raises(InputError, match="does not describe a heliosc surrogate ensemble"):
        SurrogateEnsemble.load(folder, device="cpu")


def test_geometries_of_another_level_are_refused(ensemble, geometries, tmp_path):
    cheap = KnownGeometries("etkdg-mmff94", geometries.of_molecule)
    with pytest.raises(InputError, match="learnt from test geometries and cannot read etkdg-mmff94 ones"):
        ensemble.with_geometries(cheap)
    folder = ensemble.save(tmp_path / "model")
    with pytest.raises(InputError, match="cannot read etkdg-mmff94"):
        SchNetEnsemble.load(folder, device="cpu", geometries=cheap)
    with pytest.raises(InputError, match="has no geometries to predict from; it reads test geometries of the neutral"):
        SchNetEnsemble.load(folder, device="cpu").predict(["c1ccsc1"])


def test_molecules_without_geometry_are_named_not_guessed(ensemble, small_table):
    smiles = [small_table.smiles[0], "CCCCCC", small_table.smiles[1]]
    with pytest.raises(InputError, match=r"1 of 3 molecules have no test geometry: row 1: CCCCCC"):
        ensemble.predict(smiles)
    predictions, missing = ensemble.predict_available(smiles)
    assert predictions.smiles == (smiles[0], smiles[2])
    np.testing.assert_allclose(predictions.mean, ensemble.predict([smiles[0], smiles[2]]).mean, atol=1e-5)
    assert [type(entry) for entry in missing] == [MissingGeometry]
    assert missing[0].smiles == "CCCCCC"
    nothing, _ = ensemble.predict_available(["CCCCCC"])
    assert nothing.mean.shape == (0, 2)


def test_stopped_training_goes_on_to_the_same_model(small_table, small_split, geometries, schnet_config, tmp_path):
    known = {"split": small_split, "geometries": geometries, "config": replace(schnet_config, states=STATES)}
    expected = SchNetEnsemble.train(small_table, **known, seed=1).model_id

    class _KilledError(Exception):
        pass

    def kill(report):
        if (report.member, report.epoch) == (1, 3):
            raise _KilledError

    with pytest.raises(_KilledError):
        SchNetEnsemble.train(small_table, **known, seed=1, progress=kill, checkpoint_dir=tmp_path)
    seen = []
    resumed = SchNetEnsemble.train(
        small_table, **known, seed=1, progress=lambda r: seen.append((r.member, r.epoch)), checkpoint_dir=tmp_path
    )
    assert seen == [(1, 4), (1, 5)]
    assert resumed.model_id == expected
    moved = {key: MolecularGeometry(g.atomic_numbers, {s: 1.001 * p for s, p in g.positions.items()})
             for key, g in geometries.of_molecule.items()}  # fmt: skip
    known["geometries"] = KnownGeometries("test", moved)
    with pytest.raises(InputError, match="another training"):
        SchNetEnsemble.train(small_table, **known, seed=1, checkpoint_dir=tmp_path)


def test_ions_teach_what_the_neutral_cannot(small_table, small_split, geometries, schnet_config):
    """A target that is the cation's swelling, of which neither the neutral nor the graph knows."""
    rng = np.random.default_rng(8)
    swelling = dict(zip(geometries.of_molecule, rng.uniform(0.0, 0.03, len(geometries.of_molecule)), strict=True))
    swollen = KnownGeometries("test", {
        key: MolecularGeometry(g.atomic_numbers, {"neutral": g.positions["neutral"],
                                                  "cation": (1 + swelling[key]) * g.positions["neutral"]})
        for key, g in geometries.of_molecule.items()
    })  # fmt: skip
    table = PropertyTable(
        small_table.smiles, (PropertyKey("lambda_hole", "gfn2"),), 10 * np.array([[s] for s in swelling.values()])
    )
    error = {}
    for states in (("neutral",), ("neutral", "cation")):
        config = replace(schnet_config, states=states, epochs=25, n_members=1)
        model = SchNetEnsemble.train(table, split=small_split, geometries=swollen, config=config)
        error[states] = model.metrics["test"][LAMBDA]["mae"]
    assert error["neutral", "cation"] < 0.5 * error["neutral",]


def test_half_precision_trains_too(small_table, small_split, geometries, schnet_config):
    config = replace(schnet_config, amp=True, epochs=12, mean_epochs=12, n_members=1)
    losses = []
    SchNetEnsemble.train(small_table, split=small_split, geometries=geometries, config=config,
                         progress=lambda report: losses.append(report.train_loss))  # fmt: skip
    assert losses[-1] < 0.7 * losses[0]


def test_constant_target_is_predicted_as_the_constant(small_table, small_split, geometries, schnet_config):
    noise = np.random.default_rng(0).normal(0, 1e-3, 90)
    values = np.stack([small_table.values[:, 0], np.where(np.isin(np.arange(90), small_split[0]), 0.2, 0.2 + noise)], 1)
    table = PropertyTable(small_table.smiles, small_table.keys, values)
    config = replace(schnet_config, n_members=1)
    model = SchNetEnsemble.train(table, split=small_split, geometries=geometries, config=config)
    assert model.predict(()).mean.shape == (0, 2)
    predictions = model.predict(table.smiles)
    assert np.isfinite(predictions.std).all()
    assert np.abs(predictions.mean[:, 1] - 0.2).max() < 1.5


def test_too_few_values_are_refused_before_geometries_are_asked(small_table, small_split, schnet_config, distorted):
    short = (small_split[0], small_split[1][:10], small_split[2])
    with pytest.raises(InputError, match="validation part has 10 values"):
        SchNetEnsemble.train(small_table, split=short, geometries=distorted, config=schnet_config)
    assert distorted.asked == []
