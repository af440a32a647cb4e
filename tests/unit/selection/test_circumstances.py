"""Prices, failures, pending calculations and levels: what is known besides the predictions."""

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.batch import Circumstances, rank_pool, select_batch
from heliosc.selection.diversity import Diversity
from heliosc.selection.failures import FailureModel
from heliosc.selection.fidelity import Fidelity, choose_levels
from heliosc.selection.objectives import Objective
from heliosc.selection.pending import Pending, doubt_left, pending_at_mean
from heliosc.selection.prices import PriceModel
from heliosc.selection.roles import Role

KEY = PropertyKey("lambda_hole", "gfn2")
ROLE = Role("test", "", "", (), (Objective(KEY, "minimise", 1.0),))
SMILES = ("c1ccsc1", "c1ccccc1", "c1ccncc1", "c1ccc2ccccc2c1")
FREE = Diversity(max_similarity=1.0, max_per_scaffold=9, trade_off=0.0)


def _predictions(mean: list[float], std: float = 0.1) -> PredictionTable:
    column = np.array(mean)[:, None]
    return PredictionTable(SMILES[: len(mean)], (KEY,), column, np.full_like(column, std), 0 * column, "mock")


def _first(mean: list[float], around: Circumstances, *, acquisition: str = "ucb", n: int = 1) -> list[int]:
    chosen = select_batch(
        _predictions(mean), role=ROLE, n=n, seed=0, acquisition=acquisition, diversity=FREE, circumstances=around
    )
    return [item.index for item in chosen]


def test_what_is_likely_to_fail_gains_less() -> None:
    assert _first([0.3, 0.4], Circumstances()) == [0]
    assert _first([0.3, 0.4], Circumstances(success=np.array([0.1, 0.9]))) == [1]


def test_a_cheap_molecule_is_taken_before_a_dear_one() -> None:
    assert _first([0.3, 0.4], Circumstances(price=np.array([10.0, 1.0]))) == [1]


def test_what_is_pending_is_not_chosen_again() -> None:
    pending = pending_at_mean(_predictions([0.3]), ROLE)
    assert _first([0.3, 0.4, 0.5], Circumstances(pending=pending), n=3) == [1, 2]


def test_the_doubt_beside_a_pending_molecule_is_gone() -> None:
    left = doubt_left(["c1ccsc1", "c1ccncc1", "CCO"], Pending(("c1ccsc1",), np.zeros((0, 1))))
    assert left[0] == 0.0
    assert 0.9 < left[1] < 1.0
    assert left[2] == 1.0


def test_pending_takes_optimism_from_its_like() -> None:
    # methylthiophene leads by its doubt alone; with ethylthiophene under way, benzene is the better bet
    smiles = ("Cc1cccs1", "c1ccccc1")
    column = np.array([[0.50], [0.50]])
    predictions = PredictionTable(smiles, (KEY,), column, np.array([[0.3], [0.29]]), 0 * column, "mock")
    pending = Pending(("CCc1cccs1",), np.array([[0.5]]))
    for around, expected in ((Circumstances(), 0), (Circumstances(pending=pending), 1)):
        chosen = select_batch(predictions, role=ROLE, n=1, seed=0, diversity=FREE, circumstances=around)
        assert chosen[0].index == expected


@pytest.mark.parametrize(
    ("acquisition", "worst_free", "best_beside"), [("thompson", -1, -2), ("front_probability", 0.4, 0.1)]
)
def test_pending_takes_doubt_from_the_members_too(acquisition: str, worst_free: float, best_beside: float) -> None:
    # one of two members puts quaterthiophene ahead of benzene; with its ethyl under way both see it behind
    smiles, under_way = (
        ("Cc1ccc(-c2ccc(-c3ccc(-c4cccs4)s3)s2)s1", "c1ccccc1"),
        "CCc1ccc(-c2ccc(-c3ccc(-c4cccs4)s3)s2)s1",
    )
    members = np.array([[[0.1], [0.15]], [[0.9], [0.15]]])
    mean = members.mean(axis=0)
    predictions = PredictionTable(smiles, (KEY,), mean, members.std(axis=0), 0 * mean, "mock", members=members)
    pending = Pending((under_way,), np.zeros((0, 1)))
    assert doubt_left(smiles, pending)[0] < 0.85  # 0.5 - 0.85 * 0.4 = 0.16

    def score(around: Circumstances) -> float:
        ranking = rank_pool(
            predictions, role=ROLE, n=2 if acquisition == "thompson" else 1, seed=0, acquisition=acquisition, beta=1.0,
            circumstances=around,
        )  # fmt: skip
        return float(ranking.score[list(ranking.rows).index(0)])

    assert score(Circumstances()) >= worst_free
    assert score(Circumstances(pending=pending)) <= best_beside


