"""Properties of the user's own: one YAML file makes a name, a unit, a form field, a column."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliosc.config import load_config
from heliosc.environment import OWN_PROPERTIES
from heliosc.errors import InputError
from heliosc.experiments.form import form_rows
from heliosc.properties import PROPERTIES, PropertyKey, names, units
from heliosc.properties.own import use_properties
from heliosc.properties.plausibility import possible_range

TEXT = """
solubility:
  unit: g/L
  symbol: S
  meaning: in chloroform at 25 C
  lower: 0
  upper: 2000
  units: {mg/mL: 1.0, mol/L: 500.0}
log_conductivity: {unit: log10(S/cm), symbol: log sigma, meaning: of a doped film}
"""


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give everything back that a test adds."""
    known, own = dict(PROPERTIES), set(names._own)
    factors = {ours: dict(accepted) for ours, accepted in units.FACTORS.items()}
    monkeypatch.setenv(OWN_PROPERTIES, "")
    monkeypatch.delenv(OWN_PROPERTIES)
    yield
    for table, before in ((PROPERTIES, known), (units.FACTORS, factors)):
        table.clear()
        table.update(before)
    names._own.clear()
    names._own.update(own)


@pytest.fixture
def file(tmp_path: Path, vocabulary: None) -> Path:
    path = tmp_path / "properties.yaml"
    path.write_text(TEXT)
    return path


def test_a_configuration_is_enough(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown property 'solubility'"):
        PropertyKey.parse("solubility@experiment")
    load_config(None, [f"properties={file}"])
    key = PropertyKey.parse("solubility@experiment")
    assert key.unit == "g/L"
    assert possible_range(key) == (0, 2000)
    assert units.factor_to("g/L", "mol/L") == 500
    assert possible_range(PropertyKey.parse("log_conductivity@experiment")) == (-1e9, 1e9)


def test_the_same_file_again_changes_nothing_and_another_meaning_is_refused(file: Path, tmp_path: Path) -> None:
    assert use_properties(file) == use_properties(file)
    other = tmp_path / "other.yaml"
    other.write_text("solubility: {unit: mol/L, symbol: S, meaning: in water}")
    with pytest.raises(InputError, match="in the vocabulary already"):
        use_properties(other)
    other.write_text("homo_energy: {unit: V, symbol: E, meaning: mine}")
    with pytest.raises(InputError, match="in the vocabulary already"):
        use_properties(other)
    assert PROPERTIES["homo_energy"].unit == "eV"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("solubility: {unit: g/L, symbol: S}", "meaning"),
        ("solubility: {unit: g/L, symbol: S, meaning: x, colour: red}", "colour"),
        ("Sol-1: {unit: g/L, symbol: S, meaning: x}", "lower-case"),
        ("solubility: {unit: g/L, symbol: S, meaning: x, lower: 2, upper: 1}", "below upper"),
        ("solubility: [", "not YAML"),
        ("- a", "does not describe"),
    ],
)
def test_bad_files_are_refused_with_the_reason(vocabulary: None, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        use_properties(path)
    assert "solubility" not in PROPERTIES


def test_processes_that_are_started_know_it_too(file: Path) -> None:
    load_config(None, [f"properties={file}"])
    program = "from heliosc.properties import PropertyKey; print(PropertyKey.parse('solubility@experiment').unit)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "g/L"


def test_the_laboratory_is_asked_for_it(file: Path) -> None:
    assert not [row for row in form_rows("x", "C", "") if row[0] == "solubility"]
    use_properties(file)
    rows = {row[0]: row for row in form_rows("x", "C", "")}
    assert rows["solubility"][2:] == ("g/L", "in chloroform at 25 C")
    assert list(rows).index("solubility") < list(rows).index("operator")
