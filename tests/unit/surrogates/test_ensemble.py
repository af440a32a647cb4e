import json
from dataclasses import replace

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.properties.intervals import LEVELS
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.evaluate import evaluate_predictions, evaluate_surrogate, metrics_table
from heliosc.surrogates.forest import ForestSurrogate
from heliosc.surrogates.mpnn.config import MPNNConfig

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


@pytest.fixture(scope="module")
def ensemble(table, split, small_config):
    return SurrogateEnsemble.train(table, split=split, config=replace(small_config, epochs=60, mean_epochs=20), seed=5)


def test_it_learns_and_says_how_well(ensemble):
    report = ensemble.metrics["test"]
    assert report[str(GAP)]["r2"] > 0.7
    assert report[str(GAP)]["n"] == 20
    assert report[str(LAMBDA)]["n"] < 20  # missing values are not counted
    assert report[str(GAP)]["reference_crps"] > 0


def test_uncertainty_adds_up(ensemble, table):
    predictions = ensemble.predict(table.smiles[:9])
    assert predictions.members.shape == (2, 9, 2)
    np.testing.assert_allclose(predictions.members.mean(axis=0), predictions.mean)
    np.testing.assert_allclose(predictions.std**2, predictions.epistemic_std**2 + predictions.aleatoric_std**2)
    spread, distance = predictions.members.var(axis=0), predictions.domain_distance
    for column, calibration in enumerate(ensemble.calibrations):
        expected = calibration.epistemic * spread[:, column] + calibration.distance * distance**2
        np.testing.assert_allclose(predictions.epistemic_std[:, column] ** 2, expected)
        widths = dict(zip(LEVELS.round(2).tolist(), calibration.quantiles, strict=True))
        np.testing.assert_allclose(predictions.half_width(0.9)[:, column], widths[0.9] * predictions.std[:, column])


def test_molecules_unlike_the_training_data_are_flagged(ensemble, table, split):
    learnt = ensemble.predict([table.smiles[row] for row in split[0]])
    held_out = ensemble.predict(ensemble.held_out.validation.smiles)
    strange = ensemble.predict(["FC(F)(F)C(F)(F)C(F)(F)C(F)(F)F", "OB(O)c1ccc([Si](C)(C)C)cc1"])
    assert np.median(learnt.domain_distance) < np.median(held_out.domain_distance)  # they are landmarks themselves
    assert not learnt.is_outside_domain.any()
    assert held_out.is_outside_domain.mean() < 0.1
    assert strange.is_outside_domain.all()


def test_batches_and_writing_do_not_change_predictions(ensemble, table):
    whole = ensemble.predict(table.smiles[:20])
    pieces = ensemble.predict(table.smiles[:20], batch_size=3)
    np.testing.assert_allclose(whole.mean, pieces.mean, atol=1e-5)
    one, other = ensemble.predict(("Cc1ccsc1", "c1sccc1C")).mean
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert ensemble.predict(()).mean.shape == (0, 2)


def test_bad_molecule_names_its_row(ensemble):
    with pytest.raises(InputError, match="row 3"):
        ensemble.predict(("C", "CC", "CCC", "c1ccc"), batch_size=2)


