"""Merging: every row accounted for, medians within a source only, the same bytes twice, resumed after a kill."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.datasets.bulk_descriptors import COLUMNS
from heliosc.datasets.convert import convert
from heliosc.datasets.declaration import SourceDeclaration, shipped_source
from heliosc.datasets.labels_source import library_source
from heliosc.datasets.locate import SourceFiles
from heliosc.datasets.merge import MergeReport, MergeSettings, merge
from heliosc.datasets.parts import parts_for
from heliosc.datasets.records.model import Chunk
from heliosc.datasets.records.registry import read_chunks
from heliosc.datasets.schema import LONG_SCHEMA, MOLECULE_SCHEMA, LongRow, check_columns, check_row
from heliosc.datasets.wide import DESCRIBED_SCHEMA
from heliosc.errors import InputError


def declaration(name: str = "own", *, columns: list[dict] | None = None, **fields: object) -> SourceDeclaration:
    homo = {"column": "homo", "property": "homo_energy", "level": "gfn2", "unit": "eV", "sign": "same"}
    base = {
        "name": name,
        "title": name,
        "licence": {"name": "none"},
        "files": ["*.csv"],
        "smiles": ["smiles"],
        "columns": [homo] if columns is None else columns,
    }
    return SourceDeclaration.model_validate(base | fields)


def source(file: Path, text: str, **fields: object) -> SourceFiles:
    file.write_text(text)
    return SourceFiles(declaration(file.stem, **fields), (file,))


def run(folder: Path, *sources: SourceFiles, n_workers: int = 1, **fields: object) -> MergeReport:
    return merge(
        sources, MergeSettings(folder / "store", folder / "raw" / "all_mols.csv", n_workers=n_workers, **fields)
    )


def hashes(folder: Path) -> dict[str, str]:
    """All published files; the work folder is not part of the promise."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".work" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def wide(folder: Path, name: str = "all_mols.csv") -> dict[str, dict[str, str]]:
    with (folder / "raw" / name).open(newline="") as stream:
        return {row["smiles"]: row for row in csv.DictReader(stream)}


OWN = (
    "smiles,homo\n"
    "c1ccsc1,-6.0\n"
    "C1=CSC=C1,-6.4\n"  # the same molecule
    "s1cccc1,-6.1\n"
    "c1ccccc1,\n"  # known, but without a value
    "c1ccccc1,-7.0\n"
    "not a molecule,-5\n"
    "CC.O,-5\n"
    "C,eV\n"
    "CC,-4000\n"
    "*c1ccc(*)s1,-5.2\n"
)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MergeReport]:
    folder = tmp_path_factory.mktemp("merged")
    own = source(folder / "own.csv", OWN)
    other = source(folder / "other.csv", "smiles,homo\nc1ccsc1,-6.6\nCCO,-9.5\n")
    dft = [{"column": "homo", "property": "homo_energy", "level": "b3lyp/def2-svp", "unit": "hartree", "sign": "same"}]
    third = source(folder / "third.csv", "smiles,homo\nc1ccsc1,-0.2\n", columns=dft)
    return folder, run(folder, own, other, third)


def test_rows_in_are_rows_kept_and_duplicates_and_quarantined(merged) -> None:
    counts = {count.source: count for count in merged[1].sources}
    own = counts["own"]
    assert (own.n_rows, own.n_kept, own.n_duplicates, own.n_quarantined) == (10, 3, 3, 4)
    assert all(c.n_rows == c.n_kept + c.n_duplicates + c.n_quarantined for c in counts.values())
    assert (merged[1].n_molecules, merged[1].n_polymers) == (3, 1)


def test_duplicates_become_their_median_with_the_spread(merged) -> None:
    long = pl.read_parquet(merged[0] / "store" / "properties" / "*.parquet")
    thiophene = long.filter((pl.col("smiles") == "c1ccsc1") & (pl.col("source") == "own")).row(0, named=True)
    assert thiophene["value"] == -6.1
    assert thiophene["std"] == pytest.approx(0.2081666)  # of -6.0, -6.4, -6.1
    assert (thiophene["n_rows"], thiophene["first_row"], thiophene["unit"]) == (3, 1, "eV")
    single = long.filter(pl.col("smiles") == "CCO").row(0, named=True)
    assert (single["n_rows"], single["std"]) == (1, None)


