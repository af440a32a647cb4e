"""Molecule and level by expected gain for the price, worked out by hand for one objective.

The role's merit is (0.6 - lambda) / 0.6. The stated spread of lambda between levels is 0.05 eV, of the merit 0.083.
"""

import math
import re
from dataclasses import replace

import pytest

from heliosc.campaign.level_choice import LevelPlan, better_value, plan_levels
from heliosc.campaign.level_prices import LevelPrices, level_prices
from heliosc.campaign.promotions import better_values, check_promotion, with_better_values
from heliosc.campaign.records import (
    CandidateRecord,
    PredictedValue,
    PromotionRecord,
    format_lines,
    read_candidates,
    read_promotions,
)
from heliosc.config import load_config
from heliosc.errors import UsageError
from heliosc.execution import QCResultStore
from heliosc.execution.tasks import Attempt
from heliosc.properties import PropertyKey
from heliosc.selection.objectives import Objective
from heliosc.selection.prices import PriceModel
from heliosc.selection.roles import Role

KEY = PropertyKey("lambda_hole", "gfn2")
DFT = "lambda_hole@b3lyp-coarsegrid/def2-svp[pyscf]//gfn2"
ROLE = Role("test", "", "", (), (Objective(KEY, "minimise", 0.6, bound=0.0),))
PRICES = (
    LevelPrices("gfn2", (), PriceModel(2.0, 0.0), "9 measured"),
    LevelPrices("dft-fast", (), PriceModel(600.0, 0.0)),
)


def _fresh(name: str, mean: float, std: float) -> CandidateRecord:
    predicted = {str(KEY): PredictedValue(mean, std, 0.0)}
    return CandidateRecord(name, "c1ccsc1", "key", ROLE.name, 1, "x", 0.0, "front 1", predicted, 2.0, 3.0)


def _known(name: str, value: float, *, at_dft: float | None = None) -> CandidateRecord:
    computed = {str(KEY): value} | ({} if at_dft is None else {DFT: at_dft})
    return replace(_fresh(name, value, 0.1), round=0, computed=computed)


def _plan(fresh: list[CandidateRecord], earlier: list[CandidateRecord], *, budget_s: float, tried=()) -> LevelPlan:
    promoted = [
        PromotionRecord(name, "c1ccsc1", ROLE.name, 0, "dft-fast", 0.1, 600.0, "estimate", "") for name in tried
    ]
    return plan_levels(fresh, earlier, promoted, roles=[ROLE], prices=PRICES, budget_s=budget_s, seed=0)


def test_the_best_of_earlier_rounds_is_promoted_when_new_molecules_promise_nothing() -> None:
    plan = _plan([_fresh("new", 0.5, 0.02)], [_known("best", 0.2), _known("poor", 0.5)], budget_s=700.0)
    assert [(item.candidate, item.level) for item in plan.promotions] == [("best", "dft-fast")]
    # nothing is better, so the gain is that of a normal around the incumbent: 0.083 / sqrt(2 pi)
    assert plan.promotions[0].expected_gain == pytest.approx(0.05 / 0.6 / math.sqrt(2 * math.pi), rel=0.05)
    assert plan.promotions[0].cost_s == pytest.approx(600.0)
    assert plan.promotions[0].cost_source == "estimate"
    assert "merit 0.667 +- 0.083 at gfn2" in plan.promotions[0].reason
    assert plan.promotions[0].round == 1


def test_what_is_likely_to_fail_is_worth_less() -> None:
    small = [replace(_known(f"s{n}", 0.5), smiles="C" * n) for n in range(2, 14)]
    large = [
        replace(_known(f"l{n}", 0.5), smiles="C" * n, computed={}, failure={"error_class": "scf", "reason": "r"})
        for n in range(30, 42)
    ]
    likely, unlikely = (replace(_fresh(n, 0.1, 0.05), smiles="C" * size) for n, size in (("small", 6), ("large", 36)))

    def expected(record: CandidateRecord, earlier: list[CandidateRecord]) -> float:
        reason = _plan([record], earlier, budget_s=3.0).records[0].reason
        return float(re.search(r"expected gain ([\d.e-]+)", reason)[1])

    assert expected(unlikely, small) == pytest.approx(expected(likely, small))  # nothing has failed yet
    assert expected(unlikely, small + large) < 0.3 * expected(unlikely, small)
    assert expected(likely, small + large) > 0.8 * expected(likely, small)


def test_a_promising_new_molecule_is_worth_more_than_a_promotion() -> None:
    # gain 0.051 for 2 s against 0.033 for 600 s; what is left of the budget does not pay the promotion
    fresh = [_fresh("new", 0.22, 0.1)]
    plan = _plan(fresh, [_known("best", 0.2)], budget_s=601.0)
    assert plan.promotions == []
    said = re.search(r"gfn2: expected gain ([0-9.]+) for 2 core s \(9 measured\)", plan.records[0].reason)
    assert said is not None
    assert float(said[1]) == pytest.approx(0.051, rel=0.06)
    assert [item.candidate for item in _plan(fresh, [_known("best", 0.2)], budget_s=602.0).promotions] == ["best"]


def test_new_molecules_that_promise_nothing_give_way_but_one() -> None:
    fresh = [_fresh("first", 0.55, 0.01), _fresh("second", 0.56, 0.01)]
    plan = _plan(fresh, [_known("best", 0.2)], budget_s=600.0)
    assert [record.id for record in plan.records] == ["first"]
    assert "computed to learn from" in plan.records[0].reason
    assert plan.passed_over == 1
    assert len(plan.promotions) == 1
    rest = _plan(fresh, [_known("best", 0.2)], budget_s=604.0)  # 4 s are left, which nothing else is worth
    assert [record.id for record in rest.records] == ["first", "second"]