def test_saved_and_loaded_is_the_same_model(ensemble, table, tmp_path):
    folder = ensemble.save(tmp_path / "model")
    loaded = SurrogateEnsemble.load(folder, device="cpu")
    assert loaded.model_id == ensemble.model_id
    before, after = ensemble.predict(table.smiles), loaded.predict(table.smiles)
    for name in ("mean", "epistemic_std", "aleatoric_std", "members", "domain_distance", "interval_quantiles"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert loaded.metrics == ensemble.metrics
    assert loaded.held_out.test.smiles == ensemble.held_out.test.smiles
    np.testing.assert_array_equal(loaded.held_out.validation.values, ensemble.held_out.validation.values)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors", ".parquet"}


@pytest.mark.parametrize("name", ["weights.safetensors", "calibration.json", "metrics.json", "held_out.parquet"])
def test_damaged_folder_is_refused(ensemble, tmp_path, name):
    folder = ensemble.save(tmp_path / "model")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        SurrogateEnsemble.load(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        SurrogateEnsemble.load(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "something else"}, "does not describe"),
        ({"format_version": 99}, "format version 99"),
        ({"model_id": "0" * 12}, "inconsistent"),
        ({"keys": ["homo_lumo_gap@gfn2"]}, "inconsistent"),
        ({"sha256": None}, "no checksums"),
    ],
)
def test_foreign_folder_is_refused(ensemble, tmp_path, change, reason):
    folder = ensemble.save(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(InputError, match=reason):
        SurrogateEnsemble.load(folder)


def test_no_folder_and_no_json_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.json is missing"):
        SurrogateEnsemble.load(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        SurrogateEnsemble.load(tmp_path)


def test_stopped_training_goes_on_to_the_same_model(table, split, small_config, tmp_path):
    expected = SurrogateEnsemble.train(table, split=split, config=small_config, seed=1).model_id

    class _KilledError(Exception):
        pass

    def kill(report):
        if (report.member, report.epoch) == (1, 3):
            raise _KilledError

    with pytest.raises(_KilledError):
        SurrogateEnsemble.train(table, split=split, config=small_config, seed=1, progress=kill, checkpoint_dir=tmp_path)
    seen = []
    resumed = SurrogateEnsemble.train(
        table,
        split=split,
        config=small_config,
        seed=1,
        progress=lambda report: seen.append((report.member, report.epoch)),
        checkpoint_dir=tmp_path,
    )
    assert seen == [(1, 4), (1, 5), (1, 6)]
    assert resumed.model_id == expected
    with pytest.raises(InputError, match="another training"):
        SurrogateEnsemble.train(table, split=split, config=small_config, seed=2, checkpoint_dir=tmp_path)


@pytest.fixture
def new_chemistry(make_values):
    """Long polyynes, unlike anything in the table, with values that the old model gets wrong."""
    smiles = tuple("C#C" * n + end for n in range(2, 7) for end in ("", "F", "Cl", "N(C)C", "c1ccccc1", "c1ccsc1"))
    values = make_values(smiles)
    values[:, 0] += 2
    return smiles, values


def test_fine_tuning_learns_the_new_and_keeps_the_old(ensemble, table, new_chemistry):
    smiles, values = new_chemistry
    new = PropertyTable(smiles, (LAMBDA, GAP), values[:, ::-1].copy())  # columns in another order
    tuned = ensemble.fine_tune(new, replay_table=table, epochs=15, lr=3e-3)
    before = np.abs(ensemble.predict(smiles).mean[:, 0] - values[:, 0]).mean()
    after = np.abs(tuned.predict(smiles).mean[:, 0] - values[:, 0]).mean()
    assert after < 0.5 * before
    old_error = ensemble.metrics["test"][str(GAP)]["mae"]
    assert tuned.metrics["test"][str(GAP)]["mae"] < 2 * old_error
    assert tuned.model_id != ensemble.model_id
    assert tuned.held_out is ensemble.held_out
    assert tuned.provenance["fine_tuned"] == 1
    assert tuned.provenance["parent"] == ensemble.model_id


def test_fine_tuning_never_learns_from_the_held_out_part(ensemble, table, split, new_chemistry):
    smiles, values = new_chemistry
    new = PropertyTable(smiles, table.keys, values)
    spoilt = PropertyTable(table.smiles, table.keys, table.values.copy())
    spoilt.values[np.concatenate(split[1:])] = 1e3
    honest = ensemble.fine_tune(new, replay_table=table, epochs=1)
    assert ensemble.fine_tune(new, replay_table=spoilt, epochs=1).model_id == honest.model_id
    with pytest.raises(InputError, match="nothing to learn"):
        ensemble.fine_tune(table.rows(split[2]), replay_table=table, epochs=1)


def test_fine_tuning_refuses_a_key_without_a_head(ensemble, table):
    other = PropertyTable(("C",), (PropertyKey("dipole_moment", "gfn2"),), np.ones((1, 1)))
    with pytest.raises(InputError, match="no head for dipole_moment@gfn2"):
        ensemble.fine_tune(other, replay_table=table)


def test_no_epochs_no_change(ensemble, table):
    assert ensemble.fine_tune(table, replay_table=table, epochs=0) is ensemble


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (([0, 1], [2]), "2 parts"),
        (([0, 1], [], [2]), "validation part of the split is empty"),
        (([0, 1], [2], [1]), "a molecule may be in one only"),
        (([0, 1], [2], [999]), "outside the table"),
    ],
)
def test_leaking_splits_are_refused(table, parts, reason):
    with pytest.raises(InputError, match=reason):
        SurrogateEnsemble.train(table, split=[np.array(rows, dtype=int) for rows in parts], config=MPNNConfig())


