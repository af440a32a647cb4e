import numpy as np
import pytest

from heliosc.campaign.judging import judge, table_of
from heliosc.properties import PropertyKey
from heliosc.selection.roles import get_role

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


def _judged():
    values = [
        {IE: 6.0, LAMBDA: 0.10},  # inside the window, low lambda
        {IE: 6.1, LAMBDA: 0.30},  # inside, dominated by the first
        {IE: 7.2, LAMBDA: 0.05},  # outside the window
        {IE: 6.5},  # lambda not known
        {LAMBDA: 0.2},  # IE not known
    ]
    table = table_of(list("abcde"), values, (IE, LAMBDA))
    return judge(get_role("p_dopable"), table, sa_scores=np.array([2.0, 3.0, 2.0, 2.0, 2.0]))


def test_a_missing_value_is_neither_met_nor_missed() -> None:
    assert _judged().meets == (True, True, False, True, None)
    assert _judged().window_share == [3, 4]


def test_best_first_puts_the_window_before_the_front_and_leaves_out_the_unknown() -> None:
    assert _judged().best_first().tolist() == [0, 1, 2]


def test_hypervolume_of_one_molecule_is_the_box_to_the_reference() -> None:
    role = get_role("p_dopable")
    only = judge(role, table_of(["a"], [{IE: 6.0, LAMBDA: 0.10}], (IE, LAMBDA)), sa_scores=np.array([2.0]))
    # IE 6.0 lies in the goal: cost 0; references 1.4 eV outside the goal, 0.6 eV and SA 6
    assert role.reference_costs == pytest.approx([1.4, 0.6, 6.0])
    assert only.hypervolume() == pytest.approx(1.4 * 0.5 * 4.0)


def test_the_random_baseline_draws_as_many_and_never_beats_all() -> None:
    judged = _judged()
    assert judged.random_hypervolume(1, seed=0) < judged.random_hypervolume(3, seed=0) + 1e-12
    assert judged.random_hypervolume(3, seed=0) == pytest.approx(judged.hypervolume())
    assert judged.random_hypervolume(2, seed=5) == judged.random_hypervolume(2, seed=5)
