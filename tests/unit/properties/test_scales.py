import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.properties.scales import (
    CV,
    ELECTRON_AFFINITY,
    FILM,
    GAS_PHASE,
    IONIZATION_ENERGY,
    SCALES,
    SHIFTS,
    ScaledEnergy,
    convert_energy,
    scale_shift,
    scaled_quantity,
)


def test_pentacene_and_c60_anchors() -> None:
    film = convert_energy(ScaledEnergy(6.6, 0.0, GAS_PHASE), quantity=IONIZATION_ENERGY, destination=FILM)
    assert (film.value, film.std, film.scale) == (pytest.approx(5.0), pytest.approx(0.3), FILM)
    film = convert_energy(ScaledEnergy(2.68, 0.0, GAS_PHASE), quantity=ELECTRON_AFFINITY, destination=FILM)
    assert (film.value, film.std) == (pytest.approx(3.98), pytest.approx(0.3))


def test_y6_levels_by_cv_go_to_the_gas_phase() -> None:
    ie = convert_energy(ScaledEnergy(5.65, 0.0, CV), quantity=IONIZATION_ENERGY, destination=GAS_PHASE)
    ea = convert_energy(ScaledEnergy(4.10, 0.0, CV), quantity=ELECTRON_AFFINITY, destination=GAS_PHASE)
    assert (ie.value, ea.value) == (pytest.approx(6.75), pytest.approx(3.20))


def test_errors_add_in_quadrature() -> None:
    film = convert_energy(ScaledEnergy(7.0, 0.4, GAS_PHASE), quantity=IONIZATION_ENERGY, destination=FILM)
    assert film.std == pytest.approx(0.5)  # 3-4-5


@given(st.floats(0, 12), st.sampled_from(sorted(SCALES)), st.sampled_from(sorted(SCALES)))
@settings(deadline=None)
def test_there_and_back(value: float, origin: str, destination: str) -> None:
    for quantity in (IONIZATION_ENERGY, ELECTRON_AFFINITY):
        there = convert_energy(ScaledEnergy(value, 0.0, origin), quantity=quantity, destination=destination)
        back = convert_energy(there, quantity=quantity, destination=origin)
        assert back.value == pytest.approx(value, abs=1e-9)
        assert (there.std == 0) == (origin == destination)


def test_every_pair_of_scales_is_mapped_once_and_only_the_fitted_ones_are_not_provisional() -> None:
    assert len(SHIFTS) == len({(s.quantity, frozenset((s.origin, s.destination))) for s in SHIFTS}) == 6
    assert all(shift.std > 0 for shift in SHIFTS)
    fitted = [(shift.origin, shift.destination) for shift in SHIFTS if not shift.is_provisional]
    assert fitted == [(GAS_PHASE, CV)] * 2


def test_only_ie_and_ea_have_a_scale() -> None:
    assert scaled_quantity("vertical_ionization_energy") == IONIZATION_ENERGY
    assert scaled_quantity("adiabatic_electron_affinity") == ELECTRON_AFFINITY
    assert scaled_quantity("homo_energy") is None
    with pytest.raises(InputError, match="no map"):
        scale_shift("homo_energy", origin=GAS_PHASE, destination=CV)


def test_unknown_scale() -> None:
    with pytest.raises(InputError, match="unknown energy scale 'ups'"):
        scale_shift(IONIZATION_ENERGY, origin="ups", destination=CV)