def test_sources_and_levels_are_never_merged_in_the_long_store(merged) -> None:
    long = pl.read_parquet(merged[0] / "store" / "properties" / "*.parquet").filter(pl.col("smiles") == "c1ccsc1")
    assert sorted(zip(long["source"], long["level"], strict=True)) == [
        ("other", "gfn2"),
        ("own", "gfn2"),
        ("third", "b3lyp/def2-svp"),
    ]


def test_the_wide_table_has_one_row_a_molecule_and_columns_that_name_their_level(merged) -> None:
    rows = wide(merged[0])
    assert set(rows) == {"c1ccsc1", "c1ccccc1", "CCO"}
    thiophene = rows["c1ccsc1"]
    assert float(thiophene["homo_energy@gfn2"]) == pytest.approx((-6.1 - 6.6) / 2)  # the median of two sources
    assert float(thiophene["homo_energy@b3lyp/def2-svp"]) == pytest.approx(-0.2 * 27.211386245988)
    assert thiophene["sources"] == "other;own;third"
    assert rows["CCO"]["homo_energy@b3lyp/def2-svp"] == ""
    assert all(float(thiophene[column]) == float(thiophene[column]) for column in COLUMNS)


def test_polymers_stand_apart(merged) -> None:
    assert set(wide(merged[0], "all_polymers.csv")) == {"*c1ccc(*)s1"}
    polymers = pl.read_parquet(merged[0] / "store" / "polymers" / "molecules.parquet")
    assert polymers["inchikey"].to_list() == [None]
    assert polymers["kind"].to_list() == ["polymer"]


def test_the_quarantine_says_row_reason_and_next_step(merged) -> None:
    with (merged[0] / "store" / "quarantine.csv").open(newline="") as stream:
        rows = {int(row["row"]): row for row in csv.DictReader(stream)}
    assert set(rows) == {6, 7, 8, 9}
    assert "cannot parse SMILES" in rows[6]["reason"]
    assert "2 separate fragments" in rows[7]["reason"]
    assert "column homo is 'eV'" in rows[8]["reason"]
    assert "-4000 eV; possible is -40 to 5" in rows[9]["reason"]
    assert all(row["next_step"] for row in rows.values())


def test_every_table_has_the_declared_schema_and_every_row_validates(merged) -> None:
    for part in parts_for(10):
        long = pq.read_table(part.properties_file(merged[0] / "store"))
        check_columns(long.schema, LONG_SCHEMA, file="long")
        for number, row in enumerate(long.to_pylist(), start=1):
            check_row(LongRow, row, file="long", number=number)
        molecules = pq.read_schema(part.molecules_file(merged[0] / "store"))
        check_columns(molecules, MOLECULE_SCHEMA, file="molecules", extra=pa.float64())
        assert molecules.names == DESCRIBED_SCHEMA.names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "hartree"}, "unit 'hartree'"),
        ({"value": math.nan}, "value"),
        ({"level": "guess"}, "level of theory"),
        ({"inchikey": "short"}, "inchikey"),
        ({"n_rows": 0}, "n_rows"),
    ],
)
def test_a_wrong_row_is_refused_with_its_number(change: dict, message: str) -> None:
    right = {
        "smiles": "C",
        "inchikey": "VNWKTOKETHGBQD-UHFFFAOYSA-N",
        "property": "homo_energy",
        "level": "gfn2",
        "source": "own",
        "value": -10.0,
        "std": None,
        "n_rows": 1,
        "unit": "eV",
        "first_row": 1,
    }
    check_row(LongRow, right, file="long", number=1)
    with pytest.raises(InputError, match=f"row 7: .*{message}"):
        check_row(LongRow, right | change, file="long", number=7)