def test_random_choice_is_blind_beside_pending_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliosc.selection.batch._JUDGED_BESIDE_PENDING", 1)
    monkeypatch.setattr("heliosc.selection.batch._JUDGED_A_PICK", 1)
    pending = pending_at_mean(_predictions([0.3]), ROLE)
    ranking = rank_pool(
        _predictions([0.3, 0.4, 0.5, 0.6]), role=ROLE, n=1, seed=0, acquisition="random", beta=1.0,
        circumstances=Circumstances(pending=pending),
    )  # fmt: skip
    assert sorted(ranking.rows) == [1, 2, 3]


@pytest.mark.parametrize(
    ("around", "message"),
    [
        (Circumstances(success=np.array([0.5])), r"success has shape \(1,\)"),
        (Circumstances(success=np.array([0.5, 1.5])), "probabilities"),
        (Circumstances(price=np.array([1.0, 0.0])), "not positive"),
        (Circumstances(known_costs=np.zeros((1, 2))), r"expected \(n_known, 1\)"),
    ],
)
def test_circumstances_that_do_not_fit(around: Circumstances, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _first([0.3, 0.4], around)


def test_failures_of_the_large_are_learned() -> None:
    small, large = ["C" * n for n in range(2, 14)], ["C" * n for n in range(30, 42)]
    model = FailureModel.fit([*small, *large], [False] * 12 + [True] * 12)
    low, high = model.probability(["CCCC", "C" * 36])
    assert low < 0.2
    assert high > 0.8


def test_few_outcomes_give_a_base_rate() -> None:
    model = FailureModel.fit(["CC", "CCC", "CCCC"], [False, False, True])
    np.testing.assert_allclose(model.probability(["CCO", "c1ccccc1"]), 2 / 5)
    assert FailureModel.fit([], []).base_rate == 0.5


def test_prices_follow_the_measured_power_law() -> None:
    size = np.array([10, 20, 30, 40, 60])
    model = PriceModel.fit(size, 0.01 * size**2.2)
    assert model.exponent == pytest.approx(2.2)
    assert model.seconds(50) == pytest.approx(0.01 * 50**2.2)


def test_one_time_is_enough_for_a_price() -> None:
    assert PriceModel.fit([20], [4.0]).seconds(40) == pytest.approx(4.0 * 2**2.5)
    with pytest.raises(InputError, match="at least one"):
        PriceModel.fit([], [])


def _levels(n: int, *, residual: float = 0.1, dft_cost: float = 50.0) -> list[Fidelity]:
    return [Fidelity("xtb", residual, np.full(n, 1.0)), Fidelity("dft", 0.0, np.full(n, dft_cost))]


def test_in_doubt_the_cheap_level_comes_first_and_then_promotion() -> None:
    doubtful = choose_levels(np.array([1.0]), np.array([0.5]), levels=_levels(1), best_known=1.0, budget=100)
    assert [item.level for item in doubtful] == ["xtb"]
    computed = choose_levels(np.array([1.3]), np.array([0.1]), levels=_levels(1), best_known=1.0, budget=100)
    assert [item.level for item in computed] == ["dft"]  # xTB has said what it can


def test_an_uninformative_cheap_level_is_skipped() -> None:
    chosen = choose_levels(np.array([1.0]), np.array([0.5]), levels=_levels(1, residual=0.6), best_known=1.0, budget=99)
    assert [item.level for item in chosen] == ["dft"]


def test_the_budget_is_kept_and_gain_for_cost_decides() -> None:
    levels = [Fidelity("dft", 0.0, np.array([10.0, 1.0, 5.0]))]
    chosen = choose_levels(np.array([2.0, 1.5, 1.2]), np.full(3, 0.1), levels=levels, best_known=1.0, budget=6.5)
    assert [item.index for item in chosen] == [1, 2]
    assert sum(item.cost for item in chosen) <= 6.5


def test_a_best_level_with_an_error_is_refused() -> None:
    with pytest.raises(InputError, match="residual_std 0"):
        choose_levels(np.ones(1), np.ones(1), levels=_levels(1)[:1], best_known=0.0, budget=1.0)
