"""The four-point arithmetic against numbers worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.qc.energies import FourPointEnergies
from heliosc.qc.units import HARTREE_EV

BY_HAND = FourPointEnergies(
    neutral_at_neutral=-10.000,
    cation_at_neutral=-9.600,
    anion_at_neutral=-10.050,
    cation_at_cation=-9.610,
    neutral_at_cation=-9.996,
    anion_at_anion=-10.053,
    neutral_at_anion=-9.998,
)


@pytest.mark.parametrize(
    ("name", "hartree"),
    [
        ("vertical_ionization_energy", 0.400),
        ("adiabatic_ionization_energy", 0.390),
        ("vertical_electron_affinity", 0.050),
        ("adiabatic_electron_affinity", 0.053),
        ("lambda_hole", 0.010 + 0.004),
        ("lambda_electron", 0.003 + 0.002),
    ],
)
def test_formula_by_hand(name, hartree):
    assert getattr(BY_HAND, name) == pytest.approx(hartree * HARTREE_EV, abs=1e-9)


def test_negative_term_is_named_only_below_one_millielectronvolt():
    def with_neutral_at_cation(rise_eV):
        return FourPointEnergies(-1.0, -0.6, -1.0, -0.6, -1.0 + rise_eV / HARTREE_EV, -1.0, -1.0)

    assert with_neutral_at_cation(-0.0009).negative_terms == ()
    assert with_neutral_at_cation(-0.0011).negative_terms == ("neutral_from_cation",)


@given(st.lists(st.floats(-50.0, -1.0), min_size=7, max_size=7))
def test_identities_hold_for_any_energies(values):
    four = FourPointEnergies(*values)
    terms = four.lambda_terms
    hole = four.vertical_ionization_energy - four.adiabatic_ionization_energy
    electron = four.adiabatic_electron_affinity - four.vertical_electron_affinity
    assert hole == pytest.approx(terms["cation"], abs=1e-9)
    assert electron == pytest.approx(terms["anion"], abs=1e-9)
    assert four.lambda_hole + four.lambda_electron == pytest.approx(sum(terms.values()), abs=1e-9)
