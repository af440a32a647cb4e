"""The audit of a small store whose contents are known by hand."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.datasets.audit.audit import Audit, audit_store, write_audit
from heliosc.datasets.audit.chemistry import chemistry_coverage
from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.locate import SourceFiles
from heliosc.datasets.merge import MergeSettings, merge
from heliosc.errors import InputError

CHAINS = "".join(f"{'C' * n}c1ccsc1,{-6 - n / 100}\n" for n in range(1, 30))


def source(file: Path, text: str, level: str) -> SourceFiles:
    file.write_text(f"smiles,homo\n{text}")
    column = {"column": "homo", "property": "homo_energy", "level": level, "unit": "eV", "sign": "same"}
    declared = {"name": file.stem, "title": file.stem, "licence": {"name": "none"}, "files": ["*.csv"]}
    return SourceFiles(
        SourceDeclaration.model_validate(declared | {"smiles": ["smiles"], "columns": [column]}), (file,)
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sources: one with an outlier, a repeated row and a bad one; one that disagrees; one at another level."""
    folder = tmp_path_factory.mktemp("audit")
    sources = [
        source(folder / "a.csv", f"{CHAINS}c1ccccc1,-30\nCc1ccsc1,-6.03\n=broken(,-5\n[Fe],-6.1\n", "gfn2"),
        source(folder / "b.csv", "Cc1ccsc1,-6.3\nCCc1ccsc1,-6.9\n", "gfn2"),
        source(folder / "c.csv", "CCc1ccsc1,-8.4\n", "experiment"),
    ]
    merge(sources, MergeSettings(folder / "store", folder / "all_mols.csv", n_workers=1))
    return folder / "store"


@pytest.fixture(scope="module")
def audit(store: Path) -> Audit:
    return audit_store(store)


def test_coverage_is_counted_apart_for_each_level_and_source(audit: Audit) -> None:
    rows = {(row.level, row.source): row for row in audit.coverage}
    assert {key: row.n_molecules for key, row in rows.items()} == {
        ("gfn2", "a"): 31,
        ("gfn2", "b"): 2,
        ("experiment", "c"): 1,
    }
    a = rows["gfn2", "a"]
    assert (a.minimum, a.share, a.unit) == (-30.0, 1.0, "eV")
    assert sum(a.histogram) == 31
    assert a.n_outliers == 1  # benzene's -30 eV
    assert a.n_repeated == 1
    assert a.repeat_std == pytest.approx(0.02 / 2**0.5)  # of -6.01 and -6.03
    assert rows["gfn2", "b"].repeat_std is None


def test_sources_of_one_level_disagree_and_levels_have_offsets(audit: Audit) -> None:
    (pair,) = audit.disagreements
    assert (pair.first, pair.second, pair.level, pair.n_shared) == ("a", "b", "gfn2", 2)
    assert pair.offset == pytest.approx((-0.28 - 0.88) / 2)  # -6.3 + 6.02 and -6.9 + 6.02
    assert pair.largest == pytest.approx(0.88)
    assert pair.worst[0] == "CCc1ccsc1"
    (levels,) = audit.level_offsets
    assert (levels.first, levels.second, levels.n_shared) == ("experiment", "gfn2", 1)
    assert levels.offset == pytest.approx((-6.02 - 6.9) / 2 + 8.4)


def test_chemistry_and_gaps_of_the_descriptors(audit: Audit) -> None:
    assert audit.chemistry.elements == {"C": 30, "S": 29, "Fe": 1}
    assert audit.chemistry.rings == {0: 1, 1: 30}
    assert audit.chemistry.scaffolds == {"c1ccsc1": 29, "c1ccccc1": 1, "no ring": 1}
    assert audit.n_incomplete == 1  # no increments for iron
    assert set(audit.missing_descriptors.values()) == {1}
    assert sum(audit.quarantine.values()) == 1


def test_an_element_is_counted_once_a_molecule_however_it_is_written() -> None:
    smiles = ["c1ccccc1C", "[nH]1cccc1N", "C[Si](C)(C)Cl", "[13CH4]", "c1cc[se]c1", "C[N+](C)(C)CBr"]
    table = pl.LazyFrame({"smiles": smiles, "n_heavy_atoms": [1.0] * 6, "n_rings": [0.0] * 6})
    expected = {"C": 6, "N": 2, "Br": 1, "Cl": 1, "Se": 1, "Si": 1}
    assert chemistry_coverage(table).elements == expected


def test_the_files_say_what_the_audit_says(audit: Audit, store: Path, tmp_path: Path) -> None:
    write_audit(audit, tmp_path, store=store)
    assert json.loads((tmp_path / "audit.json").read_text())["n_molecules"] == 31
    with (tmp_path / "outliers.csv").open() as stream:
        (outlier,) = csv.DictReader(stream)
    assert (outlier["smiles"], outlier["value"], outlier["first_row"]) == ("c1ccccc1", "-30.0", "30")
    with (tmp_path / "missing_descriptors.csv").open() as stream:
        (missing,) = csv.DictReader(stream)
    assert missing["smiles"] == "[Fe]"
    assert "hansen_dispersion@structure" in missing["missing"].split(";")
    page = (tmp_path / "audit.html").read_text()
    assert "http" not in page.replace('lang="en"', "")  # nothing is loaded from elsewhere
    assert "homo_energy" in page


def test_the_command_prints_and_writes(store: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["data", "audit", "--store", str(store), "--out", str(tmp_path / "out"), "--json"])
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["n_incomplete"] == 1
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "audit.html",
        "audit.json",
        "missing_descriptors.csv",
        "outliers.csv",
    ]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("unit", "Hartree", "row 3: row: Value error, unit 'Hartree'"),
        ("value", float("inf"), "row 3: value"),
        ("property", "colour", "row 3: row"),
        ("level", "", "row 3"),
        ("n_rows", 0, "row 3: n_rows"),
        ("smiles", "", "row 3: smiles"),
        ("value", None, "row 3: value"),
        ("smiles", None, "row 3: smiles"),
        ("value", -4000.0, "row 3: .* possible is .*; another unit"),
        ("inchikey", "abc", "row 3: inchikey"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(
    store: Path, tmp_path: Path, column: str, value: object, message: str
) -> None:
    copy = tmp_path / "store"
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns(".work"))
    (file,) = (copy / "properties").glob("part-*.parquet")
    table = pq.read_table(file)
    cells = table[column].to_pylist()
    cells[2] = value
    field = table.schema.field(column).with_nullable(True)
    pq.write_table(table.set_column(table.schema.get_field_index(column), field, pa.array(cells, field.type)), file)
    with pytest.raises(InputError, match=message):
        audit_store(copy)


def test_a_repeated_row_is_refused(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "store"
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns(".work"))
    (file,) = (copy / "properties").glob("part-*.parquet")
    table = pq.read_table(file)
    pq.write_table(pa.concat_tables([table[:2], table[1:]]), file)
    with pytest.raises(InputError, match="row 3: molecule, property, level and source of the row before"):
        audit_store(copy)


def test_a_wrong_column_is_refused_and_an_absent_store_explained(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "store"
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns(".work"))
    (file,) = (copy / "properties").glob("part-*.parquet")
    table = pq.read_table(file)
    pq.write_table(table.set_column(5, "value", table["value"].cast(pa.float32())), file)
    with pytest.raises(InputError, match=r"column 6 is value float; expected value double"):
        audit_store(copy)
    with pytest.raises(InputError, match="heliosc data merge"):
        audit_store(tmp_path / "nothing")
