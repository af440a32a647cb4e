"""Descriptors on request: the shapes that chemistry knows, and reasons where there is none."""

from pathlib import Path

import polars as pl
import pytest

from heliosc.datasets.full_descriptors import COLUMNS, describe_file, describe_in_full
from heliosc.errors import InputError


def test_a_rod_a_disc_and_a_twist() -> None:
    naphthalene, missing = describe_in_full("c1ccc2ccccc2c1")
    assert missing is None
    assert naphthalene["mmff94_planarity_deviation_A"] == pytest.approx(0.0, abs=0.02)
    assert naphthalene["mmff94_npr1"] + naphthalene["mmff94_npr2"] == pytest.approx(
        1.0, abs=0.01
    )  # of every flat molecule
    biphenyl, _ = describe_in_full("c1ccc(-c2ccccc2)cc1")
    assert 30 < biphenyl["mmff94_largest_torsion_deg"] < 60  # 44 degrees in the gas phase
    assert biphenyl["rdkit_MolWt"] == pytest.approx(154.21, abs=0.01)


def test_without_a_conjugated_system_there_is_a_shape_but_no_planarity() -> None:
    values, missing = describe_in_full("CCCCCC")
    assert missing is None
    assert values["mmff94_planarity_deviation_A"] is None
    assert values["mmff94_radius_of_gyration_A"] > 1.5


def test_an_element_that_the_force_field_does_not_know_is_named() -> None:
    values, missing = describe_in_full("c1cc[se]c1")
    assert "MMFF94" in missing
    assert values["mmff94_npr1"] is None
    assert values["n_rings"] == 1


def test_a_file_keeps_order_and_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "descriptors.parquet"
    assert describe_file(["c1ccsc1", "not a molecule", "CC"], file, n_workers=1) == 1
    frame = pl.read_parquet(file)
    assert frame["smiles"].to_list() == ["c1ccsc1", "not a molecule", "CC"]
    assert frame.columns[2:] == list(COLUMNS)
    assert "cannot parse SMILES" in frame["missing"][1]
    before = file.read_bytes()
    describe_file(["c1ccsc1", "not a molecule", "CC"], file, n_workers=1)
    assert file.read_bytes() == before
    with pytest.raises(InputError):
        describe_in_full("not a molecule")
