"""Criteria files: what ships, what a user changes, what is refused and how."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heliosc.datasets.library.load import load_library
from heliosc.errors import InputError
from heliosc.handoff.promotion.criteria import PairCriterion, WindowCriterion, load_criteria
from heliosc.properties import PropertyKey

PRESETS = {"donor", "acceptor", "hole_transport", "electron_transport", "p_dopable", "n_dopable"}

MINE = """
roles:
  donor:
    description: ours
    criteria:
      - {name: gap, property: optical_gap, limits: [{lower: 1.8}], source: our cell}
  blocker:
    description: hole blocking
    criteria:
      - {name: IE, property: vertical_ionization_energy, limits: [{scale: film, lower: 6.3}], source: our stack}
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "criteria.yaml"
    path.write_text(text)
    return path


def test_presets_ship_and_every_limit_of_an_energy_names_its_scale_and_source() -> None:
    roles = load_criteria().roles
    assert set(roles) >= PRESETS
    criteria = [item for role in roles.values() for item in role.criteria]
    assert all(item.source for item in criteria)
    energies = [c for c in criteria if isinstance(c, WindowCriterion) and c.property.endswith(("energy", "affinity"))]
    assert energies
    assert all(limits.scale for item in energies for limits in item.limits)


def test_a_users_file_replaces_a_role_adds_one_and_keeps_the_rest(tmp_path: Path) -> None:
    shipped, mine = load_criteria(), load_criteria(_write(tmp_path, MINE))
    assert [item.name for item in mine.role("donor").criteria] == ["gap"]
    assert mine.role("blocker").description == "hole blocking"
    assert mine.role("n_dopable") == shipped.role("n_dopable")
    assert mine.pass_at == shipped.pass_at
    assert mine.digest() != shipped.digest()


def test_a_users_level_error_comes_before_the_shipped_ones(tmp_path: Path) -> None:
    text = "level_errors:\n  - {quantity: electron_affinity, level: gfn2, std: 0.11, source: our own fit}\n"
    mine = load_criteria(_write(tmp_path, text))
    found = mine.error_of("electron_affinity", level="gfn2", tier="xtb", kinds={"large"})
    assert found is not None
    assert found.std == 0.11


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lower: 1.8", "lowr: 1.8", "lowr"),
        ("property: optical_gap", "property: optical_gab", "unknown property 'optical_gab'"),
        ("scale: film, ", "", "must name its scale"),
        ("scale: film", "scale: vacuum", "unknown energy scale 'vacuum'"),
        ("lower: 1.8", "scale: CV, lower: 1.8", "has no energy scale"),
        ("{lower: 1.8}", "{lower: 1.8, upper: 1.2}", "is empty"),
        ("{lower: 1.8}", "{}", "limits need lower, upper or both"),
        ("{lower: 1.8}", "{lower: 1.8, tolerated_lower: 1.9}", "lies inside the window"),
        ("limits: [{lower: 1.8}], ", "", "either `property` and `limits`, or `pair`"),
        ("{lower: 1.8}", "{lower: 1.8, level: gnf2}", "unknown level of theory 'gnf2'"),
        ("source: our cell", "source: our cell, advisory: perhaps", "advisory"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MINE
    with pytest.raises(InputError, match="criteria") as caught:
        load_criteria(_write(tmp_path, MINE.replace(old, new)))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "roles: {x: [", "thresholds: {pass: 0.2, warn: 0.5}", "rolls: {}"])
def test_files_that_are_no_criteria_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"criteria\.yaml"):
        load_criteria(_write(tmp_path, text))


def test_a_missing_file_and_an_unknown_role_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read promotion criteria"):
        load_criteria(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="did you mean 'donor'"):
        load_criteria().role("doner")


def test_gfn2_lambda_limits_are_what_the_reference_materials_have_at_that_level() -> None:
    library = load_library()
    names = {
        "lambda_hole": ["pentacene", "rubrene", "TMS-pentacene", "DNTT", "dimethyl-BTBT", "P3HT trimer", "DPP-T2",
                        "sexithiophene", "spiro-OMeTAD half"],
        "lambda_electron": ["PDI-Me", "NDI-Me", "PC61BM", "fullerene C60", "Y6", "PTCDI", "CPDT-IC", "PTCDA"],
    }  # fmt: skip
    limits = {
        item.property: entry
        for role in ("donor", "acceptor")
        for item in load_criteria().role(role).criteria
        if isinstance(item, WindowCriterion)
        for entry in item.limits
        if entry.level == "gfn2"
    }
    for name, materials in names.items():
        key = PropertyKey(name, "gfn2")
        found = library.reference_values([key], names=materials)
        assert set(found) == set(materials)
        values = [row[str(key)] for row in found.values()]
        assert limits[name].window.upper == pytest.approx(np.quantile(values, 0.75), abs=0.025)
        tolerated = limits[name].tolerated
        assert tolerated is not None
        assert tolerated.upper == pytest.approx(max(values), abs=0.025)
        assert limits[name].advisory


def test_pair_criteria_hold_the_limits_of_both_scales() -> None:
    gates = [c for role in ("donor", "acceptor") for c in load_criteria().role(role).criteria]
    pairs = [gate for gate in gates if isinstance(gate, PairCriterion)]
    assert len(pairs) == 2
    assert all(0.3 < dict(pair.least)["film"] <= 0.5 and 0 < dict(pair.least)["CV"] <= 0.1 for pair in pairs)
