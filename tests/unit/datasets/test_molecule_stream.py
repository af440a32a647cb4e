"""Files of every kind give the same rows; bad ones give one clear error."""

import gzip

import pyarrow as pa
import pytest
from pyarrow import parquet

from heliosc.datasets.molecule_stream import MoleculeStream
from heliosc.errors import InputError

SMILES = ["c1ccsc1", "CC", "c1ccoc1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,SMILES\nx,c1ccsc1\ny,CC\nz,c1ccoc1\n"),
        ("semicolon.csv", "name;smiles\nx;c1ccsc1\ny;CC\nz;c1ccoc1\n"),
        ("tab.tsv", "\ufeffsmi\tname\nc1ccsc1\tx\nCC\ty\nc1ccoc1\tz\n"),
        ("windows.csv", "smiles,name\r\nc1ccsc1,x\r\nCC,y\r\nc1ccoc1,z\r\n"),
        ("quoted.csv", 'name,smiles\n"a, b","c1ccsc1"\nc,CC\n"say ""hi""",c1ccoc1'),
        ("list.smi", "c1ccsc1 thiophene\nCC\nc1ccoc1\tfuran\n"),
        ("headed.smi", "smiles name\nc1ccsc1 thiophene\nCC\nc1ccoc1\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_text_gives_the_same_smiles(tmp_path, name, text, packed):
    file = tmp_path / (f"{name}.gz" if packed else name)
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    stream = MoleculeStream(file)
    assert [smiles for _, smiles in stream] == SMILES
    assert [smiles for _, smiles in stream] == SMILES  # a second time from the beginning
    assert stream.fraction_read == 1


def test_row_numbers_are_lines_of_the_file(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('smiles,note\nC,"two\nlines"\n\nCC,\n,empty\n')
    assert list(MoleculeStream(file)) == [(3, "C"), (5, "CC"), (6, "")]
    listed = tmp_path / "a.smi"
    listed.write_text("# comment\nC\n\nCC\n")
    assert list(MoleculeStream(listed)) == [(2, "C"), (4, "CC")]


def test_parquet_rows_count_from_one_and_missing_is_empty(tmp_path):
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"n": [1, 2, 3], "smiles": ["C", None, "CC"]}), file)
    stream = MoleculeStream(file)
    assert list(stream) == [(1, "C"), (2, ""), (3, "CC")]
    assert stream.fraction_read == 1


def test_the_column_can_be_named(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("smiles,canonical_smiles,mol\nC,CC,CCC\n")
    assert [smiles for _, smiles in MoleculeStream(file, column="mol")] == ["CCC"]
    with pytest.raises(InputError, match="several SMILES columns, smiles, canonical_smiles; name one with --column"):
        MoleculeStream(file)
    with pytest.raises(InputError, match="0 columns 'nothing'; its columns are smiles, canonical_smiles, mol"):
        MoleculeStream(file, column="nothing")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "cannot read"),
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("nocolumn.csv", b"name,value\nx,1\n", "no SMILES column; its columns are name, value"),
        ("short.csv.gz", gzip.compress(b"smiles\n" + b"C\n" * 9_000)[:30], "damaged"),
        ("fake.parquet", b"smiles\nC\n", "not a Parquet file"),
    ],
)
def test_unusable_files_say_why(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        MoleculeStream(tmp_path / name)


def test_bytes_that_are_no_text_spoil_one_row_only(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"smiles\nC\nC\xff\nC\x00C\nCC\n")
    assert list(MoleculeStream(file)) == [(2, "C"), (3, "C\ufffd"), (4, "C\ufffdC"), (5, "CC")]