def test_a_wrong_column_is_refused() -> None:
    wrong = LONG_SCHEMA.set(5, pa.field("value", pa.float32()))
    with pytest.raises(InputError, match="column 6 is value float; expected value double"):
        check_columns(wrong, LONG_SCHEMA, file="long")


def test_two_runs_give_the_same_bytes_whatever_the_number_of_workers(merged, tmp_path: Path) -> None:
    folder = merged[0]
    again = [
        SourceFiles(declaration("own"), (folder / "own.csv",)),
        SourceFiles(declaration("other"), (folder / "other.csv",)),
        SourceFiles(
            declaration(
                "third",
                columns=[
                    {
                        "column": "homo",
                        "property": "homo_energy",
                        "level": "b3lyp/def2-svp",
                        "unit": "hartree",
                        "sign": "same",
                    }
                ],
            ),
            (folder / "third.csv",),
        ),
    ]
    run(tmp_path, *again, n_workers=2)
    first = {name: digest for name, digest in hashes(folder).items() if "/" in name}
    assert hashes(tmp_path) == first


@pytest.mark.slow
def test_a_finished_merge_repeats_nothing_and_mends_what_was_damaged(tmp_path: Path) -> None:
    own = source(tmp_path / "own.csv", OWN)
    assert run(tmp_path, own, chunk_rows=3).n_reused == 0
    before = hashes(tmp_path)
    assert run(tmp_path, own, chunk_rows=3).n_reused == 4
    shard = tmp_path / "store" / ".work" / "shards" / "own" / "000001.parquet"
    shard.write_bytes(shard.read_bytes()[:-20])
    (tmp_path / "store" / "properties" / "part-00.parquet").write_bytes(b"PAR1 no longer")
    for described in (tmp_path / "store" / ".work" / "descriptors").rglob("*.parquet"):
        described.write_bytes(described.read_bytes()[:40])
    assert run(tmp_path, own, chunk_rows=3).n_reused == 3
    assert hashes(tmp_path) == before


def test_a_changed_row_changes_its_shard_only(tmp_path: Path) -> None:
    run(tmp_path, source(tmp_path / "own.csv", OWN), chunk_rows=3)
    report = run(tmp_path, source(tmp_path / "own.csv", OWN.replace("-6.4", "-6.5")), chunk_rows=3)
    assert report.n_reused == 3
    assert float(wide(tmp_path)["c1ccsc1"]["homo_energy@gfn2"]) == -6.1
    long = pl.read_parquet(tmp_path / "store" / "properties" / "*.parquet")
    assert long.filter(pl.col("smiles") == "c1ccsc1")["std"][0] == pytest.approx(0.2645751)  # -6.0, -6.5, -6.1


KILLED = """
import sys
from pathlib import Path
from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.locate import SourceFiles
from heliosc.datasets.merge import MergeSettings, merge

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    declaration = SourceDeclaration.model_validate_json((folder / "own.json").read_text())
    settings = MergeSettings(folder / "store", folder / "raw" / "all_mols.csv", n_workers=1, chunk_rows=20)
    merge([SourceFiles(declaration, (folder / "own.csv",))], settings, listener=lambda step: print(step, flush=True))
"""


@pytest.mark.slow
def test_a_killed_merge_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    text = "smiles,homo\n" + "".join(f"{'C' * n}c1ccsc1,-{6 + n / 100}\n" for n in range(1, 121))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        own = source(folder / "own.csv", text)
        (folder / "own.json").write_text(own.declaration.model_dump_json())
    run(whole, own := SourceFiles(declaration("own"), (whole / "own.csv",)), chunk_rows=20)
    script = tmp_path / "killed_merge.py"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(killed)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(3):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (killed / "raw" / "all_mols.csv").exists()
    _wait_until_alone(process.pid)
    report = run(killed, SourceFiles(own.declaration, (killed / "own.csv",)), chunk_rows=20)
    assert report.n_reused >= 3
    relevant = {name: digest for name, digest in hashes(whole).items() if "/" in name}
    assert {name: digest for name, digest in hashes(killed).items() if "/" in name} == relevant


