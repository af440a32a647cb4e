"""Levels of theory as text: what they mean, on which scale they stand, what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.properties.levels import ionization_shift, parse_level


@pytest.mark.parametrize(
    ("name", "tier", "scale"),
    [
        ("gfn2", "xtb", "gas phase"),
        ("ipea1//gfn2", "xtb", "gas phase"),
        ("gfn2+alpb(toluene)", "xtb", "solution in toluene"),
        ("b3lyp/def2-svp[psi4]//gfn2", "dft", "gas phase"),
        ("b3lyp-d4/6-31+g(d,p)+smd(toluene)[orca]", "dft", "solution in toluene"),
        ("tda-b3lyp/6-31g**[pyscf]//b3lyp/6-31g**[pyscf]", "dft", "gas phase"),
    ],
)
def test_tier_and_scale(name, tier, scale):
    level = level_of_theory(name)
    assert (level.name, level.tier, level.scale) == (name, tier, scale)
    assert PropertyKey.parse(f"lambda_hole@{name}").level == name


def test_parts_of_a_full_level():
    single_points, geometry = parse_level("b3lyp-d4/6-31+g(d,p)+smd(toluene)[orca]//gfn2+alpb(toluene)")
    assert (single_points.method, single_points.basis, single_points.program) == ("b3lyp-d4", "6-31+g(d,p)", "orca")
    assert (single_points.model, single_points.solvent) == ("smd", "toluene")
    assert geometry is not None
    assert geometry.is_xtb
    assert geometry.solvent == "toluene"


@pytest.mark.parametrize(
    "name",
    ["", "b3lyp", "mmff94", "a//b//c", "b3lyp/", "b3lyp/x[psi4]//", "B3LYP/x", "b3lyp/x y", "b3lyp/x\n", "b3lyp/$x"],
)
def test_anything_else_is_refused(name):
    with pytest.raises(InputError, match="unknown level of theory"):
        level_of_theory(name)


@given(st.text(max_size=40))
def test_refusal_is_an_input_error_or_a_level(name):
    with suppress(InputError):
        assert level_of_theory(name).name == name


def test_only_xtb_single_points_carry_the_published_shift():
    assert ionization_shift("ipea1//gfn2") == ionization_shift("gfn2+alpb(water)") == 4.846
    assert ionization_shift("b3lyp/def2-svp[psi4]//gfn2") == 0.0
