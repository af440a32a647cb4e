"""A polymer's levels from GFN2-xTB oligomers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heliosc.errors import InputError
from heliosc.qc.condensed.polymer_levels import polymer
from heliosc.qc.results import calculation_result


@pytest.fixture(scope="module")
def polythiophene() -> dict[str, Any]:
    return polymer({"smiles": "[*]c1ccc([*])s1"})


def test_values_belong_to_the_repeat_unit(polythiophene: dict[str, Any]) -> None:
    result = calculation_result(json.loads(json.dumps(polythiophene)))
    assert result.smiles == "*c1ccc(*)s1"
    assert {str(key) for key in result.values} == {"homo_energy@gfn2", "lumo_energy@gfn2", "homo_lumo_gap@gfn2"}
    assert [entry["cap"] for entry in result.details["oligomers"]] == ["H"] * 4
    assert [entry["n_units"] for entry in result.details["oligomers"]] == [1, 2, 3, 4]


def test_levels_close_in_as_the_chain_grows(polythiophene: dict[str, Any]) -> None:
    oligomers = polythiophene["details"]["oligomers"]
    homo, lumo = ([entry[key] for entry in oligomers] for key in ("homo_eV", "lumo_eV"))
    assert homo == sorted(homo)
    assert lumo == sorted(lumo, reverse=True)
    values = polythiophene["values"]
    assert values["homo_energy@gfn2"] > homo[-1]
    assert values["lumo_energy@gfn2"] < lumo[-1]
    assert 0 < values["homo_lumo_gap@gfn2"] < lumo[-1] - homo[-1]


def test_gap_that_kuhn_would_make_none_is_extrapolated_by_a_line_and_flagged(polythiophene: dict[str, Any]) -> None:
    polyacetylene = polymer({"smiles": "[*]C=C[*]", "longest": 3})
    oligomers = polyacetylene["details"]["oligomers"]
    by_length = {entry["n_units"]: entry["lumo_eV"] - entry["homo_eV"] for entry in oligomers}
    line = 3 * by_length[3] - 2 * by_length[2]  # through (1/2, E2) and (1/3, E3), at 0
    assert polyacetylene["values"]["homo_lumo_gap@gfn2"] == pytest.approx(line, abs=1e-9)
    assert polyacetylene["details"]["flags"] == ["gap_by_straight_line"]
    assert polythiophene["details"]["flags"] == []


def test_the_line_goes_lower_and_the_forms_fit(polythiophene: dict[str, Any]) -> None:
    limits, lines = polythiophene["details"]["limits"], polythiophene["details"]["straight_lines"]
    assert limits["homo_lumo_gap"]["method"] == "kuhn"
    assert lines["homo_lumo_gap"]["value"] < limits["homo_lumo_gap"]["value"]
    assert all(limit["rms_residual"] < 0.03 for limit in limits.values())
    # the gap's own limit and the difference of the levels' agree
    difference = limits["lumo_energy"]["value"] - limits["homo_energy"]["value"]
    assert limits["homo_lumo_gap"]["value"] == pytest.approx(difference, abs=0.25)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "expected smiles"),
        ({"smiles": "c1ccsc1"}, "no repeat unit"),
        ({"smiles": "[*]c1ccc([*])s1", "longest": 2}, "at least 3"),
        ({"smiles": "[*]c1cc([*:1])c([*])s1"}, "open sites"),
        ({"smiles": "[*]c1ccc([*])s1", "charge": 1}, "expected smiles"),
    ],
)
def test_what_is_no_polymer_is_refused(payload: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        polymer(payload)
