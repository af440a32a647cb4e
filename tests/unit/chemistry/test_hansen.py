"""Hansen parameters against measured ones, against Mathieu's own equations worked by hand, and at their limits."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from heliosc.chemistry.hansen import (
    DIPOLE,
    INCREMENTS,
    MEASURED,
    MEASURED_PARAMETERS,
    hansen_distance,
    hansen_parameters,
)
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.molar_volume import estimated_density, molar_volume, volume_and_refraction
from heliosc.chemistry.polar_groups import polar_energy, polar_groups
from heliosc.errors import InputError

REFERENCE_DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).parents[4] / "shared" / "data"))


def test_benzene_by_hand() -> None:
    # six aromatic CH, one aromatic six-membered ring
    benzene = parse_smiles("c1ccccc1")
    assert molar_volume(benzene) == pytest.approx(6 * 13.23 + 6.89 + 1.82)
    assert volume_and_refraction(benzene)[1] == pytest.approx(6 * 4.46)
    parameters = hansen_parameters(benzene)
    volume = 88.09
    assert parameters.delta_d == pytest.approx(sqrt(93.8 + (2016 + 75044 / volume) * (26.76 / volume) ** 2))
    assert parameters.delta_p == 0.0
    assert parameters.delta_h == pytest.approx(sqrt(6 * 24.5 / volume))
    assert parameters.hildebrand == pytest.approx(18.5, abs=0.6)  # measured total 18.5


def test_acetic_acid_by_hand() -> None:
    acid = parse_smiles("CC(=O)O")
    volume = 29.58 + 0.0 + 14.89 + 11.78
    assert molar_volume(acid) == pytest.approx(volume)
    # acid and ester pattern, =O, OH; the carbonyl bond belongs to the acid
    assert polar_energy(acid).value == pytest.approx(-5494 + 3653 + 1603 + 4125)
    parameters = hansen_parameters(acid)
    assert parameters.delta_p == pytest.approx(8.0, abs=0.5)  # measured
    assert parameters.delta_h == pytest.approx(sqrt((3 * 24.5 + 2 * 1980 + 7094) / volume))


@pytest.mark.parametrize(
    ("smiles", "groups"),
    [
        ("CC(C)=O", {"C=O": 1, "O(0)": 1}),
        ("N#Cc1ccc([N+](=O)[O-])cc1", {"nitro": 1, "C#N": 1, "O(0)": 2, "N(0)": 2}),
        ("c1ccc2nsnc2c1", {"aromatic N": 2, "aromatic S": 1, "S(0)": 1}),
        ("CS(C)(=O)=O", {"sulfone": 1, "O(0)": 2, "S(0)": 1}),
        ("CN1C(=O)c2ccccc2C1=O", {"amide": 2, "O(0)": 2, "N(0)": 1}),
        ("CCCCCC", {}),
    ],
)
def test_groups_are_counted_once(smiles: str, groups: dict[str, int]) -> None:
    assert dict(polar_groups(parse_smiles(smiles))) == groups


@pytest.mark.parametrize(
    ("smiles", "delta_p"),
    [("c1ccsc1", 2.4), ("c1ccncc1", 8.8), ("CS(C)=O", 16.4), ("Brc1ccccc1", 5.5), ("c1ccoc1", 1.8), ("CON=C(C)C", 4.6)],
)
def test_an_anchored_group_reproduces_its_parent(smiles: str, delta_p: float) -> None:
    parameters = hansen_parameters(parse_smiles(smiles))
    assert parameters.delta_p == pytest.approx(delta_p)
    assert parameters.sources[1] == "anchored increments"


def test_canonical_order_does_not_matter() -> None:
    molecule = parse_smiles("N#Cc1c2nsnc2c(-c2ccc(C=O)s2)cc1")
    shuffled = Chem.MolFromSmiles(Chem.MolToSmiles(molecule, doRandom=True))
    assert hansen_parameters(shuffled) == hansen_parameters(molecule)


def test_measured_values_override_the_estimate() -> None:
    smiles = MEASURED_PARAMETERS[0].smiles
    parameters = hansen_parameters(parse_smiles(Chem.MolToSmiles(parse_smiles(smiles), doRandom=True)))
    assert (parameters.delta_d, parameters.delta_p, parameters.delta_h) == (20.2, 5.4, 4.5)
    assert parameters.sources == (MEASURED,) * 3
    assert parameters.molar_volume == pytest.approx(607.3)


def test_fullerenes_without_measurement_carry_a_warning() -> None:
    # an ethyl ester in place of PC61BM's methyl ester: the increments give 28 for the measured 20
    parameters = hansen_parameters(parse_smiles("C" + MEASURED_PARAMETERS[0].smiles))
    assert parameters.delta_d > 26
    assert any("fullerene" in warning for warning in parameters.warnings)


def test_published_failure_of_the_model_for_c60() -> None:
    c60 = parse_smiles(MEASURED_PARAMETERS[1].smiles)
    volume, refraction = volume_and_refraction(c60)
    # the increments give 33.5 where 19.7 is measured
    assert sqrt(93.8 + (2016 + 75044 / volume) * (refraction / volume) ** 2) == pytest.approx(33.5, abs=0.1)
    assert hansen_parameters(c60).delta_d == 19.7


def test_dipole_moment_gives_beerbowers_polar_parameter() -> None:
    # chlorobenzene's neighbour without a measurement here: fluorobenzene, 1.60 D, 94.7 cm3/mol, measured 6.1
    parameters = hansen_parameters(parse_smiles("Fc1ccccc1"), dipole_debye=1.60)
    assert parameters.delta_p == pytest.approx(37.4 * 1.60 / sqrt(parameters.molar_volume))
    assert parameters.delta_p == pytest.approx(6.1, abs=0.3)
    assert parameters.sources == (INCREMENTS, DIPOLE, INCREMENTS)


def test_a_very_polar_molecule_is_flagged() -> None:
    acetonitrile = hansen_parameters(parse_smiles("CC#N"), dipole_debye=3.92)  # measured 18.0
    assert any("twice too high" in warning for warning in acetonitrile.warnings)


def test_a_group_without_increment_leaves_the_polar_parameter_open() -> None:
    parameters = hansen_parameters(parse_smiles("CB(C)C"))
    assert parameters.delta_p is None
    assert parameters.hildebrand is None
    assert any("B(0)" in warning for warning in parameters.warnings)
    assert hansen_distance(parameters, parameters) is None
    assert hansen_parameters(parse_smiles("CB(C)C"), dipole_debye=0.0).delta_p is not None


def test_selenium_is_said_to_be_taken_as_sulfur() -> None:
    assert "Se taken as S in delta_P" in hansen_parameters(parse_smiles("c1cc[se]c1")).warnings


@pytest.mark.parametrize(("smiles", "code"), [("*c1ccsc1", r"\*10"), ("C[N+](C)(C)C", "N40"), ("[2H]C", "H10")])
def test_atoms_without_increment_are_named(smiles: str, code: str) -> None:
    with pytest.raises(InputError, match=code):
        hansen_parameters(parse_smiles(smiles))


def test_hansen_distance_by_hand() -> None:
    first = hansen_parameters(parse_smiles("Clc1ccccc1"))
    second = replace(first, delta_d=first.delta_d + 1, delta_p=first.delta_p + 2, delta_h=first.delta_h - 1)  # type: ignore[operator]
    assert hansen_distance(first, second) == pytest.approx(3.0)  # 4 + 4 + 1


@pytest.mark.parametrize(
    ("smiles", "density"),  # g/cm3 near 20 C: liquids from the CRC Handbook, anthracene and pentacene crystals
    [("c1ccccc1", 0.877), ("c1ccsc1", 1.065), ("CCCCCC", 0.659), ("Clc1ccccc1", 1.106), ("c1ccc2cc3ccccc3cc2c1", 1.25)],
)
def test_densities_within_ten_per_cent(smiles: str, density: float) -> None:
    assert estimated_density(parse_smiles(smiles)) == pytest.approx(density, rel=0.10)


def _measured() -> dict[str, Any]:
    """Canonical SMILES -> (3,) median of the measured parameters."""
    path = REFERENCE_DATA / "hansen.csv"
    if not path.is_file():
        pytest.skip(f"REFERENCE DATA MISSING: {path}; set HELIOSC_REFERENCE_DATA to the folder that holds hansen.csv")
    values = defaultdict(list)
    with path.open() as file:
        for row in csv.DictReader(file):
            molecule = Chem.MolFromSmiles(row["smiles"])
            if molecule is not None:
                key = Chem.MolToSmiles(molecule, isomericSmiles=False)
                values[key].append([float(row[f"delta_{part}_MPa05"]) for part in "DPH"])
    return {smiles: np.median(rows, axis=0) for smiles, rows in values.items()}


def test_errors_against_measured_parameters() -> None:
    errors = defaultdict(list)
    for smiles, measured in _measured().items():
        molecule = Chem.MolFromSmiles(smiles)
        try:
            parameters = hansen_parameters(molecule)
        except InputError:
            continue  # nine inorganic or charged substances
        if parameters.delta_p is None or parameters.sources[0] == MEASURED:
            continue
        error = np.abs([parameters.delta_d, parameters.delta_p, parameters.delta_h] - measured)
        for name in _classes(molecule):
            errors[name].append(error)
    found = {name: np.mean(rows, axis=0) for name, rows in errors.items()}
    for name, rows in sorted(errors.items()):
        print(f"{name:16s} n={len(rows):4d} MAE delta_D {found[name][0]:.2f} delta_P {found[name][1]:.2f} "
              f"delta_H {found[name][2]:.2f} MPa^0.5")  # fmt: skip
    assert len(errors["all"]) > 1100
    limits = {"all": (0.9, 2.5, 2.0), "aromatic": (0.8, 2.4, 1.9), "heteroaromatic": (0.8, 3.0, 2.4)}
    for name, limit in limits.items():
        assert (found[name] < limit).all(), f"{name}: {found[name]}"


def _classes(molecule: Chem.Mol) -> list[str]:
    aromatic = [atom for atom in molecule.GetAtoms() if atom.GetIsAromatic()]
    if not aromatic:
        return ["all", "aliphatic"]
    return ["all", "heteroaromatic" if any(atom.GetAtomicNum() != 6 for atom in aromatic) else "aromatic"]
