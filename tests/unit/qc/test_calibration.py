"""Calibrations: the fit against hand-worked least squares, honest errors, files, shipped maps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heliosc.errors import InputError, ParseError
from heliosc.properties.levels import level_of_theory
from heliosc.qc.calibration import (
    Calibration,
    Sample,
    fit_calibration,
    read_calibration,
    shipped_calibration,
    shipped_names,
    write_calibration,
)
from heliosc.qc.calibration.features import (
    COUNTS,
    SOLUTION,
    adiabatic_features,
    group_counts,
    input_menu,
    vertical_features,
)

IE = "adiabatic_ionization_energy@gfn2"
OTHER = "lumo_energy@gfn2"


def _samples(n: int = 40, *, noise: float = 0.0, seed: int = 7) -> list[Sample]:
    """y = 1 + 0.9 IE + 0.2 LUMO + noise, four molecules a scaffold."""
    generator = np.random.default_rng(seed)
    inputs = generator.uniform([6.0, -9.0], [9.0, -6.0], size=(n, 2))
    target = 1.0 + inputs @ [0.9, 0.2] + noise * generator.standard_normal(n)
    return [
        Sample({IE: float(x), OTHER: float(z)}, float(y), scaffold=str(index // 4), kind="odd" if index % 2 else "even")
        for index, ((x, z), y) in enumerate(zip(inputs, target, strict=True))
    ]


def _fit(samples: list[Sample], menu: tuple[tuple[str, ...], ...] = ((IE,), (IE, OTHER))) -> Calibration:
    return fit_calibration(
        samples, property_name="adiabatic_ionization_energy", name="gas", version=1, menu=menu, reference="synthetic"
    )


def test_exact_line_is_found_and_the_needed_input_chosen() -> None:
    calibration = _fit(_samples())
    assert calibration.inputs == (IE, OTHER)
    assert calibration.apply({IE: 7.0, OTHER: -8.0}).value == pytest.approx(1 + 6.3 - 1.6, abs=1e-4)
    assert calibration.figures.mae_one_out < 1e-5
    assert calibration.key.level == "cal-gas.1//gfn2"
    assert level_of_theory(calibration.key.level).scale == "gas phase"


def test_an_input_that_tells_nothing_is_left_out() -> None:
    generator = np.random.default_rng(1)
    samples = [
        Sample({**sample.features, OTHER: float(generator.normal())}, 0.9 * sample.features[IE], sample.scaffold)
        for sample in _samples()
    ]
    assert _fit(samples).inputs == (IE,)


def test_one_input_is_the_textbook_line() -> None:
    samples = _samples(noise=0.1)
    calibration = _fit(samples, menu=((IE,),))
    x = np.array([sample.features[IE] for sample in samples])
    y = np.array([sample.reference for sample in samples])
    slope = ((x - x.mean()) @ (y - y.mean())) / ((x - x.mean()) @ (x - x.mean()))
    shrinkage = 1.0 / (1.0 + calibration.ridge / len(x))  # ridge on a standardised input
    assert calibration.weights[0] / calibration.spreads[0] == pytest.approx(slope * shrinkage, rel=1e-9)
    assert calibration.intercept == pytest.approx(y.mean())


def test_errors_are_those_of_molecules_left_out() -> None:
    generator = np.random.default_rng(3)
    pure_noise = [
        Sample({IE: float(generator.normal()), OTHER: float(generator.normal())}, float(generator.normal()), str(index))
        for index in range(24)
    ]
    figures = _fit(pure_noise).figures
    spread = float(np.abs([sample.reference for sample in pure_noise]).mean())
    assert figures.mae_one_out > 0.9 * spread  # a fit judged on its own data would claim less
    assert figures.rmse_one_out >= figures.mae_one_out


def test_scaffold_out_is_harder_when_scaffolds_differ() -> None:
    generator = np.random.default_rng(5)
    offsets = np.repeat(generator.normal(scale=0.5, size=10), 4)
    samples = [
        Sample({**sample.features, OTHER: offset}, sample.features[IE] + abs(offset), sample.scaffold)
        for sample, offset in zip(_samples(), offsets, strict=True)
    ]
    figures = _fit(samples, menu=((IE,), (IE, OTHER))).figures
    assert figures.mae_scaffold_out > figures.mae_one_out


def test_every_class_has_its_own_errors() -> None:
    calibration = _fit(_samples(noise=0.05))
    assert set(calibration.by_class) == {"even", "odd"}
    assert sum(figures.n_molecules for figures in calibration.by_class.values()) == 40


def test_uncertainty_grows_outside_and_says_so() -> None:
    calibration = _fit(_samples(noise=0.1))
    inside = calibration.apply({IE: 7.5, OTHER: -7.5})
    outside = calibration.apply({IE: 12.0, OTHER: -7.5})
    assert inside.outside == ()
    assert outside.outside == (IE,)
    assert 0.09 < inside.std < outside.std


def test_missing_inputs_and_small_sets_are_refused() -> None:
    with pytest.raises(InputError, match="needs"):
        _fit(_samples()).apply({IE: 7.0})
    with pytest.raises(InputError, match="short lower-case name"):
        fit_calibration(_samples(), property_name="x", name="To CV", version=1, menu=((IE,),), reference="synthetic")
    with pytest.raises(InputError, match="at least 12"):
        _fit(_samples(8))
    with pytest.raises(InputError, match="share one scaffold"):
        _fit([replace(sample, scaffold="same") for sample in _samples()])


def test_file_round_trip_keeps_every_digit(tmp_path: Path) -> None:
    calibration = _fit(_samples(noise=0.1))
    write_calibration(calibration, tmp_path / "ie.json")
    again = read_calibration(tmp_path / "ie.json")
    features = {IE: 7.123, OTHER: -7.9}
    assert again.apply(features) == calibration.apply(features)
    assert again.by_class == calibration.by_class


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [0.1]},
        {"format": "heliosc-calibration-0"},
        {"unknown": 1},
        {"intercept": "7"},
        {"means": [float("nan"), 1.0]},
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "ie.json"
    write_calibration(_fit(_samples(noise=0.1)), path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ParseError):
        read_calibration(path)


def test_group_counts_by_hand() -> None:
    from rdkit import Chem

    counts = group_counts(Chem.MolFromSmiles("O=C1C(Cl)=C(C#N)C(=O)c2ccc([N+](=O)[O-])cc21"))
    assert {name: counts[name] for name in COUNTS} == {"n_carbonyl": 2, "n_nitro": 1, "n_halogen": 1, "n_cyano": 1}
    bithiophene_carbazole = group_counts(Chem.MolFromSmiles("c1csc(-c2cccs2)c1.c1ccc2c(c1)[nH]c1ccccc12"))
    assert (bithiophene_carbazole["n_sulfur"], bithiophene_carbazole["n_amine"]) == (2, 1)


def test_menus_begin_with_the_cheap_value() -> None:
    for name in ("adiabatic_electron_affinity", "vertical_ionization_energy"):
        assert input_menu(name)[0] == (f"{name}@gfn2",)
        assert set(COUNTS) <= {column for choice in input_menu(name) for column in choice}


def test_shipped_maps_are_readable_and_within_their_own_claims() -> None:
    assert shipped_names()
    for name in shipped_names():
        property_name, _, target = name.partition(".")
        calibration = shipped_calibration(property_name, target)
        assert calibration.property_name == property_name
        assert calibration.name == target
        assert calibration.figures.mae_one_out < calibration.figures.mae_raw
        middle = calibration.apply(dict(zip(calibration.inputs, calibration.means, strict=True)))
        assert middle.value == pytest.approx(calibration.intercept)


@pytest.mark.parametrize(
    "level", ["cal-gas.0//gfn2", "cal-Gas.1//gfn2", "cal-gas.1//nothing", "cal-gas.1//cal-cv.1//gfn2"]
)
def test_malformed_calibrated_levels_are_refused(level: str) -> None:
    with pytest.raises(InputError):
        level_of_theory(level)


def test_calibrated_levels_stand_on_the_scale_they_lead_to() -> None:
    assert level_of_theory("cal-cv.1//gfn2").scale == level_of_theory("cal-cvpolymer.1//gfn2").scale == "CV"
    assert level_of_theory("cal-film.3//ipea1//gfn2").scale == "film"
    assert level_of_theory("cal-b3lyp.1//gfn2").scale == level_of_theory("gfn2").scale
    assert level_of_theory("cal-cv.1//gfn2").tier == "xtb"


def test_unknown_shipped_map() -> None:
    with pytest.raises(InputError, match="there are"):
        shipped_calibration("lambda_hole", "gas")


def test_features_of_a_real_molecule_feed_the_shipped_maps() -> None:
    from rdkit import Chem

    features = adiabatic_features(Chem.MolFromSmiles("c1ccsc1"))
    value = shipped_calibration("adiabatic_ionization_energy", "gas").apply(features)
    assert value.value == pytest.approx(8.87, abs=0.3)  # thiophene, experiment
    assert value.outside == ()


def test_side_chains_are_cut_before_vertical_calculations() -> None:
    from rdkit import Chem

    hexyl = vertical_features(Chem.MolFromSmiles("CCCCCCc1ccsc1"))
    methyl = vertical_features(Chem.MolFromSmiles("Cc1ccsc1"))
    assert hexyl == pytest.approx(methyl, abs=1e-3)
    gas, solution = hexyl["vertical_ionization_energy@gfn2"], hexyl[f"vertical_ionization_energy@{SOLUTION}"]
    assert solution < gas - 0.5  # a solvent stabilises the cation