def test_key_without_values_is_refused(table, split, small_config):
    empty = PropertyTable(table.smiles, table.keys, np.where([False, True], np.nan, table.values))
    with pytest.raises(InputError, match="train part has 0 values of lambda_hole"):
        SurrogateEnsemble.train(empty, split=split, config=small_config)


def test_too_few_values_to_calibrate_are_refused_before_training(table, split, small_config):
    short = (split[0], split[1][:10], split[2])
    with pytest.raises(InputError, match=r"validation part has 10 values of homo_lumo_gap@gfn2, expected at least 20"):
        SurrogateEnsemble.train(table, split=short, config=small_config, progress=pytest.fail)


def test_forest_stands_beside_in_the_same_table(ensemble, table, split):
    forest = ForestSurrogate.train(table, split=split, n_trees=10)
    test = table.rows(split[2])
    large = np.array([len(smiles) > 15 for smiles in test.smiles])
    reports = evaluate_surrogate(forest, test, subsets={"large": large})
    assert reports["all"][str(GAP)]["mae"] < np.abs(test.values[:, 0] - test.values[:, 0].mean()).mean()
    assert reports["large"][str(GAP)]["n"] == large.sum()
    shown = metrics_table(ensemble.metrics["test"], baselines={"forest": reports["all"]})
    assert shown.row_count == 2
    assert "MAE forest" in [column.header for column in shown.columns]
    again = ForestSurrogate.train(table, split=split, n_trees=10)
    assert again.model_id == forest.model_id
    np.testing.assert_array_equal(again.predict(test.smiles).mean, forest.predict(test.smiles).mean)


def test_predictions_of_other_molecules_are_refused(ensemble, table):
    with pytest.raises(InputError, match="other molecules"):
        evaluate_predictions(table.rows([0, 1]), ensemble.predict(table.smiles[1:3]))


def test_a_refit_begins_anew_and_keeps_what_is_held_out(ensemble, table, split):
    new = table.rows(split[0][:30])
    spoilt = PropertyTable(table.smiles, table.keys, table.values.copy())
    spoilt.values[[*split[1], *split[2]]] = 99.0  # values of held-out molecules in the tables given must not count
    refitted = ensemble.refit(new, replay_table=spoilt, seed=5)
    assert refitted.held_out.smiles == ensemble.held_out.smiles
    np.testing.assert_array_equal(refitted.held_out.test.values, ensemble.held_out.test.values)
    for key in (LAMBDA, GAP):
        assert refitted.metrics["test"][str(key)]["mae"] < 2 * ensemble.metrics["test"][str(key)]["mae"]
    again = ensemble.refit(new, replay_table=table, seed=5)
    assert again.model_id == refitted.model_id  # and nothing hangs on the weights that were there