def _wait_until_alone(session: int) -> None:
    """Workers of a killed parent notice it at their next item."""
    for _ in range(200):
        left = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _session(p) == session]
        if not left:
            return
        time.sleep(0.05)
    pytest.fail(f"orphans: {left}")


def _session(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[3])
    except (OSError, ValueError, IndexError):
        return None


def test_a_column_in_another_unit_is_refused_by_its_median(tmp_path: Path) -> None:
    text = "smiles,homo\n" + "".join(f"{'C' * n}O,-0.2{n}\n" for n in range(1, 71))
    with pytest.raises(InputError, match=r"median of 70 values .* is -0\.2.*Is the declared unit \(eV\)"):
        run(tmp_path, source(tmp_path / "own.csv", text))


def test_what_is_computed_for_every_molecule_cannot_come_from_a_source(tmp_path: Path) -> None:
    score = [{"column": "homo", "property": "sa_score", "level": "structure", "unit": "1", "sign": "same"}]
    with pytest.raises(InputError, match="sa_score@structure, which is computed"):
        run(tmp_path, source(tmp_path / "own.csv", OWN, columns=score))


def test_the_same_source_twice_or_none_is_refused(tmp_path: Path) -> None:
    own = source(tmp_path / "own.csv", OWN)
    with pytest.raises(InputError, match="named twice"):
        run(tmp_path, own, own)
    with pytest.raises(InputError, match="no source"):
        run(tmp_path)


@pytest.mark.slow
def test_sdf_and_parquet_give_what_the_csv_gives(tmp_path: Path) -> None:
    from rdkit import Chem

    values = {"c1ccsc1": -6.25, "CCO": -9.5, "c1ccc2ccccc2c1": -7.125}
    (tmp_path / "own.csv").write_text("smiles,homo\n" + "".join(f"{s},{v}\n" for s, v in values.items()))
    pq.write_table(pa.table({"smiles": list(values), "homo": list(values.values())}), tmp_path / "own.parquet")
    with Chem.SDWriter(str(tmp_path / "own.sdf")) as writer:
        for smiles, value in values.items():
            molecule = Chem.MolFromSmiles(smiles)
            molecule.SetProp("homo", str(value))
            writer.write(molecule)
    frames = []
    for name, fields in (
        ("own.csv", {}),
        ("own.parquet", {"format": "parquet"}),
        ("own.sdf", {"format": "sdf", "smiles": ["structure"]}),
    ):
        run(tmp_path / name.replace(".", "_"), SourceFiles(declaration(**fields), (tmp_path / name,)))
        frames.append((tmp_path / name.replace(".", "_") / "raw" / "all_mols.csv").read_bytes())
    assert frames[0] == frames[1] == frames[2]


def test_an_sdf_without_a_declared_item_and_a_damaged_record(tmp_path: Path) -> None:
    from rdkit import Chem

    file = tmp_path / "own.sdf"
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    file.write_text(f"{block}> <homo>\n-9.5\n\n$$$$\nnot a mol block\n$$$$\n{block}> <homo>\n-9.6\n\n$$$$\n")
    fields = {"format": "sdf", "smiles": ["structure"]}
    report = run(tmp_path / "right", SourceFiles(declaration(**fields), (file,)))
    assert (report.sources[0].n_rows, report.sources[0].n_kept, report.sources[0].n_quarantined) == (3, 1, 1)
    lumo = [{"column": "lumo", "property": "lumo_energy", "level": "gfn2", "unit": "eV", "sign": "same"}]
    with pytest.raises(InputError, match="no record of own has lumo; found homo, structure"):
        run(tmp_path / "wrong", SourceFiles(declaration(columns=lumo, **fields), (file,)))


def test_a_record_whose_reading_hung_is_left_out_alone(tmp_path: Path) -> None:
    from rdkit import Chem

    file = tmp_path / "own.sdf"
    file.write_text(f"{Chem.MolToMolBlock(Chem.MolFromSmiles('CCO'))}> <homo>\n-9.5\n\n$$$$\n" * 3)
    fields = declaration(format="sdf", smiles=["structure"])
    chunk = next(read_chunks([file], fields))
    result = convert(chunk, fields, lambda item: "took over 5 s" if item == -3 else None)
    assert result.frame["row"].to_list() == [1, 3]
    assert [(refusal.row, refusal.reason) for refusal in result.refused] == [(2, "took over 5 s")]


