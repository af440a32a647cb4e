"""Gradient boosting, and the mixture of several models."""

from dataclasses import dataclass

import numpy as np
import pytest

from heliosc.errors import InputError, MissingDependencyError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.boosting import BoostingSurrogate, features
from heliosc.surrogates.evaluate import evaluate_surrogate
from heliosc.surrogates.forest import BITS, ForestSurrogate
from heliosc.surrogates.stacking import StackedSurrogate, mixing_weights

GAP = PropertyKey("homo_lumo_gap", "gfn2")


@pytest.fixture(scope="module")
def boosting(table, split):
    pytest.importorskip("lightgbm", reason="pip install 'heliosc[baselines]'")
    return BoostingSurrogate.train(table, split=split, n_members=2, n_trees=60)


def test_boosting_learns_and_doubts(boosting, table, split):
    test = table.rows(split[2])
    report = evaluate_surrogate(boosting, test)["all"]
    assert report[str(GAP)]["mae"] < 0.6 * np.abs(test.values[:, 0] - test.values[:, 0].mean()).mean()
    assert (boosting.predict(test.smiles).std > 0).all()
    assert boosting.predict(()).mean.shape == (0, 2)
    with pytest.raises(InputError, match="row 1"):
        boosting.predict(("C", "c1ccc"))


def test_same_seed_same_boosting(boosting, table, split):
    again = BoostingSurrogate.train(table, split=split, n_members=2, n_trees=60)
    assert again.model_id == boosting.model_id
    np.testing.assert_array_equal(again.predict(table.smiles).mean, boosting.predict(table.smiles).mean)


def test_features_are_counts_and_descriptors_without_infinities():
    described = features(("C" * 200, "c1ccsc1"))  # one of RDKit's descriptors overflows for long chains
    assert described.shape[1] > BITS + 200
    assert not np.isinf(described).any()


def test_without_lightgbm_the_message_says_how_to_get_it(table, split, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(MissingDependencyError, match=r"heliosc\[baselines\]"):
        BoostingSurrogate.train(table, split=split, n_members=1, n_trees=2)


def test_mixing_weights_by_hand():
    rng = np.random.default_rng(0)
    first, second = rng.normal(5, 1, (2, 200))
    assert mixing_weights(np.stack([first, second]), 0.3 * first + 0.7 * second) == pytest.approx([0.3, 0.7], abs=1e-3)
    assert mixing_weights(np.stack([first, second]), first) == pytest.approx([1, 0], abs=1e-3)
    # the best plain combination would be 2 first - second: negative weights are not given
    assert mixing_weights(np.stack([first, second]), 2 * first - second) == pytest.approx([1, 0], abs=1e-3)


@dataclass
class _Oracle:
    """Knows the values up to an error of its own."""

    known: dict[str, float]
    error: float
    keys: tuple[PropertyKey, ...] = (GAP,)
    model_id: str = "oracle"

    def predict(self, smiles):
        rng = np.random.default_rng(int(1000 * self.error))
        noise = dict(zip(sorted(self.known), rng.normal(0, self.error, len(self.known)), strict=True))
        mean = np.array([[self.known[text] + noise[text]] for text in smiles])
        return PredictionTable(tuple(smiles), self.keys, mean, 0 * mean, np.full_like(mean, 0.1), self.model_id)


def test_the_mixture_trusts_the_better_model_and_states_its_own_error():
    smiles = tuple("C" * n for n in range(1, 801))
    values = np.random.default_rng(5).normal(3, 1, (800, 1))
    known = dict(zip(smiles, values[:, 0], strict=True))
    table = PropertyTable(smiles, (GAP,), values)
    stack = StackedSurrogate.combine(
        {"good": _Oracle(known, 0.1), "bad": _Oracle(known, 0.4)}, table.rows(range(400)), seed=1
    )
    # independent errors: the best weights are as the inverse variances, 16 to 1
    assert stack.weights[0] == pytest.approx([16 / 17, 1 / 17], abs=0.03)
    report = evaluate_surrogate(stack, table.rows(range(400, 800)))["all"][str(GAP)]
    assert report["rmse"] < 0.105
    assert report["coverage_95"] == pytest.approx(0.95, abs=0.03)


def test_the_stack_trains_like_any_surrogate(table, split):
    pytest.importorskip("lightgbm", reason="pip install 'heliosc[baselines]'")
    train, validation, test = split
    gap = PropertyTable(table.smiles, (GAP,), table.values[:, :1])
    stack = StackedSurrogate.train(gap, split=(train[:50], np.concatenate([validation, train[50:]]), test))
    assert list(stack.models) == ["forest", "boosting"]
    assert stack.weights.sum() == pytest.approx(1)
    report = evaluate_surrogate(stack, gap.rows(test))["all"]
    assert report[str(GAP)]["r2"] > 0.5


def test_mixtures_that_cannot_be_are_refused(boosting, table, split):
    forest = ForestSurrogate.train(table, split=split, n_trees=10)
    validation = table.rows(split[1])
    with pytest.raises(InputError, match="cannot choose among models"):
        StackedSurrogate.combine({"forest": forest, "boosting": boosting}, validation.rows(range(30)))
    other = PropertyTable(validation.smiles, validation.keys[::-1], validation.values[:, ::-1])
    with pytest.raises(InputError, match="other keys"):
        StackedSurrogate.combine({"forest": forest}, other)
