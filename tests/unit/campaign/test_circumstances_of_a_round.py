"""What earlier rounds tell the next choice."""

from dataclasses import replace

import numpy as np
import pytest

from heliosc.campaign.circumstances import circumstances_of, known_costs
from heliosc.campaign.proposal import Proposal
from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.selecting import select_candidates
from heliosc.config import load_config
from heliosc.properties import DEFAULT_TARGETS, PredictionTable
from heliosc.selection.roles import get_role

ROLE = get_role("p_dopable")
VALUES = {"vertical_ionization_energy@ipea1//gfn2": 6.7, "lambda_hole@gfn2": 0.2}


def _record(smiles: str, *, failed: bool = False, seconds: float = 4.0) -> CandidateRecord:
    record = CandidateRecord("id", smiles, "key", ROLE.name, 0, "x", 0.0, "", {}, 2.0, 3.0)
    if failed:
        return replace(record, failure={"error_class": "convergence", "reason": "SCF"})
    return replace(record, computed=VALUES, wall_time_s=seconds)


def _predictions(*smiles: str) -> PredictionTable:
    shape = (len(smiles), len(DEFAULT_TARGETS))
    return PredictionTable(smiles, DEFAULT_TARGETS, np.full(shape, 6.0), np.ones(shape), np.zeros(shape), "m")


def _around(smiles: list[str], earlier: list[CandidateRecord], **changes):
    settings = {"chosen": _predictions(), "chosen_sa_scores": np.zeros(0), "is_cost_aware": False}
    return circumstances_of(ROLE, smiles, earlier=earlier, **{**settings, **changes})


def test_measured_costs_are_those_of_the_role() -> None:
    # the goal of IE is 5.8 to 6.2 eV: 6.7 is 0.5 eV away; the SA score is that of the core
    costs = known_costs(ROLE, [_record("c1ccsc1"), _record("CC", failed=True)])
    np.testing.assert_allclose(costs, [[0.5, 0.2, 3.0]])


def test_what_misses_the_window_is_nothing_to_improve_upon() -> None:
    # IE 6.9 eV is above the window (6.8), and its lambda is the best there is
    outside = replace(
        _record("c1ccoc1"), computed={"vertical_ionization_energy@ipea1//gfn2": 6.9, "lambda_hole@gfn2": 0.01}
    )
    np.testing.assert_allclose(known_costs(ROLE, [_record("c1ccsc1"), outside]), [[0.5, 0.2, 3.0]])
    assert known_costs(ROLE, [outside]).shape == (0, 3)


def test_failures_lower_the_chance_of_their_like() -> None:
    earlier = [_record("C" * n) for n in range(2, 12)] + [_record("C" * n, failed=True) for n in range(30, 40)]
    success = _around(["CCCC", "C" * 34], earlier).success
    assert success is not None
    assert success[0] > 0.8 > 0.2 > success[1]


def test_before_anything_failed_nothing_is_assumed() -> None:
    assert _around(["CCCC"], [_record("CCC")]).success is None


def test_prices_only_when_asked_for() -> None:
    earlier = [_record("C" * n, seconds=0.1 * n**2) for n in range(4, 12)]
    assert _around(["CC"], earlier).price is None
    price = _around(["CCCCC", "C" * 10], earlier, is_cost_aware=True).price
    assert price[1] / price[0] == pytest.approx(4.0)


def test_what_one_role_took_is_pending_for_the_next() -> None:
    pending = _around(["CC"], [], chosen=_predictions("c1ccsc1"), chosen_sa_scores=np.array([2.0])).pending
    assert pending is not None
    assert pending.smiles == ("c1ccsc1",)


def test_the_same_seed_and_history_choose_the_same() -> None:
    smiles = ("c1ccc2cc3ccccc3cc2c1", "N#Cc1ccc(C#N)cc1", "c1ccc(-c2ccccc2)cc1", "c1csc(-c2cccs2)c1")
    for acquisition in ("thompson", "greedy", "pareto_ucb"):
        first, second = (
            select_candidates(
                [Proposal(text, "p_dopable", "pool", 2.0) for text in smiles],
                _predictions(*smiles),
                roles=[ROLE, get_role("n_dopable")],
                known_smiles=["C"],
                config=load_config(None, ["campaign.batch_size=4", f"selection.acquisition={acquisition}"]),
                run_id="run",
                index=1,
                seed=3,
                earlier=[_record("c1ccsc1"), _record("CC", failed=True)],
            ).records
            for _ in range(2)
        )
        assert first == second
        assert len({record.smiles for record in first}) == 4
