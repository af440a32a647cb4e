"""Computed molecules seen through a role with a partner."""

import numpy as np
import pytest
from scipy.special import ndtr

from heliosc.campaign.judging import judge, table_of
from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.results import rank_candidates
from heliosc.properties import DEFAULT_TARGETS, PropertyKey
from heliosc.selection.roles import get_role

IE, EA = PropertyKey("vertical_ionization_energy", "ipea1//gfn2"), PropertyKey("vertical_electron_affinity", "gfn2")
GAP, LAMBDA = PropertyKey("homo_lumo_gap", "gfn2"), PropertyKey("lambda_electron", "gfn2")
ROLE = get_role("acceptor_for_PM6")
Y6_LIKE = {IE: 6.75, EA: 3.2, GAP: 1.0, LAMBDA: 0.2}  # IE 5.65, EA 4.10 eV by CV


def test_costs_of_a_computed_acceptor_by_hand() -> None:
    table = table_of(["a", "b"], [Y6_LIKE, {IE: 6.75, GAP: 1.0, LAMBDA: 0.2}], DEFAULT_TARGETS)
    judged = judge(ROLE, table, sa_scores=np.array([3.0, 3.0]))
    spread = np.hypot(0.1, 0.4)
    offsets = ndtr((0.09 - 0.05) / spread) * ndtr((0.6 - 0.1) / spread)
    np.testing.assert_allclose(judged.costs[0], [-(5.56 - 4.10 - 0.3), -offsets, 0.0, 0.2, 3.0])
    assert judged.meets == (True, None)
    assert np.isnan(judged.costs[1, :2]).all()  # without an EA there is no pair, and nothing is made up
    assert judged.hypervolume() == pytest.approx((1.16 - 0.5) * offsets * 0.8 * 0.4 * 3.0)


def test_candidates_are_ranked_by_the_pair() -> None:
    # 0.3 V more, and a hole offset that leaves no doubt
    better = Y6_LIKE | {EA: 2.9, IE: 8.0}
    records = [
        CandidateRecord(
            name, "c1ccsc1", "k", ROLE.name, 0, "x", 0.0, "", {}, 3.0, 3.0,
            computed={str(key): value for key, value in values.items()},
        )
        for name, values in (("plain", Y6_LIKE), ("better", better))
    ]  # fmt: skip
    assert [record.id for record in rank_candidates(records, [ROLE])] == ["better", "plain"]
