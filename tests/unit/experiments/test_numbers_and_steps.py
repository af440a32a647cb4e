"""Numbers as people write them, and the step from computed to measured, by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError, ParseError
from heliosc.experiments.calibration import fit_steps, read_steps, write_steps
from heliosc.experiments.numbers import ReadNumber, read_number, to_unit
from heliosc.experiments.outcomes import MeasuredValue
from heliosc.properties import PropertyKey

EA_CV = PropertyKey("vertical_electron_affinity", "experiment-cv")
GAP = PropertyKey("optical_gap", "experiment-film")


@pytest.mark.parametrize(
    ("text", "value", "std", "unit"),
    [
        ("5.1", 5.1, None, ""), ("5,1", 5.1, None, ""),
        (" +5.10 ± 0,05 eV ", 5.1, 0.05, "eV"), ("850 mV", 850, None, "mV"),
        ("1e-4", 1e-4, None, ""), ("2.5E-3 cm² V⁻¹ s⁻¹", 2.5e-3, None, "cm2 V-1 s-1"), ("72%", 72, None, "%"),
        (".5", 0.5, None, ""), ("\N{MINUS SIGN}3.9", -3.9, None, ""), ("8.2 +/- 0.3", 8.2, 0.3, ""),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float, std: float | None, unit: str) -> None:
    assert read_number(text) == ReadNumber(value, std, unit)


@pytest.mark.parametrize("text", ["", "about five", "5.1-5.3", "1,234.5", "1.234.567", "nan", "1e999"])
def test_what_is_no_single_number(text: str) -> None:
    with pytest.raises(InputError, match="not a number"):
        read_number(text)


@pytest.mark.parametrize("text", ["<0.1", "> 98", "~5"])
def test_bounds_are_not_values(text: str) -> None:
    with pytest.raises(InputError, match="bound"):
        read_number(text)


@given(st.floats(min_value=-1e6, max_value=1e6, allow_nan=False))
def test_what_is_written_is_read(value: float) -> None:
    assert read_number(repr(value)).value == value


@pytest.mark.parametrize(
    ("value", "unit", "ours", "expected"),
    [
        (850, "mV", "V", 0.85), (0.71, "fraction", "%", 71), (100, "A/m2", "mA/cm^2", 10), (620, "nm", "eV", 1.99974),
        (3, "cm2 V-1 s-1", "cm^2/(V s)", 3), (1, "m2/(V s)", "cm^2/(V s)", 1e4), (12.4, "mA cm-2", "mA/cm^2", 12.4),
    ],
)  # fmt: skip
def test_units_by_hand(value: float, unit: str, ours: str, expected: float) -> None:
    assert to_unit(ReadNumber(value, None, ""), unit=unit, ours=ours).value == pytest.approx(expected, rel=1e-5)


def test_the_error_of_a_wavelength_becomes_one_of_an_energy() -> None:
    energy = to_unit(ReadNumber(620, 6.2, "nm"), unit="eV", ours="eV")
    assert energy.std == pytest.approx(0.01 * energy.value)


@pytest.mark.parametrize(("number", "unit"), [(ReadNumber(5, None, "kg"), "eV"), (ReadNumber(0, None, "nm"), "eV")])
def test_what_does_not_convert_is_refused(number: ReadNumber, unit: str) -> None:
    with pytest.raises(InputError, match=r"does not convert|not positive"):
        to_unit(number, unit=unit, ours="eV")


def _value(smiles: str, key: PropertyKey, value: float, *, n: int = 1) -> MeasuredValue:
    return MeasuredValue(smiles, key, value, None, n, "", ("f",))


def test_a_step_with_a_shipped_map_moves_by_the_weight_of_the_molecules() -> None:
    # gas phase to CV: +0.9 +- 0.4 eV, worth 5 molecules; differences 1.3, 1.3, 1.3, 1.3, 1.3
    measured = [_value("C" * i, EA_CV, 1.3 + i) for i in range(1, 6)]
    computed = {"C" * i: {"vertical_electron_affinity@gfn2": float(i)} for i in range(1, 6)}
    (step,) = fit_steps(measured, computed)
    assert step.offset == pytest.approx(1.1)
    # (5 (0.16 + 0.04) + 5 0.04) / 10 = 0.12
    assert step.std == pytest.approx(math.sqrt(0.12))
    assert step.expected(2.0) == (pytest.approx(3.1), step.std)
    assert (step.prior_offset, step.prior_std, step.n) == (0.9, 0.4, 5)


def test_a_molecule_measured_ten_times_counts_once() -> None:
    computed = {"C": {"vertical_electron_affinity@gfn2": 2.0}}
    (once,) = fit_steps([_value("C", EA_CV, 3.5)], computed)
    (often,) = fit_steps([_value("C", EA_CV, 3.5, n=10)], computed)
    assert once == often
    assert once.offset == pytest.approx((5 * 0.9 + 1.5) / 6)


def test_levels_of_theory_are_never_pooled() -> None:
    computed = {"C": {"vertical_electron_affinity@gfn2": 2.0, "vertical_electron_affinity@b3lyp/def2-svp": 2.4}}
    steps = fit_steps([_value("C", EA_CV, 3.4)], computed)
    assert {str(s.computed.level): round(s.offset, 6) for s in steps} == {
        "gfn2": round((4.5 + 1.4) / 6, 6),
        "b3lyp/def2-svp": round((4.5 + 1.0) / 6, 6),
    }


def test_without_a_map_three_molecules_are_needed() -> None:
    computed = {"C" * i: {"singlet_excitation_energy@tda-b3lyp/def2-svp": 2.0} for i in range(1, 4)}
    values = [_value("C" * i, GAP, 1.7 + 0.1 * i) for i in range(1, 4)]
    assert fit_steps(values[:2], computed) == ()
    (step,) = fit_steps(values, computed)
    assert (step.offset, step.std) == (pytest.approx(-0.1), pytest.approx(0.1))
    assert step.prior_offset is None


def test_steps_are_read_back_and_damage_is_named(tmp_path: Path) -> None:
    steps = fit_steps([_value("C", EA_CV, 3.5)], {"C": {"vertical_electron_affinity@gfn2": 2.0}})
    path = write_steps(tmp_path, steps)
    assert read_steps(tmp_path) == steps
    path.write_text("[{}]")
    with pytest.raises(ParseError, match="next import"):
        read_steps(tmp_path)
    assert read_steps(tmp_path / "nowhere") == ()