def test_the_embedded_library_is_a_source(tmp_path: Path) -> None:
    library = library_source(tmp_path)
    assert library.declaration.keys
    frame = pl.read_parquet(library.files[0])
    assert frame.height > 3000
    assert str(library.declaration.keys[0]) in frame.columns


HOSTILE_SMILES = st.one_of(
    st.sampled_from(
        [
            *("c1ccsc1", "CC.CC", "*C", "*c1ccc(*)cc1", "[2H][2H]", "[H]", "[C+10]", "[999C]", "[Xx]", "c" * 199),
            *("C" * 3000, "C" * 250, "C" + "(" * 500, "[" * 900, "C1" * 300, "C" + "=C" * 90, "C%(99999)"),
            *("=1+1", "=cmd|'/c calc'!A1", "@SUM(A1)", "-1e400", "nan", "", " ", "\u202eC", "C\tC", "\U0001f600"),
            *("C1CC", "[C@@@H](F)(Cl)Br", "[U](F)(F)(F)(F)(F)F"),
        ]
    ),
    st.text(max_size=60),
    st.text(alphabet="CNOSFcnos()[]=#123%+-@H/\\.*", max_size=60),
)  # fmt: skip
HOSTILE_NUMBERS = st.one_of(
    st.sampled_from(
        ["", "nan", "inf", "-inf", "1e999", "-0.3", "-8", "=2+3", "1,5", "0x10", "1_0", "٣", "--5", "5 eV"]
    ),
    st.text(max_size=12),
    st.floats().map(repr),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HOSTILE_SMILES, HOSTILE_NUMBERS, st.binary(max_size=6)), min_size=100, max_size=100))
def test_ten_thousand_hostile_rows_are_kept_or_quarantined_with_a_reason(rows: list[tuple[str, str, bytes]]) -> None:
    def record(smiles: str, number: str, noise: bytes) -> bytes:
        text = smiles.encode("utf-8", "surrogatepass") + b"," + number.encode("utf-8", "surrogatepass")
        return text + noise if len(noise) == 6 else text

    records = tuple(record(*row) for row in rows)
    result = convert(Chunk(0, 1, records, ("smiles", "homo"), (1, 1)), declaration(), lambda index: None)
    kept = result.frame["row"].to_list()
    refused = [refusal.row for refusal in result.refused]
    assert sorted(kept + refused) == list(range(1, len(records) + 1))
    assert all(refusal.reason and refusal.next_step for refusal in result.refused)
    values = result.frame["homo_energy@gfn2"].drop_nulls()
    assert values.is_between(-40, 5).all()
    assert not result.frame["smiles"].str.contains("^[=+@-]").any()


def test_hostile_cells_are_harmless_in_the_quarantine_file(tmp_path: Path) -> None:
    text = "smiles,homo\n\"=cmd|'/c calc'!A1\",-5\n@SUM(1),-5\n\x1b[31mC,-5\nC,=2+3\n"
    run(tmp_path, source(tmp_path / "own.csv", text))
    with (tmp_path / "store" / "quarantine.csv").open(newline="") as stream:
        cells = [cell for row in list(csv.reader(stream))[1:] for cell in (row[2], row[3])]
    assert not any(cell.startswith(("=", "+", "-", "@")) or "\x1b" in cell for cell in cells)


def test_the_summary_names_versions_counts_and_hashes(merged) -> None:
    summary = json.loads((merged[0] / "store" / "merge.json").read_text())
    assert summary["values"] == {"homo_energy@b3lyp/def2-svp": 1, "homo_energy@gfn2": 5}
    assert (
        summary["wide"]["all_mols.csv"] == hashlib.sha256((merged[0] / "raw" / "all_mols.csv").read_bytes()).hexdigest()
    )
    assert shipped_source("ocelot").name not in summary["declarations"]
    assert summary["rdkit"]
