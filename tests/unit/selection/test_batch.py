import numpy as np
import pytest

from heliosc.chemistry.fingerprints import morgan_fingerprints
from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.acquisition import ACQUISITIONS
from heliosc.selection.batch import select_batch
from heliosc.selection.diversity import Diversity
from heliosc.selection.estimates import probability_inside, role_estimates
from heliosc.selection.roles import get_role

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")
ORDINARY = {
    IE: 6.5,
    PropertyKey("vertical_electron_affinity", "gfn2"): 2.6,
    LAMBDA: 0.2,
    PropertyKey("lambda_electron", "gfn2"): 0.3,
    PropertyKey("homo_lumo_gap", "gfn2"): 1.0,
}
KEYS = tuple(ORDINARY)
SMILES = (
    "c1ccc2cc3cc4ccccc4cc3cc2c1",
    "c1csc(c1)-c1cccs1",
    "c1ccc2c(c1)sc1c2sc2ccccc21",
    "c1ccc(cc1)N(c1ccccc1)c1ccccc1",
    "c1ccc2[nH]c3ccccc3c2c1",
    "O=C1c2ccccc2-c2ccccc21",
    "c1ccc2nsnc2c1",
    "N#Cc1ccc(cc1)-c1cccs1",
)
FREE = Diversity(max_similarity=1, max_per_scaffold=99, trade_off=0)
SA = np.full(len(SMILES), 2.5)


def _predictions(**columns: list[float]) -> PredictionTable:
    """All molecules ordinary but for the columns given; std 0.05 = hypot(0.03, 0.04)."""
    mean = np.tile(list(ORDINARY.values()), (len(SMILES), 1))
    for name, values in columns.items():
        mean[: len(values), [key.name for key in KEYS].index(name)] = values
    return PredictionTable(SMILES, KEYS, mean, np.full(mean.shape, 0.03), np.full(mean.shape, 0.04), model_id="mock")


def test_the_dominating_molecule_comes_first_and_says_why() -> None:
    predictions = _predictions(vertical_ionization_energy=[6.7, 6.3], lambda_hole=[0.2, 0.06])
    best, *rest = select_batch(
        predictions, role=get_role("p_dopable"), n=3, seed=0, beta=2.0, diversity=FREE, sa_scores=SA
    )
    assert (best.index, best.smiles, best.front) == (1, SMILES[1], 0)
    assert best.optimistic[IE] == pytest.approx(6.2)  # 6.3 - 2 x 0.05
    assert best.optimistic[LAMBDA] == 0  # not below zero
    assert best.probability_inside == pytest.approx(1, abs=1e-6)
    assert best.reason == (
        "front 1; P(inside p_dopable window) 1.00; IE(v) 6.30 +- 0.05 eV (at best 6.20, beta 2); "
        "lambda(h) 0.06 +- 0.05 eV (at best 0.00, beta 2); SA 2.50"
    )
    assert best.similarity_to_batch is None
    assert best.similarity_to_known is None
    assert all("to the batch" in item.reason for item in rest)
    assert all(best.score > item.score and best.front < item.front for item in rest)


def test_outside_the_window_is_last_whatever_the_rest() -> None:
    predictions = _predictions(vertical_ionization_energy=[7.4], lambda_hole=[0.01])
    chosen = select_batch(predictions, role=get_role("p_dopable"), n=8, seed=0, diversity=FREE, sa_scores=SA)
    assert chosen[-1].index == 0
    assert chosen[-1].probability_inside == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_same_seed_same_batch(acquisition: str) -> None:
    rng = np.random.default_rng(3)
    predictions = _predictions(
        vertical_ionization_energy=list(rng.normal(6.8, 0.3, 8)), lambda_hole=list(rng.random(8))
    )
    arguments = {"role": get_role("p_dopable"), "n": 4, "acquisition": acquisition, "sa_scores": SA}
    first, second = (select_batch(predictions, **arguments, seed=11) for _ in range(2))
    assert first == second
    assert len({item.index for item in first}) == 4


def test_random_depends_on_the_seed() -> None:
    arguments = {"role": get_role("p_dopable"), "n": 8, "acquisition": "random", "sa_scores": SA, "diversity": FREE}
    orders = {tuple(s.index for s in select_batch(_predictions(), **arguments, seed=seed)) for seed in range(5)}
    assert len(orders) > 1


def test_missing_predictions_are_never_chosen() -> None:
    predictions = _predictions(vertical_ionization_energy=[np.nan, 6.0])
    chosen = select_batch(predictions, role=get_role("p_dopable"), n=99, seed=0, diversity=FREE, sa_scores=SA)
    assert sorted(item.index for item in chosen) == [1, 2, 3, 4, 5, 6, 7]
    nothing = _predictions(vertical_ionization_energy=[np.nan] * 8)
    assert select_batch(nothing, role=get_role("p_dopable"), n=3, seed=0, sa_scores=SA) == []


def test_similarity_to_the_known_is_reported() -> None:
    known = morgan_fingerprints(SMILES[:1])
    chosen = select_batch(
        _predictions(), role=get_role("p_dopable"), n=8, seed=0, diversity=FREE, sa_scores=SA, known_fingerprints=known
    )
    assert {item.index: item.similarity_to_known for item in chosen}[0] == 1.0
    assert all("to what is known" in item.reason for item in chosen)


def test_an_easier_synthesis_breaks_the_tie() -> None:
    scores = SA.copy()
    scores[5] = 1.5
    chosen = select_batch(_predictions(), role=get_role("p_dopable"), n=1, seed=0, sa_scores=scores)
    assert chosen[0].index == 5


def test_probabilities_of_several_windows_multiply() -> None:
    role = get_role("acceptor")
    # both predictions on a limit: EA 3.4 is the upper one, IE 6.6 the lower one; map error 0.4, prediction 0.05
    predictions = _predictions(vertical_ionization_energy=[6.6], vertical_electron_affinity=[3.4])
    probability = probability_inside(role, role_estimates(role, predictions, sa_scores=SA))
    one_side = 0.39258  # Phi(0.5 / 0.40311) - 1/2
    assert probability[0] == pytest.approx(one_side**2, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"acquisition": "pareto"}, "did you mean"),
        ({"sa_scores": None}, "pass sa_scores"),
        ({"sa_scores": SA[:3]}, r"got shape \(3,\)"),
        ({"n": 0}, "n >= 1"),
        ({"beta": -1.0}, "beta >= 0"),
        ({"beta": np.nan}, "beta >= 0"),
    ],
)
def test_bad_arguments(change: dict, message: str) -> None:
    arguments = {"role": get_role("p_dopable"), "n": 2, "seed": 0, "sa_scores": SA, **change}
    with pytest.raises(InputError, match=message):
        select_batch(_predictions(), **arguments)


def test_a_model_without_the_property_is_named() -> None:
    full = _predictions()
    partial = PredictionTable(SMILES, KEYS[1:], full.mean[:, 1:], full.mean[:, 1:], full.mean[:, 1:], "mock")
    with pytest.raises(InputError, match="mock does not predict vertical_ionization_energy"):
        select_batch(partial, role=get_role("p_dopable"), n=1, seed=0, sa_scores=SA)
