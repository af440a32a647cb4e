"""What a better level makes of a value, and one number for how good a molecule is."""

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.selection.fidelity import Fidelity, choose_levels
from heliosc.selection.level_offsets import fit_offset
from heliosc.selection.merit import merit, merit_moments, objective_spans
from heliosc.selection.objectives import Objective, Window
from heliosc.selection.roles import PropertyWindow, Role

LAMBDA, IE = PropertyKey("lambda_hole", "gfn2"), PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
INSIDE = Window(upper=6.8, limits_std=0.3)
ROLE = Role(
    "test", "", "",
    (PropertyWindow(IE, INSIDE, INSIDE, "gas phase"),),
    (
        Objective(LAMBDA, "minimise", 0.6, bound=0.0, weight=3.0),
        Objective(IE, "window", 7.6, Window(5.8, 6.2)),
    ),
)  # fmt: skip


def test_before_the_first_pair_the_default_stands() -> None:
    nothing = fit_offset([], [], prior_spread=0.2)
    assert (nothing.offset, nothing.std, nothing.source) == (None, 0.2, "stated default")


def test_an_offset_and_its_spread_by_hand() -> None:
    # differences 0.1, 0.3: offset 0.2, squares 0.02 about it; four pairs of the default 0.2
    found = fit_offset([1.0, 2.0], [1.1, 2.3], prior_spread=0.2)
    assert found.offset == pytest.approx(0.2)
    assert found.spread == pytest.approx(((4 * 0.2**2 + 0.02) / 5) ** 0.5)
    assert found.std == pytest.approx(found.spread * 1.5**0.5)  # the offset of two pairs is in doubt too


def test_many_pairs_outweigh_the_default() -> None:
    cheap = np.random.default_rng(0).normal(7, 1, 400)
    better = cheap - 0.4 + np.random.default_rng(1).normal(0, 0.03, 400)
    found = fit_offset(cheap, better, prior_spread=0.2)
    assert found.offset == pytest.approx(-0.4, abs=0.01)
    assert found.std == pytest.approx(0.03, rel=0.25)


def test_offsets_of_unequal_columns_are_refused() -> None:
    with pytest.raises(InputError, match="expected"):
        fit_offset([1.0], [1.0, 2.0], prior_spread=0.2)
    with pytest.raises(InputError, match="prior 0"):
        fit_offset([1.0], [1.0], prior_spread=0.0)


def test_merit_by_hand() -> None:
    # lambda 0.15 of 0.6: 0.75; IE 6.9 is 0.7 outside the goal, of 1.4: 0.5; weights 3 and 1: 0.6875
    # P(IE <= 6.8 +- 0.3 | 6.9) = Phi(-1/3) = 0.3694
    values = {LAMBDA: np.array([0.15, 0.7]), IE: np.array([6.9, 8.0])}
    found = merit(ROLE, values, spans=objective_spans(ROLE, values))
    assert found[0] == pytest.approx(0.6875 * 0.3694, abs=1e-4)
    assert found[1] == 0.0
    ideal = merit(ROLE, {LAMBDA: np.array([-0.1]), IE: np.array([4.0 + 1.9])}, spans=objective_spans(ROLE, values))
    assert ideal[0] == pytest.approx(1.0, abs=0.01)  # below the bound there is no more to gain


def test_what_is_computed_tells_no_more() -> None:
    means = {LAMBDA: np.array([0.2, 0.2]), IE: np.array([6.5, 6.5])}
    stds = {LAMBDA: np.array([0.0, 0.1]), IE: np.array([0.0, 0.2])}
    spans = objective_spans(ROLE, means)
    moments = merit_moments(ROLE, means, stds, spreads={LAMBDA: 0.05, IE: 0.15}, spans=spans, seed=0)
    assert moments.told[0] == pytest.approx(0.0, abs=1e-12)
    assert moments.told[1] > 0.05
    assert moments.std[1] > moments.std[0] > 0.02
    assert moments.residual_std[0] == pytest.approx(moments.std[0])
    nothing_new = merit_moments(ROLE, means, stds, spreads={}, spans=spans, seed=0)
    assert nothing_new.std[0] == 0.0
    assert nothing_new.residual_std[1] == pytest.approx(0.0, abs=1e-7)


def test_the_spread_of_a_straight_merit_is_that_of_its_property() -> None:
    role = Role("one", "", "", (), (Objective(LAMBDA, "minimise", 0.6, bound=0.0),))
    means, stds = {LAMBDA: np.array([0.3])}, {LAMBDA: np.array([0.06])}
    moments = merit_moments(role, means, stds, spreads={LAMBDA: 0.03}, spans=np.array([0.6]), seed=3)
    assert moments.mean[0] == pytest.approx(0.5, abs=1e-3)
    assert moments.told[0] == pytest.approx(0.1, rel=0.03)
    assert moments.residual_std[0] == pytest.approx(0.05, rel=0.03)


def test_what_the_better_level_does_not_fit_is_left_to_the_cheap_one() -> None:
    levels = [Fidelity("xtb", np.array([0.4]), np.array([1.0])), Fidelity("dft", 0.0, np.array([2.0]))]
    for budget, expected in ((2.5, "dft"), (1.5, "xtb")):
        chosen = choose_levels(np.array([1.0]), np.array([0.5]), levels=levels, best_known=0.9, budget=budget)
        assert [item.level for item in chosen] == [expected]
