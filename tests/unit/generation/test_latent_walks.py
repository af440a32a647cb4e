"""Walks through latent space: formulas by hand, a toy model, and Bayesian optimisation of a score that is known."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem

from heliosc.errors import InputError, MissingDependencyError
from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.cores import grow_core
from heliosc.generation.jtvae.prior import LatentPrior
from heliosc.generation.latent import ascend, interpolate, optimise, weighted_score
from heliosc.generation.latent.bayesian import SearchSettings
from heliosc.generation.latent.interpolation import slerp
from heliosc.generation.latent.path import distinct_waypoints
from heliosc.generation.latent.whitening import Whitening
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable

GAP = PropertyKey("homo_lumo_gap", "gfn2")
SMILES = (
    "c1ccc2c(c1)[nH]c1ccccc12", "Cc1ccc(-c2cccs2)cc1", "Cc1ccc(-c2ccsc2)cc1", "N#Cc1ccc(N(C)C)cc1",
    "c1ccc(-c2ccccc2)cc1", "Fc1ccccc1", "Fc1ccc(-c2cccs2)cc1", "c1ccc2sccc2c1",
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> JTVAE:
    """Trained a little on eight molecules whose gap is the number of letters."""
    values = np.array([[float(len(text))] for text in SMILES])
    config = JTVAEConfig(
        ModelConfig(hidden=48, word_size=16, place_size=8, tree_latent=8, graph_latent=8),
        TrainingConfig(epochs=25, batch_size=8, learning_rate=8e-3, held_out=0.0, beta=1e-4, word_dropout=0.0),
    )
    table = PropertyTable(SMILES, (GAP,), values)
    return JTVAE.train(SMILES, properties=table, config=config, seed=0, device="cpu", n_evaluation_samples=0)


def test_whitening_of_a_mixture_by_hand() -> None:
    """Two components at -1 and 3 with variance 1, weights 1/2: mean 1, variance 1 + 4."""
    means, covariances = np.array([[-1.0], [3.0]]), np.ones((2, 1, 1))
    whitening = Whitening.of(LatentPrior(np.array([0.5, 0.5]), means, covariances, 1))
    np.testing.assert_allclose(whitening.whiten(np.array([[1.0 + np.sqrt(5.0)]])), [[1.0]])
    np.testing.assert_allclose(whitening.restore(whitening.whiten(np.array([[7.0]]))), [[7.0]])


def test_half_way_on_a_quarter_circle() -> None:
    points = slerp(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(points, [[2, 0], [np.sqrt(2), np.sqrt(2)], [0, 2]], atol=1e-12)
    straight = slerp(np.array([1.0, 0.0]), np.array([3.0, 0.0]), np.array([0.5]))
    np.testing.assert_allclose(straight, [[2.0, 0.0]])


def test_waypoints_are_distinct_and_keep_where_they_were_first_met() -> None:
    found = distinct_waypoints(["C", None, "C", "CC"], [0.0, 0.1, 0.2, 0.3], [1.0, 2.0, 3.0, 4.0])
    assert found == [("C", 0.0, 1.0), ("CC", 0.3, 4.0)]


@pytest.mark.parametrize("kind", ["spherical", "linear"])
def test_interpolation_starts_and_ends_at_the_reconstructions(model: JTVAE, kind) -> None:
    way = interpolate(model, SMILES[0], SMILES[3], n_steps=9, kind=kind)
    first, last = model.reconstruct([SMILES[0], SMILES[3]])
    assert (way[0].smiles, way[-1].smiles) == (first, last)
    assert way[0].position == 0.0
    assert len({point.smiles for point in way}) == len(way)
    with pytest.raises(InputError, match="at least 2"):
        interpolate(model, SMILES[0], SMILES[3], n_steps=1)


def test_ascent_raises_what_the_head_predicts_and_descent_lowers_it(model: JTVAE) -> None:
    up = ascend(model, SMILES[:2], weights={GAP: 1.0}, n_steps=6, step=0.5)
    down = ascend(model, SMILES[:2], weights={GAP: -1.0}, n_steps=6, step=0.5)
    predicted = model.scale.standardise(model.predict_properties(SMILES[:2]))[:, 0]
    for rising, falling, start in zip(up, down, predicted, strict=True):
        assert rising[0].value == pytest.approx(start, abs=1e-5)
        assert falling[0].value == pytest.approx(-start, abs=1e-5)
        for walk in (rising, falling):
            assert len(walk) > 1
            assert [point.value for point in walk] == sorted(point.value for point in walk)
    with pytest.raises(InputError, match="lambda_hole"):
        ascend(model, SMILES[:1], weights={PropertyKey("lambda_hole", "gfn2"): 1.0})
    with pytest.raises(InputError, match="no weight"):
        ascend(model, SMILES[:1], weights={GAP: 0.0})


class Letters:
    """A surrogate that counts letters and what it was asked."""

    keys = (GAP,)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        self.asked += smiles
        mean = np.array([[float(len(text))] for text in smiles])
        return PredictionTable(tuple(smiles), self.keys, mean, np.zeros_like(mean), np.zeros_like(mean), "letters")


def test_search_improves_asks_once_a_molecule_and_repeats_itself(model: JTVAE) -> None:
    pytest.importorskip("botorch", reason="pip install 'heliosc[bo]'")
    settings = SearchSettings(n_rounds=3, batch_size=4, n_candidates=64)
    surrogate = Letters()
    start = SMILES[:6]
    found = optimise(model, weighted_score(surrogate, {GAP: -1.0}), start=start, seed=1, settings=settings)
    scores = [scored.score for scored in found]
    assert scores == sorted(scores, reverse=True)
    assert len(surrogate.asked) == len(set(surrogate.asked)) == len(found)
    assert set(start) <= {scored.smiles for scored in found if scored.round == 0}
    assert any(scored.round > 0 for scored in found)
    assert all(scored.score == -len(scored.smiles) for scored in found)
    again = optimise(model, weighted_score(Letters(), {GAP: -1.0}), start=start, seed=1, settings=settings)
    assert again == found


def test_score_of_molecules_outside_the_surrogates_domain_is_unknown() -> None:
    class Narrow(Letters):
        def predict(self, smiles: Sequence[str]) -> PredictionTable:
            return replace(super().predict(smiles), domain_distance=np.array([0.5, 1.5]))

    np.testing.assert_equal(weighted_score(Narrow(), {GAP: -2.0})(["CC", "CCCC"]), [-4.0, np.nan])


def test_search_needs_something_to_learn_from(model: JTVAE) -> None:
    pytest.importorskip("botorch", reason="pip install 'heliosc[bo]'")
    with pytest.raises(InputError, match="1 of 2 starting molecules"):
        optimise(model, weighted_score(Letters(), {GAP: 1.0}), start=[SMILES[0], "C1CCCCCCC1"], seed=0)


def test_without_botorch_the_command_that_installs_it_is_named(model: JTVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name == "botorch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[bo\]'"):
        optimise(model, weighted_score(Letters(), {GAP: 1.0}), start=SMILES, seed=0)


@pytest.mark.parametrize("core", ["c1ccsc1", "c1ccc2sccc2c1", "c1ccc(-c2cccs2)cc1", "Cc1ccc(-c2cccs2)cc1"])
def test_grown_molecules_keep_their_core(model: JTVAE, core: str) -> None:
    """Whatever nearly untrained weights want, the core is in every molecule: fused, of several rings, substituted."""
    found = grow_core(model, core, 30, seed=0, temperature=2.0)
    assert (found.n_asked, found.success_rate) == (30, 1.0)
    assert len(found.smiles) >= 5
    pattern = Chem.MolFromSmiles(core)
    for text in found.smiles:
        molecule = Chem.MolFromSmiles(text)
        assert molecule.HasSubstructMatch(pattern)
        assert molecule.GetNumHeavyAtoms() > pattern.GetNumHeavyAtoms()
    assert grow_core(model, core, 30, seed=0, temperature=2.0) == found


def test_core_of_unknown_words_is_refused(model: JTVAE) -> None:
    with pytest.raises(InputError, match="vocabulary lacks"):
        grow_core(model, "C1CCCCCCC1", 2, seed=0)


def test_the_likeliest_of_one_is_the_greedy_choice(model: JTVAE) -> None:
    z = model.encode(SMILES)
    assert model.decode(z, temperature=0.0) == model.decode(z, temperature=0.0, top_k=1)
    with pytest.raises(InputError, match="top_k=-1"):
        model.generate(1, seed=0, top_k=-1)
