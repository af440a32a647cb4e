"""A role with a partner: voltage and offsets of the pair as objectives."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.batch import select_batch
from heliosc.selection.diversity import Diversity
from heliosc.selection.estimates import member_costs, role_estimates
from heliosc.selection.merit import merit, objective_spans
from heliosc.selection.partners import pair_estimates, with_pair_values
from heliosc.selection.roles import Role, get_role, load_roles

IE, EA = PropertyKey("vertical_ionization_energy", "ipea1//gfn2"), PropertyKey("vertical_electron_affinity", "gfn2")
VOLTAGE, OFFSETS = PropertyKey("open_circuit_voltage", "pair//gfn2"), PropertyKey("offset_probability", "pair//gfn2")
OWN = """
beside:
  description: d
  source: s
  partner: {{{partner}}}
  windows: []
  objectives:
    - {{property: open_circuit_voltage@pair//gfn2, direction: maximise, reference: 0.5}}
    - {{property: offset_probability@pair//gfn2, direction: maximise, bound: 1.0, reference: 0.0}}
"""
PM6 = "name: PM6 of ours, part: donor, ionization_energy: 5.56, electron_affinity: 3.5, std: 0.0, scale: {}, source: CV"


def _role(tmp_path: Path, partner: str) -> Role:
    file = tmp_path / "roles.yaml"
    file.write_text(OWN.format(partner=partner))
    return load_roles(file)["beside"]


def _pair(role: Role, ie: float, ea: float, *, std: float = 0.0) -> dict[PropertyKey, tuple[float, float]]:
    energies = [(np.array([value]), np.array([std])) for value in (ie, ea)]
    found = pair_estimates(role.partner, *energies)
    return {key: (float(mean[0]), float(doubt[0])) for key, (mean, doubt) in found.items()}


def test_the_shipped_acceptor_role_by_hand() -> None:
    # Y6 seen from the gas phase: IE 6.75 - 1.1 = 5.65, EA 3.20 + 0.9 = 4.10 eV by CV, each +- 0.4 of the map
    found = _pair(get_role("acceptor_for_PM6"), 6.75, 3.20)
    assert found[VOLTAGE][0] == pytest.approx(5.56 - 4.10 - 0.3)
    assert found[VOLTAGE][1] == pytest.approx((0.1**2 + 0.4**2 + 0.1**2) ** 0.5)  # PM6, the map, the loss
    spread = np.hypot(0.1, 0.4)
    assert found[OFFSETS] == (pytest.approx(ndtr((0.09 - 0.05) / spread) * ndtr((0.6 - 0.1) / spread)), 0.0)


def test_the_doubt_of_predictions_widens_both(tmp_path: Path) -> None:
    role = get_role("acceptor_for_PM6")
    sure, doubtful = (_pair(role, 7.5, 3.2, std=std) for std in (0.0, 0.5))
    assert doubtful[VOLTAGE][1] == pytest.approx((sure[VOLTAGE][1] ** 2 + 0.5**2) ** 0.5)
    assert doubtful[OFFSETS][0] < sure[OFFSETS][0]


def test_a_donor_is_paired_with_an_acceptor(tmp_path: Path) -> None:
    # a donor of IE 6.6 - 1.1 = 5.5 and EA 2.6 + 0.9 = 3.5 eV by CV beside Y6: 5.5 - 4.10 - 0.3 V
    assert _pair(_role(tmp_path, "name: Y6"), 6.6, 2.6)[VOLTAGE][0] == pytest.approx(1.1)


def test_levels_of_the_same_scale_are_not_shifted(tmp_path: Path) -> None:
    partner = PM6.format("gas phase") + ", least_hole_offset: 0.1, least_electron_offset: 0.1"
    found = _pair(_role(tmp_path, partner), 5.65, 4.10)
    assert found[VOLTAGE] == (pytest.approx(1.16), pytest.approx(0.1))
    assert found[OFFSETS] == (0.0, 0.0)  # 0.09 eV is less than 0.1, and nothing is in doubt


@pytest.mark.parametrize(
    ("partner", "message"),
    [
        ("name: nobody", "no partner 'nobody'.*PM6"),
        (PM6.format("NHE"), "unknown energy scale 'NHE'|no usual least offsets"),
        (PM6.format("gas phase"), "no usual least offsets"),
        ("name: PM6, scale: CV", "all of them"),
        (PM6.format("CV").replace("5.56", "-5.56").replace("3.5,", "-3.5,"), "unlike the energies of HOMO and LUMO"),
        (PM6.format("CV").replace("5.56", "3.5").replace("affinity: 3.5", "affinity: 5.56"), "expected IE > EA"),
        (PM6.format("CV").replace("affinity: 3.5", "affinity: -3.5"), "expected IE > EA > 0"),
        ("name: PM6, affinity_key: lumo_energy@gfn2", "is no electron_affinity"),
        (
            "name: PM6, ionization_key: vertical_ionization_energy@b3lyp/def2-svp+smd(toluene)",
            "unknown energy scale",
        ),
    ],
)
def test_partners_that_cannot_be_used_are_refused(tmp_path: Path, partner: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _role(tmp_path, partner)


def test_a_pair_needs_a_partner_and_is_no_window(tmp_path: Path) -> None:
    file = tmp_path / "roles.yaml"
    text = OWN.format(partner="name: PM6")
    file.write_text(text.replace("  partner: {name: PM6}\n", ""))
    with pytest.raises(InputError, match="name the role's `partner`"):
        load_roles(file)
    file.write_text(text.replace("windows: []", "windows: [{property: offset_probability@pair//gfn2, lower: 0.5}]"))
    with pytest.raises(InputError, match="a window on a pair"):
        load_roles(file)
    file.write_text(text.replace("offset_probability@pair//gfn2", "offset_probability@pair//dft"))
    with pytest.raises(InputError, match=r"expected open_circuit_voltage@pair//gfn2"):
        load_roles(file)


def _predictions(members: np.ndarray) -> PredictionTable:
    smiles = ("c1ccc2cc3ccccc3cc2c1", "N#Cc1ccc(C#N)cc1", "c1csc(-c2cccs2)c1")
    mean = members.mean(axis=0)
    return PredictionTable(smiles, (IE, EA), mean, members.std(axis=0), 0 * mean, "mock", members=members)


def test_the_batch_takes_the_pair_that_works(tmp_path: Path) -> None:
    role = _role(tmp_path, "name: PM6")
    # the first gives charges back to PM6 (IE too low), the second gives little voltage, the third works
    members = np.array([[[6.0, 2.8], [6.8, 3.8], [6.9, 3.0]]] * 2) + np.array([-0.01, 0.01])[:, None, None]
    for acquisition in ("pareto_ucb", "thompson", "ei"):
        chosen = select_batch(
            _predictions(members), role=role, n=1, seed=0, acquisition=acquisition, beta=0.0,
            diversity=Diversity(max_similarity=1.0),
        )  # fmt: skip
        assert chosen[0].index == 2
    assert "V_OC" in chosen[0].reason
    assert "P(offsets)" in chosen[0].reason


def test_members_see_the_pair_each_with_its_own_levels(tmp_path: Path) -> None:
    role = _role(tmp_path, "name: PM6")
    members = np.array([[[6.7, 3.0]] * 3, [[6.7, 3.2]] * 3])
    table = _predictions(members)
    costs = member_costs(role, table, role_estimates(role, table), rows=np.arange(3))
    assert costs is not None
    np.testing.assert_allclose(costs[:, 0, 0], [-(5.56 - 3.9 - 0.3), -(5.56 - 4.1 - 0.3)])


@given(st.floats(5.0, 9.0), st.floats(0.0, 5.0), st.floats(0.01, 1.0))
def test_deeper_acceptors_give_less_voltage_and_better_offsets(ie: float, ea: float, step: float) -> None:
    role = get_role("acceptor_for_PM6")
    shallow, deep, deeper_hole = (_pair(role, *levels) for levels in ((ie, ea), (ie, ea + step), (ie + step, ea)))
    assert deep[VOLTAGE][0] < shallow[VOLTAGE][0]
    assert deep[OFFSETS][0] >= shallow[OFFSETS][0]
    assert deeper_hole[OFFSETS][0] >= shallow[OFFSETS][0]
    assert deeper_hole[VOLTAGE][0] == shallow[VOLTAGE][0]


def test_merit_counts_the_pair() -> None:
    role = get_role("acceptor_for_PM6")
    values = {key: np.array([1.0, 1.0]) for key in role.keys}
    values |= {IE: np.array([7.4, 6.2]), EA: np.array([3.2, 3.2])}
    good, poor = merit(role, values, spans=objective_spans(role, values))
    assert good > poor > 0  # the same voltage, and holes that leave the one and not the other
    assert with_pair_values(role.partner, {EA: 1.0}) == {EA: 1.0}
