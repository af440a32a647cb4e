"""Splitting delimited text: one broken record never reaches its neighbours."""

import gzip
from pathlib import Path

import pytest

from heliosc.datasets.declaration import Licence, SourceDeclaration
from heliosc.datasets.records.model import MAX_RECORD_BYTES
from heliosc.datasets.records.registry import read_chunks, read_rows
from heliosc.errors import InputError

SOURCE = SourceDeclaration(
    name="own",
    title="",
    licence=Licence(name=""),
    files=["*"],
    smiles=["smiles"],
    columns=[{"column": "homo", "property": "homo_energy", "level": "gfn2", "unit": "eV", "sign": "same"}],
)


def read(file: Path, *, n_rows: int = 100) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """(row, SMILES, HOMO) of the readable rows and (row, reason) of the others."""
    good, bad = [], []
    for chunk in read_chunks([file], SOURCE, n_rows=n_rows):
        raw = read_rows(chunk, SOURCE)
        good += list(zip(raw.rows, raw.cells["smiles"], raw.cells["homo"], strict=True))
        bad += [(row, reason) for row, _, reason in raw.refused]
    return good, bad


@pytest.fixture
def written(tmp_path: Path):
    def write(content: bytes) -> Path:
        file = tmp_path / "own.csv"
        file.write_bytes(content)
        return file

    return write


def test_quoted_cells_may_hold_delimiters_and_line_breaks(written) -> None:
    good, bad = read(written(b'note,smiles,homo\n"a, b",C,-1\n"two\nlines",CC,-2\nplain,CCC,-3\n'))
    assert good == [(1, "C", "-1"), (2, "CC", "-2"), (3, "CCC", "-3")]
    assert bad == []


def test_a_stray_quote_takes_its_own_row_only(written) -> None:
    good, bad = read(written(b'note,smiles,homo\n"open,C,-1\nx,CC,-2\ny,CCC,-3\nz,CCCC,-4\n'))
    assert [smiles for _, smiles, _ in good] == ["CC", "CCC", "CCCC"]
    assert [row for row, _ in bad] == [1]


def test_two_stray_quotes_do_not_swallow_what_lies_between(written) -> None:
    good, bad = read(written(b'note,smiles,homo\n"open,C,-1\nx,CC,-2\n"open,CCC,-3\nz,CCCC,-4\n'))
    assert [smiles for _, smiles, _ in good] == ["CC", "CCCC"]
    assert [row for row, _ in bad] == [1, 3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a,C", "2 cells; the header has 3"),
        (b"a,C,-1,more", "4 cells; the header has 3"),
        (b"caf\xe9,C,-1", "byte 4 is 0xe9"),
        (b"a\0,C,-1", "NUL"),
        (b"a" * (MAX_RECORD_BYTES + 10), "record over 1048576 bytes"),
    ],
)
def test_a_broken_record_is_refused_with_its_number_and_reason(written, line: bytes, reason: str) -> None:
    good, bad = read(written(b"note,smiles,homo\na,C,-1\n" + line + b"\nb,CC,-2\n"))
    assert [row for row, *_ in good] == [1, 3]
    assert bad[0][0] == 2
    assert reason in bad[0][1]


def test_blank_lines_are_no_rows_and_extra_empty_cells_no_fault(written) -> None:
    good, bad = read(written(b"\xef\xbb\xbfnote,smiles,homo\r\n\r\na,C,-1,,\r\n\r\nb,CC,-2\r\n"))
    assert good == [(1, "C", "-1"), (2, "CC", "-2")]
    assert bad == []


def test_chunks_number_rows_through_and_gzip_reads_the_same(written, tmp_path: Path) -> None:
    lines = b"".join(b"x,C,-%d\n" % i for i in range(1, 8))
    plain = written(b"note,smiles,homo\n" + lines)
    packed = tmp_path / "own.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(plain, n_rows=3) == read(packed, n_rows=2)
    assert [chunk.first_row for chunk in read_chunks([plain], SOURCE, n_rows=3)] == [1, 4, 7]


def test_a_missing_column_is_refused_before_any_row(written) -> None:
    with pytest.raises(InputError, match="has no column 'homo'; its columns are smiles, HOMO"):
        read(written(b"smiles,HOMO\nC,-1\n"))


def test_an_empty_or_damaged_file_is_refused(written, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read(written(b"\n\n"))
    damaged = tmp_path / "own.csv.gz"
    damaged.write_bytes(gzip.compress(b"note,smiles,homo\n" + b"x,C,-1\n" * 5000)[:60])
    with pytest.raises(InputError, match="damaged"):
        read(damaged)
