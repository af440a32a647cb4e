import numpy as np
import pytest

from heliosc.datasets.csv_source import read_property_csv, read_smiles
from heliosc.errors import InputError
from heliosc.properties import PropertyKey

IE = PropertyKey("vertical_ionization_energy", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


def write(tmp_path, content, name="mols.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_values_are_read_at_their_level(tmp_path):
    file = write(
        tmp_path,
        "id,SMILES,vertical_ionization_energy@gfn2,lambda_hole@gfn2,comment\n"
        "1,C1=CSC=C1,8.9,,x\n2,c1ccccc1,9.2,0.31,\n3,c1ccoc1,NaN,1e-1,y\n",
    )
    imported = read_property_csv(file)
    assert imported.quarantined == ()
    assert imported.table.smiles == ("c1ccsc1", "c1ccccc1", "c1ccoc1")
    assert imported.table.keys == (IE, LAMBDA)
    np.testing.assert_array_equal(imported.table.values, [[8.9, np.nan], [9.2, 0.31], [np.nan, 0.1]])


def test_declared_columns(tmp_path):
    file = write(tmp_path, "smiles;IP;note\nc1ccsc1;8.9;a\n")
    imported = read_property_csv(file, columns={"IP": IE})
    assert imported.table.keys == (IE,)
    assert imported.table.values.tolist() == [[8.9]]
    with pytest.raises(InputError, match="no column EA; its columns are smiles, IP, note"):
        read_property_csv(file, columns={"EA": IE})


def test_bad_rows_are_set_aside_with_row_reason_and_next_step(tmp_path):
    file = write(
        tmp_path,
        "smiles,lambda_hole@gfn2\nc1ccsc1,0.2\nc1ccsc,0.3\n,0.1\nc1ccccc1,high\nC1=CSC=C1,0.5\nc1ccoc1,inf\n\nc1cc[nH]c1\n",
    )
    imported = read_property_csv(file)
    assert imported.table.smiles == ("c1ccsc1", "c1cc[nH]c1")
    np.testing.assert_array_equal(imported.table.values, [[0.2], [np.nan]])
    assert [row.row for row in imported.quarantined] == [3, 4, 5, 6, 7]
    reasons = [row.reason for row in imported.quarantined]
    assert "cannot parse SMILES" in reasons[0]
    assert "empty SMILES" in reasons[1]
    assert "'high'" in reasons[2]
    assert "same molecule as row 2" in reasons[3]
    assert "'inf'" in reasons[4]
    assert all(row.next_step for row in imported.quarantined)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        (b"name,value\nthiophene,1\n", "no SMILES column; its columns are name, value"),
        ("smiles\nc1ccsc1\n".encode("utf-16"), "not UTF-8"),
        ("smiles,name\nc1ccsc1,thiophène\n".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04\x00\x00smiles", "not a text file"),
        (b"smiles,homo_energy\nC,1\n", "names no level of theory"),
        (b"smiles,homo_energy@magic\nC,1\n", "unknown level of theory 'magic'"),
        (b"smiles,hommo@gfn2\nC,1\n", "unknown property 'hommo'"),
        (b"smiles,lambda_hole@gfn2,lambda_hole@gfn2\nC,1,2\n", "two columns of lambda_hole@gfn2"),
        (b'smiles\n"c1ccsc1' + b"c" * 200_000, "not a CSV row"),
    ],
)
def test_unusable_files_give_one_clear_message(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_property_csv(write(tmp_path, content))


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing\.csv"):
        read_smiles(tmp_path / "nothing.csv")


def test_a_header_alone_gives_no_rows(tmp_path):
    assert read_smiles(write(tmp_path, "smiles\n")) == ([], [])


def test_a_byte_order_mark_and_windows_lines_are_no_trouble(tmp_path):
    smiles, quarantined = read_smiles(write(tmp_path, "\ufeffsmiles\tname\r\nc1ccsc1\tthiophene\r\n"))
    assert (smiles, quarantined) == (["c1ccsc1"], [])


@pytest.mark.parametrize("name", ["list.smi", "list.txt"])
def test_plain_lists(tmp_path, name):
    text = "# my molecules\nc1ccsc1 thiophene\n\nnonsense\nc1ccccc1\tbenzene\nC1=CSC=C1\n"
    smiles, quarantined = read_smiles(write(tmp_path, text, name))
    assert smiles == ["c1ccsc1", "c1ccccc1"]
    assert [(row.row, row.text) for row in quarantined] == [(4, "nonsense"), (6, "C1=CSC=C1")]


def test_a_list_may_have_a_header(tmp_path):
    assert read_smiles(write(tmp_path, "SMILES name\nc1ccsc1 thiophene\n", "a.smi"))[0] == ["c1ccsc1"]


def test_hostile_smiles_is_set_aside(tmp_path):
    smiles, quarantined = read_smiles(write(tmp_path, "smiles\n" + "C" * 100_000 + "\nc1ccsc1\n"))
    assert smiles == ["c1ccsc1"]
    assert "limit" in quarantined[0].reason
    assert len(quarantined[0].text) <= 80
