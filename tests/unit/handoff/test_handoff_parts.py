"""Parts of the hand-off against hand-worked and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from heliosc.errors import InputError
from heliosc.handoff.analytics import average_mass, element_counts, isotope_pattern
from heliosc.handoff.archive import safe_name
from heliosc.handoff.drawing import structure_png, structure_svg
from heliosc.handoff.labels import format_number, limit_text, ordered_keys
from heliosc.handoff.spreadsheets import safe_cell
from heliosc.handoff.structures import charged_structures
from heliosc.properties import PropertyKey
from heliosc.qc.geometries import Geometry
from heliosc.selection.objectives import Window

EA = PropertyKey("vertical_electron_affinity", "gfn2")


def _xyz(smiles: str) -> str:
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
    return Chem.MolToXYZBlock(molecule)


def test_mass_of_thiophene() -> None:
    counts = element_counts(Chem.MolFromSmiles("c1ccsc1"))
    assert counts == {"C": 4, "H": 4, "S": 1}
    assert average_mass(counts) == pytest.approx(84.14, abs=0.01)
    peaks = isotope_pattern(counts)
    # monoisotopic 84.00337 less an electron; M+1: 4 x 1.08 % + 0.79 % (33S); M+2: 4.5 % (34S)
    assert peaks[0].mz == pytest.approx(84.0028, abs=1e-4)
    assert [peak.relative for peak in peaks] == pytest.approx([100, 5.1, 4.6], abs=0.15)


def test_isotope_pattern_of_two_bromines_is_one_two_one() -> None:
    peaks = isotope_pattern({"Br": 2}, min_relative=10)
    assert [peak.relative for peak in peaks] == pytest.approx([51.4, 100, 48.6], abs=0.3)
    assert peaks[1].mz - peaks[0].mz == pytest.approx(1.998, abs=1e-3)


def test_isotope_pattern_of_c60() -> None:
    peaks = isotope_pattern({"C": 60})
    # binomial: 60 x 1.07 / 98.93 = 64.9 %
    assert peaks[1].relative == pytest.approx(64.9, abs=0.3)
    assert peaks[0].mz == pytest.approx(720.0 - 0.00055, abs=1e-4)


@given(st.text(min_size=0, max_size=200))
def test_safe_names_stay_in_their_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not safe.startswith((".", "-"))
    assert len(safe) <= 100


def test_altered_names_stay_distinct() -> None:
    assert safe_name("run-r0-01") == "run-r0-01"
    assert safe_name("a/b") != safe_name("a:b")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_formula_like_texts_are_escaped(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_numbers_are_not_escaped() -> None:
    assert safe_cell(-5.1) == -5.1
    assert safe_cell("c1ccsc1") == "c1ccsc1"


def test_missing_is_a_dash_and_zero_is_zero() -> None:
    assert format_number(None) == "—"
    assert format_number(math.nan) == "—"
    assert format_number(0.0) == "0.00"
    assert format_number(-0.001) == "0.00"
    assert format_number(-5.456) == "\N{MINUS SIGN}5.46"


def test_targets_come_first() -> None:
    names = ["polarizability@gfn2", "adiabatic_electron_affinity@gfn2", "vertical_ionization_energy@ipea1//gfn2"]
    assert [str(key) for key in ordered_keys(names)] == [names[2], names[0], names[1]]


@pytest.mark.parametrize(
    ("window", "text"), [(Window(upper=6.8), "≤ 6.80"), (Window(lower=2.4), "≥ 2.40"), (Window(5, 5.6), "5.00 to 5.60")]
)
def test_limits_in_words(window: Window, text: str) -> None:
    assert limit_text(window, key=EA) == text


def test_shuffled_atoms_are_put_back_in_their_places() -> None:
    smiles = "c1ccc(-c2cccs2)nc1"
    geometry = Geometry.from_xyz(_xyz(smiles))
    order = np.random.default_rng(3).permutation(geometry.n_atoms)
    shuffled = Geometry(tuple(geometry.symbols[i] for i in order), geometry.positions[order])
    (structure,) = charged_structures(smiles, {"neutral": shuffled.to_xyz()})
    assert structure.molecule is not None
    positions = structure.molecule.GetConformer().GetPositions()
    for bond in structure.molecule.GetBonds():
        length = np.linalg.norm(positions[bond.GetBeginAtomIdx()] - positions[bond.GetEndAtomIdx()])
        assert 0.9 < length < 1.9


def test_a_broken_ion_has_no_structure() -> None:
    smiles = "c1ccsc1"
    whole = Geometry.from_xyz(_xyz(smiles))
    moved = whole.positions.copy()
    moved[-1] += 5.0
    broken = Geometry(whole.symbols, moved).to_xyz()
    texts = {"neutral": whole.to_xyz(), "cation": whole.to_xyz(), "anion": broken}
    structures = charged_structures(smiles, texts)
    assert [structure.molecule is None for structure in structures] == [False, False, True]


def test_drawings() -> None:
    assert "<svg" in structure_svg("c1ccsc1")
    assert structure_png("c1ccsc1").startswith(b"\x89PNG")
    with pytest.raises(InputError, match="too many to draw"):
        structure_svg("C" * 150)
