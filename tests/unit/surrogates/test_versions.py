"""Folders of trained models: listed with what is wrong, promoted in one step, compared on the same molecules only."""

import json
from dataclasses import replace

import numpy as np
import pytest

from heliosc.campaign.models import load_surrogate, surrogate_folder
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.storage import source_commit
from heliosc.surrogates.versions import ModelSummary, RefusedFolder, compare, follow_pointer, list_models, promote

GAP = PropertyKey("homo_lumo_gap", "gfn2")


def _trained(table, split, config, seed=0):
    return SurrogateEnsemble.train(table, split=split, config=replace(config, n_members=1, epochs=3), seed=seed)


@pytest.fixture(scope="module")
def models(table, split, small_config, tmp_path_factory):
    """Two trainings on the same split, one on another, a damaged folder, a foreign one, and the state of a training."""
    folder = tmp_path_factory.mktemp("models")
    train, validation, test = split
    first = _trained(table, split, small_config)
    first.save(folder / "first")
    _trained(table, split, small_config, seed=1).save(folder / "second")
    moved = (train[20:], validation, np.concatenate([test, train[:20]]))
    _trained(table, moved, small_config).save(folder / "moved")
    first.save(folder / "damaged")
    (folder / "damaged" / "metrics.json").write_text("{}")
    (folder / "foreign").mkdir()
    (folder / "foreign" / "config.json").write_text('{"format": "JT-VAE"}')
    (folder / "first.checkpoints").mkdir()
    (folder / "notes.txt").write_text("not a folder")
    return folder


def test_every_folder_is_listed_or_refused_with_the_reason(models, table):
    entries = list_models(models)
    usable = {entry.folder.name: entry for entry in entries if isinstance(entry, ModelSummary)}
    refused = {entry.folder.name: entry.reason for entry in entries if isinstance(entry, RefusedFolder)}
    assert usable.keys() == {"first", "second", "moved"}
    assert "metrics.json is damaged" in refused.pop("damaged")
    assert "does not describe a heliosc surrogate" in refused.pop("foreign")
    assert not refused
    first = usable["first"]
    assert (first.n_train, first.keys) == (60, table.keys)
    assert first.metrics[str(GAP)]["n"] == 20
    assert first.data_hash == usable["second"].data_hash
    assert first.model_id != usable["second"].model_id
    assert first.written
    assert first.n_bytes > 1000
    assert not any(entry.is_promoted for entry in usable.values())


def test_a_folder_says_everything_that_made_it(models):
    config = json.loads((models / "first" / "config.json").read_text())
    assert config["provenance"]["data_hash"]
    assert config["settings"]["n_members"] == 1
    assert config["heliosc_version"]
    assert config["heliosc_commit"] == source_commit()
    assert json.loads((models / "first" / "split.json").read_text()).keys() == {"train", "validation", "test"}
    assert str(GAP) in json.loads((models / "first" / "calibration.json").read_text())


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="heliosc train surrogate"):
        list_models(tmp_path / "nowhere")


@pytest.fixture
def two(models, tmp_path):
    for name in ("first", "second"):
        SurrogateEnsemble.load(models / name, device="cpu").save(tmp_path / name)
    return tmp_path


def test_the_promoted_model_is_used_wherever_a_model_may_be_named(two):
    pointer = promote(two / "first")
    assert surrogate_folder(pointer) == two / "first"
    promote(two / "second")
    assert load_surrogate(pointer, device="cpu").model_id == SurrogateEnsemble.load(two / "second").model_id
    assert [entry.folder.name for entry in list_models(two) if entry.is_promoted] == ["second"]


def test_a_model_trained_again_is_no_longer_the_promoted_one(two):
    pointer = promote(two / "first")
    SurrogateEnsemble.load(two / "second", device="cpu").save(two / "first")
    with pytest.raises(InputError, match="trained again"):
        follow_pointer(pointer)
    assert not any(entry.is_promoted for entry in list_models(two))


def test_damaged_models_are_not_promoted_and_the_old_one_stays(two):
    pointer = promote(two / "first")
    (two / "second" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="is damaged"):
        promote(two / "second")
    assert follow_pointer(pointer) == two / "first"


@pytest.mark.parametrize("text", ["", "[]", '{"model": "first"}'])
def test_files_that_are_no_pointer_are_refused(tmp_path, text):
    (tmp_path / "promoted.json").write_text(text)
    with pytest.raises(InputError, match="names no promoted model"):
        surrogate_folder(tmp_path / "promoted.json")


def test_a_pointer_never_leaves_its_folder(two):
    pointer = promote(two / "first")
    document = json.loads(pointer.read_text())
    pointer.write_text(json.dumps({**document, "model": f"../../{two.name}/first"}))
    assert follow_pointer(pointer).parent == two


def test_same_test_part_is_compared_by_the_records(models):
    comparison = compare(models / "first", models / "second", device="cpu")
    assert comparison.n_common is None
    first = SurrogateEnsemble.load(models / "first", device="cpu")
    assert comparison.first == first.metrics["test"]


def test_other_test_parts_are_compared_on_what_both_never_learnt(models, table, split):
    comparison = compare(models / "first", models / "moved", device="cpu")
    assert comparison.n_common == 20
    test = table.rows(split[2])
    predicted = SurrogateEnsemble.load(models / "moved", device="cpu").predict(test.smiles)
    expected = np.abs(predicted.mean[:, 0] - test.values[:, 0]).mean()
    assert comparison.second[str(GAP)]["mae"] == pytest.approx(expected)


def test_models_without_common_ground_are_refused(models, table, split, small_config, tmp_path):
    train, validation, test = split
    other = (np.concatenate([test, train[20:]]), validation, train[:20])
    _trained(table, other, small_config).save(tmp_path / "other")
    with pytest.raises(InputError, match="share 0 molecules"):
        compare(models / "first", tmp_path / "other", device="cpu")
    one = PropertyTable(table.smiles, (PropertyKey("dipole_moment", "gfn2"),), table.values[:, :1])
    _trained(one, split, small_config).save(tmp_path / "dipole")
    with pytest.raises(InputError, match="no property in common"):
        compare(models / "first", tmp_path / "dipole", device="cpu")
