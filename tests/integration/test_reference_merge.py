"""Every reference file, full QM9 and generated files in the formats of QMugs and CSCE in one merge: nothing is lost."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import polars as pl
import pytest

from heliosc.datasets.declaration import shipped_source
from heliosc.datasets.labels_source import library_source
from heliosc.datasets.locate import SourceFiles, given_files, locate
from heliosc.datasets.merge import MergeReport, MergeSettings, merge

N_ROWS = {
    "cep": 29_978,
    "compas": 8_678,
    "hansen": 2_460,
    "hopv15": 350,
    "nfa_named": 24,
    "nfa_smiles": 51_281,
    "nrel_opv": 5_000,
    "ocelot": 20_166,
    "pachqa": 10_653,
    "tartarus_hce": 24_953,
}
N_QM9 = 130_831


def generated(folder: Path) -> list[SourceFiles]:
    """QMugs' summary (three conformers a molecule) and CSCE, a few rows with known faults."""
    qmugs = folder / "summary.csv"
    header = "smiles,chembl_id,conf_id,DFT_HOMO_ENERGY,DFT_LUMO_ENERGY,DFT_HOMO_LUMO_GAP,DFT_DIPOLE_TOT,"
    header += "GFN2_HOMO_ENERGY,GFN2_LUMO_ENERGY,GFN2_HOMO_LUMO_GAP,GFN2_DIPOLE_TOT,GFN2_POLARIZABILITY_MOLECULAR\n"
    rows = [
        f"{'C' * n}c1ccccc1,CHEMBL{n},conf_0{i},-0.33,0.07,0.40,{1 + i / 10},-0.40,-0.24,0.16,0.5,{60 + 12 * n}\n"
        for n in range(1, 41)
        for i in range(3)
    ]
    qmugs.write_text(header + "".join(rows) + "C.C,CHEMBL0,conf_00,-0.3,0.1,0.4,1,-0.4,-0.2,0.2,1,9\n")
    csce = folder / "csce_gap_synth.csv"
    rows = [f"{n},{'C' * n}c1ccsc1,{n + 5},{4 + n / 100},1.5\n" for n in range(1, 101)]
    csce.write_text("id,smiles,n,gap,synth\n" + "".join(rows) + "101,c1ccsc,5,4,1\n102,C,1,nan,1\n103,CC,2,-1,1\n")
    return [given_files(shipped_source("qmugs"), qmugs), given_files(shipped_source("csce_gap_synth"), csce)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MergeReport]:
    data = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "compas_1d.csv").is_file():
        pytest.skip(f"REFERENCE DATA MISSING: {data}; set HELIOSC_REFERENCE_DATA to the folder with compas_1d.csv")
    if importlib.util.find_spec("qm9pack") is None:
        pytest.skip("full QM9 is missing; install it with: pip install qm9pack")
    folder = tmp_path_factory.mktemp("reference")
    sources = [locate(shipped_source(name), [data]) for name in (*N_ROWS, "qm9pack")]
    sources += [*generated(folder), library_source(folder)]
    return folder, merge(sources, MergeSettings(folder / "store", folder / "raw" / "all_mols.csv"))


@pytest.mark.slow
def test_every_row_is_kept_or_a_duplicate_or_quarantined(report: tuple[Path, MergeReport]) -> None:
    counts = {count.source: count for count in report[1].sources}
    for count in counts.values():
        print(count)
    assert all(c.n_rows == c.n_kept + c.n_duplicates + c.n_quarantined for c in counts.values())
    assert {name: counts[name].n_rows for name in N_ROWS} == N_ROWS
    assert counts["qm9pack"].n_rows == N_QM9
    qmugs = counts["qmugs"]
    assert (qmugs.n_rows, qmugs.n_kept, qmugs.n_duplicates, qmugs.n_quarantined) == (121, 40, 80, 1)
    csce = counts["csce_gap_synth"]
    assert (csce.n_rows, csce.n_kept, csce.n_duplicates, csce.n_quarantined) == (103, 101, 0, 2)


@pytest.mark.slow
def test_tables_agree_with_the_counts(report: tuple[Path, MergeReport]) -> None:
    folder, merged = report
    assert pl.scan_csv(folder / "raw" / "all_mols.csv").select(pl.len()).collect().item() == merged.n_molecules
    long = pl.scan_parquet(folder / "store" / "properties" / "*.parquet")
    assert long.group_by("smiles", "property", "level", "source").len().filter(pl.col("len") > 1).collect().is_empty()
    spread = long.filter(
        (pl.col("source") == "ocelot") & (pl.col("n_rows") > 1) & (pl.col("property") == "lambda_hole")
    )
    assert spread.select(pl.col("std").median()).collect().item() < 0.2
    quarantine = pl.read_csv(folder / "store" / "quarantine.csv")
    assert quarantine.height == sum(count.n_quarantined for count in merged.sources)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["compas", "library"])
def test_electron_affinities_of_shared_molecules_have_one_sign(report: tuple[Path, MergeReport], other: str) -> None:
    """A flipped sign in one of three independent sources turns the correlation round."""
    long = pl.scan_parquet(report[0] / "store" / "properties" / "*.parquet")
    affinities = long.filter(pl.col("property") == "adiabatic_electron_affinity").select("smiles", "source", "value")
    ocelot, others = (affinities.filter(pl.col("source") == name) for name in ("ocelot", other))
    shared = ocelot.join(others, on="smiles").collect()
    assert shared.height >= 20
    assert shared.select(pl.corr("value", "value_right")).item() > 0.9
