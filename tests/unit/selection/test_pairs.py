import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.selection.pairs import Levels, best_partners, pair_up

PM6 = Levels(np.array([5.50]), np.array([3.61]), "CV")
Y6_AND_ONE_TOO_DEEP = Levels(np.array([5.65, 5.45]), np.array([4.10, 4.20]), "CV")


def test_pm6_and_y6_by_hand() -> None:
    table = pair_up(PM6, Y6_AND_ONE_TOO_DEEP)
    assert table.hole_offset[0, 0] == pytest.approx(0.15)
    assert table.electron_offset[0, 0] == pytest.approx(0.49)
    assert table.voltage[0, 0] == pytest.approx(1.10)  # 5.50 - 4.10 - 0.3; measured 0.83 to 0.86 V
    np.testing.assert_array_equal(table.probability_of_offsets, [[1.0, 0.0]])  # the other takes no holes from PM6
    assert table.merit[0].tolist() == [pytest.approx(1.10), 0.0]


def test_doubt_about_levels_makes_offsets_probable_only() -> None:
    donors = Levels(np.array([5.50]), np.array([3.0]), "CV", np.array([0.3]), np.array([0.1]))
    acceptors = Levels(np.array([5.60]), np.array([4.10]), "CV", np.array([0.4]), np.array([0.1]))
    table = pair_up(donors, acceptors)
    assert table.probability_of_offsets[0, 0] == pytest.approx(0.5, abs=1e-6)  # the hole offset is at its limit
    assert table.voltage_std[0, 0] == pytest.approx((0.3**2 + 0.1**2 + 0.1**2) ** 0.5)


def test_the_best_pair_comes_first() -> None:
    donors = Levels(np.array([5.2, 5.5]), np.array([3.0, 3.0]), "CV")
    pairs = best_partners(pair_up(donors, Y6_AND_ONE_TOO_DEEP), ["low", "deep"], ["Y6", "deeper"])
    assert [pair[:2] for pair in pairs] == [("deep", "Y6"), ("low", "deeper")]


def test_levels_of_two_scales_are_never_paired() -> None:
    with pytest.raises(InputError, match="'gfn2', acceptors on 'CV'"):
        pair_up(Levels(np.ones(1), np.ones(1), "gfn2"), PM6)
    with pytest.raises(InputError, match="one length"):
        Levels(np.ones(2), np.ones(1), "CV")