def test_what_was_promoted_is_not_promoted_again() -> None:
    earlier = [_known("best", 0.2), _known("next", 0.25)]
    plan = _plan([_fresh("new", 0.5, 0.02)], earlier, budget_s=700.0, tried=["best"])
    assert [item.candidate for item in plan.promotions] == ["next"]


def test_offsets_are_learnt_from_pairs_and_values_never_pooled() -> None:
    # both are 0.04 higher at the better level: seen from the first, nothing has changed, and the spread shrinks
    earlier = [_known("a", 0.2, at_dft=0.24), _known("b", 0.3, at_dft=0.34), _known("c", 0.21)]
    plan = _plan([_fresh("new", 0.5, 0.02)], earlier, budget_s=700.0, tried=["a", "b"])
    offset = plan.offsets[KEY]
    assert offset.offset == pytest.approx(0.04)
    assert offset.spread == pytest.approx((4 * 0.05**2 / 5) ** 0.5)  # four pairs of the default, no scatter in two
    assert offset.source == "2 pairs and the stated default"
    assert "best of the role 0.667" in plan.promotions[0].reason  # (0.6 - (0.24 - 0.04)) / 0.6
    assert earlier[0].computed == {str(KEY): 0.2, DFT: 0.24}


def test_what_the_better_level_found_poor_is_no_incumbent() -> None:
    # two pairs with offset 0.1: the best at gfn2, 0.1, is seen at 0.3 - 0.1 = 0.2, the other at 0.3 - 0.1 = 0.2
    earlier = [_known("a", 0.1, at_dft=0.3), _known("b", 0.3, at_dft=0.3), _known("c", 0.4)]
    plan = _plan([_fresh("new", 0.5, 0.02)], earlier, budget_s=700.0, tried=["a", "b"])
    assert "best of the role 0.667" in plan.promotions[0].reason


def test_a_fallback_at_the_first_level_is_no_better_value() -> None:
    assert better_value(_known("a", 0.2), "lambda_hole") is None
    assert better_value(_known("a", 0.2, at_dft=0.3), "lambda_hole") == 0.3


def test_candidates_are_read_with_the_values_of_rounds_before(tmp_path) -> None:
    promotion = PromotionRecord("a", "c1ccsc1", "test", 1, "dft-fast", 0.1, 600.0, "estimate", "why", "k", {DFT: 0.3})
    for name, lines in (("000/candidates", [_known("a", 0.2)]), ("001/promotions", [promotion])):
        file = tmp_path / "rounds" / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(format_lines(lines))
    assert read_promotions(tmp_path) == [promotion]
    assert read_candidates(tmp_path, before=1)[0].computed == {str(KEY): 0.2}
    assert read_candidates(tmp_path)[0].computed == {str(KEY): 0.2, DFT: 0.3}
    result = {"values": {str(KEY): 0.2}}
    better = better_values(tmp_path)
    assert with_better_values(result, better.get("a"))["values"] == {str(KEY): 0.2, DFT: 0.3}
    assert with_better_values(result, better.get("other")) == result


def test_prices_are_measured_where_there_are_times(tmp_path) -> None:
    config = load_config(None, ["campaign.levels=[gfn2,dft-fast]", "campaign.core_hours_a_round=1"])
    with QCResultStore(tmp_path / "store.sqlite") as store:
        prices = level_prices("dft-fast", [("c1ccsc1", "unknown")], store, config)
    assert prices.source == "estimate"
    # 7 energies and 2 responses of 6 s each, as the estimate of the level says for thiophene
    assert prices.core_seconds(["c1ccsc1"])[0] == pytest.approx((7 + 2 * 2) * 6.0, rel=0.01)


def test_a_second_level_must_be_better_and_have_a_cap() -> None:
    for settings in (["campaign.levels=[gfn2,dft-fast]"], ["campaign.levels=[dft-fast]"]):
        with pytest.raises(UsageError, match=r"core_hours_a_round|begin with gfn2"):
            load_config(None, settings)
    config = load_config(None, ["campaign.levels=[gfn2,ipea-gfn2]", "campaign.core_hours_a_round=1"])
    with pytest.raises(UsageError, match="no better level"):
        check_promotion(config)


class _Timed:
    """The store's attempts alone: a failed one of 5 s, then one that took eight times as long at twice the size."""

    def attempts(self, key: str) -> list[Attempt]:
        seconds = {"small": 10.0, "large": 80.0}[key]
        failed, done = (
            Attempt(1, 1, "worker", 0.0, 1.0, outcome, None, None, None, None, cpu, cpu, "here")
            for outcome, cpu in (("failed", 5.0), ("done", seconds))
        )
        return [failed, done]


def test_a_measured_price_is_that_of_the_attempt_that_gave_the_result() -> None:
    config = load_config(None, ["campaign.levels=[gfn2,dft-fast]", "campaign.core_hours_a_round=1"])
    done = [("C", "small"), ("CCC", "large")]  # 5 and 11 atoms
    prices = level_prices("dft-fast", done, _Timed(), config)  # type: ignore[arg-type]
    assert prices.source == "2 measured"
    # seconds = a size^2.5, a the geometric mean of 10 / 5^2.5 and 80 / 11^2.5
    a = (10.0 / 5**2.5 * 80.0 / 11**2.5) ** 0.5
    assert prices.core_seconds(["CC"])[0] == pytest.approx(a * 8**2.5)
    fixed = config.model_copy(update={"campaign": config.campaign.model_copy(update={"prices": "estimated"})})
    assert level_prices("dft-fast", done, _Timed(), fixed).source == "estimate"  # type: ignore[arg-type]
