"""A user's own file and column map with the slips that people make: refused with the place, never read by a guess."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from heliosc.datasets.declaration import SourceDeclaration, read_declaration
from heliosc.datasets.locate import locate
from heliosc.datasets.records.registry import read_chunks, read_rows
from heliosc.errors import InputError

HOMO = {"column": "homo", "property": "homo_energy", "level": "gfn2", "unit": "eV", "sign": "same"}


def declaration(**fields) -> SourceDeclaration:
    return SourceDeclaration(
        **{"name": "own", "title": "", "licence": {"name": ""}, "files": ["*"], "smiles": ["smiles"], "columns": [HOMO]}
        | fields
    )


def homos(file: Path, **fields) -> tuple[list[str], list[str]]:
    """HOMO texts of the readable rows, reasons of the others."""
    source = declaration(**fields)
    raws = [read_rows(chunk, source) for chunk in read_chunks([file], source)]
    column = source.columns[0].column
    return [text for raw in raws for text in raw.cells[column]], [
        reason for raw in raws for _, _, reason in raw.refused
    ]


def sdf_record(smiles: str, *items: tuple[str, str]) -> str:
    data = "".join(f"> <{name}>\n{value}\n\n" for name, value in items)
    return f"{Chem.MolToMolBlock(Chem.MolFromSmiles(smiles))}{data}$$$$\n"


def test_two_columns_of_one_name_are_refused_unless_the_place_says_which(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("smiles,homo,homo\nC,-9,-0.3\n")
    with pytest.raises(InputError, match=r"several columns 'homo' \(places 2, 3\); name the one meant by its place"):
        homos(file)
    assert homos(file, columns=[HOMO | {"column": 3}]) == (["-0.3"], [])
    table = pa.table([pa.array(["C"]), pa.array([-9.0]), pa.array([-0.3])], names=["smiles", "homo", "homo"])
    pq.write_table(table, tmp_path / "own.parquet")
    with pytest.raises(InputError, match="several columns 'homo'"):
        homos(tmp_path / "own.parquet", format="parquet")


def test_two_values_of_one_sdf_item_set_the_record_aside(tmp_path: Path) -> None:
    file = tmp_path / "own.sdf"
    twice = sdf_record("CCO", ("homo", "-9"), ("homo", "-8"))
    file.write_text(twice + sdf_record("CCC", ("homo", "-7"), ("note", "a"), ("note", "b")))
    assert homos(file, format="sdf", smiles=["structure"]) == (
        ["-7"],
        ["data item homo stands twice, as '-9' and '-8'"],
    )


def test_a_compressed_sdf_is_read_record_by_record(tmp_path: Path) -> None:
    file = tmp_path / "own.sdf.gz"
    content = gzip.compress((sdf_record("CCO", ("homo", "-9")) * 3).encode())
    file.write_bytes(content)
    assert homos(file, format="sdf", smiles=["structure"]) == (["-9"] * 3, [])
    file.write_bytes(content[:-12])
    with pytest.raises(InputError, match="damaged"):
        homos(file, format="sdf", smiles=["structure"])


def test_a_table_declared_as_sdf_is_refused_and_not_set_aside_as_one_row(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("smiles,homo\nC,-9\nCC,-8\n")
    with pytest.raises(InputError, match=r"no SDF file: no record ends with \$\$\$\$"):
        homos(file, format="sdf", smiles=["structure"])


def test_changed_bytes_of_a_compressed_table_are_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"smiles,homo\n" + b"".join(b"C%d,-%d\n" % (n, n * n) for n in range(3000))))
    content[1000:1100] = b"\xff" * 100
    (tmp_path / "own.csv.gz").write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        homos(tmp_path / "own.csv.gz")


def test_dates_that_python_cannot_hold_are_no_traceback(tmp_path: Path) -> None:
    values = pa.array([2**62], pa.timestamp("us"))  # the year 146,000
    pq.write_table(pa.table({"smiles": ["C"], "homo": values}), tmp_path / "own.parquet")
    with pytest.raises(InputError, match="after row 0"):
        homos(tmp_path / "own.parquet", format="parquet")


def test_another_delimiter_than_declared_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("smiles;homo\nC;-9\n")
    with pytest.raises(InputError, match='Then declare delimiter: ";"'):
        homos(tmp_path / "own.csv")


@pytest.mark.parametrize("pattern", ["/data/own.csv", "", " ", "**.csv", "**/own.csv"])
def test_a_file_pattern_that_cannot_be_searched_is_refused_in_the_map(tmp_path: Path, pattern: str) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(f"name: own\ntitle: t\nlicence: {{name: l}}\nfiles: ['{pattern}']\nsmiles: [smiles]\n")
    with pytest.raises(InputError, match=r"map.yaml: files.0: .* is no file name; expected one beside the column map"):
        read_declaration(file)


def test_the_next_step_for_a_missing_own_file_is_not_a_download(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="put it there, or correct `files` in the column map"):
        locate(declaration(files=["own.csv"]), [tmp_path])
    with pytest.raises(InputError, match="heliosc data fetch ocelot"):
        locate(declaration(name="ocelot", files=["own.csv"]), [tmp_path])
