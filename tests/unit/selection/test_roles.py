import math
from pathlib import Path

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import DEFAULT_TARGETS, PropertyKey
from heliosc.selection.roles import get_role, load_roles, meets_window

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
EA = PropertyKey("vertical_electron_affinity", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")
SA = PropertyKey("sa_score", "structure")

MATERIALS = {  # vertical IE and EA, eV, gas phase; in which of the two dopable roles
    "pentacene": (6.55, 1.39, {"p_dopable"}),
    "C60": (7.39, 2.684, {"n_dopable"}),
    "thiophene": (8.87, -1.17, set()),
    "anthracene": (7.44, 0.53, set()),
    "TCNE": (11.8, 3.16, {"n_dopable"}),
}


@pytest.mark.parametrize("name", MATERIALS)
def test_known_materials_fall_into_their_dopable_roles(name: str) -> None:
    ie, ea, expected = MATERIALS[name]
    assert {r for r in ("p_dopable", "n_dopable") if meets_window(get_role(r), {IE: ie, EA: ea})} == expected


def test_cv_windows_are_mapped_to_the_gas_phase() -> None:
    donor, acceptor = get_role("donor"), get_role("acceptor")
    assert str(donor.windows[0]) == (
        "vertical_ionization_energy@ipea1//gfn2 6.1 to 6.7 eV +- 0.4 (5 to 5.6 on the CV scale)"
    )
    y6 = {IE: 5.65 + 1.1, EA: 4.10 - 0.9}  # by CV, taken to the gas phase
    assert meets_window(acceptor, y6) is True
    assert meets_window(donor, y6) is False
    pm6 = {IE: 5.50 + 1.1, EA: 3.61 - 0.9}
    assert meets_window(donor, pm6) is True
    assert meets_window(acceptor, pm6) is False


def test_defaults_of_the_dopable_roles_are_gas_phase_and_exact() -> None:
    p_window, n_window = get_role("p_dopable").windows[0], get_role("n_dopable").windows[0]
    assert (p_window.key, p_window.window.upper, p_window.window.lower) == (IE, 6.8, -math.inf)
    assert (n_window.key, n_window.window.lower, n_window.window.upper) == (EA, 2.4, math.inf)
    assert p_window.window.limits_std == n_window.window.limits_std == 0


@pytest.mark.parametrize("values", [{}, {EA: 2.9}, {IE: 7.2}, {IE: 7.2, EA: math.nan}, {IE: 99.0}])
def test_a_missing_value_is_neither_yes_nor_no(values: dict) -> None:
    assert meets_window(get_role("acceptor"), values) is None


def test_the_carrier_matches_the_role_and_lambda_never_gates() -> None:
    lambdas = {
        name: [o.key.name for o in role.objectives if o.key.name.startswith("lambda")]
        for name, role in load_roles().items()
    }
    assert lambdas == {
        "donor": ["lambda_hole"], "acceptor": ["lambda_electron"], "acceptor_for_PM6": ["lambda_electron"],
        "p_dopable": ["lambda_hole"], "n_dopable": ["lambda_electron"],
        "ambipolar": ["lambda_hole", "lambda_electron"],
    }  # fmt: skip
    assert not any(w.key.name.startswith("lambda") for role in load_roles().values() for w in role.windows)


def test_every_shipped_role_can_be_served_by_the_embedded_models() -> None:
    for role in load_roles().values():
        assert set(role.keys) <= {*DEFAULT_TARGETS, SA}
        assert SA in role.keys
        assert np.isfinite(role.reference_costs).all()
        assert role.description
        assert role.source


def test_unknown_role_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'p_dopable'"):
        get_role("p-dopable")
    with pytest.raises(InputError, match="donor, acceptor, acceptor_for_PM6, p_dopable, n_dopable, ambipolar"):
        get_role("zzz")


ROLE = """
mine:
  description: d
  source: s
  windows:
    - {property: vertical_electron_affinity@gfn2, scale: film, lower: 4.0}
  objectives:
    - {property: vertical_electron_affinity@gfn2, scale: film, direction: maximise, bound: 5.0, reference: 3.0}
    - {property: lambda_electron@gfn2, direction: minimise, reference: 0.6, weight: 2}
"""


def _load(tmp_path: Path, text: str) -> dict:
    path = tmp_path / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    return load_roles(path)


def test_a_users_file_replaces_the_shipped_roles(tmp_path: Path) -> None:
    roles = _load(tmp_path, ROLE)
    assert list(roles) == ["mine"]
    assert roles["mine"].windows[0].window.lower == pytest.approx(2.7)  # 4.0 in a film
    first, second = roles["mine"].objectives
    assert (first.reference, first.bound, first.weight) == (pytest.approx(1.7), pytest.approx(3.7), 1)
    assert (second.reference, second.weight) == (0.6, 2)
    assert get_role("mine", roles) is roles["mine"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scale: film, lower", "lower", "must name its scale"),
        ("scale: film", "scale: UPS", "unknown energy scale 'UPS'"),
        ("lower: 4.0", "lowest: 4.0", r"mine.windows.0.lowest"),
        (", lower: 4.0", "", "needs lower, upper or both"),
        ("lower: 4.0", "lower: 4.0, upper: 3.0", "empty"),
        ("@gfn2, direction", "@gfn2, scale: film, direction", "has no energy scale"),
        ("direction: minimise", "direction: shrink", "direction"),
        ("direction: minimise", "direction: window", "takes lower and/or upper"),
        ("direction: minimise", "direction: minimise, target: 1.0", "takes lower and/or upper"),
        ("lambda_electron@gfn2", "lambda_electron", "names no level of theory"),
        ("weight: 2", "weight: 0", "weight"),
        ("weight: 2", "bound: 0.7", "no better than the reference"),
        ("bound: 5.0", "bound: 2.9", "no better than the reference"),
        (
            "lambda_electron@gfn2, direction",
            "vertical_electron_affinity@gfn2, scale: film, direction",
            "two objectives",
        ),
        ("mine:", "mine: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ROLE
    with pytest.raises(InputError, match=message):
        _load(tmp_path, ROLE.replace(old, new, 1))


def test_an_empty_or_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not describe roles"):
        _load(tmp_path, "")
    with pytest.raises(InputError, match="no role"):
        _load(tmp_path, "{}")
    with pytest.raises(InputError, match="cannot read roles"):
        load_roles(tmp_path / "absent.yaml")


def test_the_ambipolar_window_is_free_of_traps_on_both_sides() -> None:
    role = get_role("ambipolar")
    # film 6.0 and 3.6 eV are 7.6 and 2.3 eV in the gas phase
    assert meets_window(role, {IE: 7.5, EA: 2.4}) is True
    assert meets_window(role, {IE: 7.7, EA: 2.4}) is False
    assert meets_window(role, {IE: 7.5, EA: 2.2}) is False


def test_a_unit_that_is_not_the_propertys_is_refused(tmp_path: Path) -> None:
    text = (
        "mine:\n  description: x\n  source: x\n  windows: []\n  objectives:\n"
        "    - {property: lambda_hole@gfn2, unit: UNIT, direction: minimise, reference: 0.6}\n"
    )
    file = tmp_path / "roles.yaml"
    file.write_text(text.replace("UNIT", "meV"))
    with pytest.raises(InputError, match="is in eV, not in meV"):
        load_roles(file)
    file.write_text(text.replace("UNIT", "eV"))
    assert load_roles(file)["mine"].objectives[0].reference == 0.6
