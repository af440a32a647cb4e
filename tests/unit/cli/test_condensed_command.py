"""``heliosc qc run --workflow``: durable, resumable, exported; bad input and missing programs said; ``data graft``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.config import load_config
from heliosc.datasets.labels_source import label_folder_source
from heliosc.datasets.library.load import load_library
from heliosc.execution import QCResultStore

runner = CliRunner()
ONE_WORKER = ["-o", "qc.resources.max_workers=1"]


def _list(folder: Path, *smiles: str) -> str:
    file = folder / "substances.smi"
    file.write_text("\n".join(smiles) + "\n")
    return str(file)


def test_a_polymer_is_computed_once_and_exported_apart_from_molecules(tmp_path: Path) -> None:
    arguments = ["qc", "run", _list(tmp_path, "[*]c1ccc([*])s1", "c1ccsc1"), "--workflow", "polymer"]
    arguments += ["--out", str(tmp_path / "out"), "--json", *ONE_WORKER, "-o", "qc.condensed.longest_oligomer=3"]
    for _ in range(2):  # the second time from the store
        result = runner.invoke(app, arguments)
        assert result.exit_code == 5, result.output
    summary = json.loads(result.stdout)
    assert (summary["done"], summary["failed"], summary["workflow"]) == (1, 1, "polymer")
    assert "0 attachment points" in (tmp_path / "out" / "failures.csv").read_text()
    with QCResultStore(summary["store"]) as store:
        (key,) = store.states()
        assert len(store.attempts(key)) == 1
    exported = runner.invoke(app, ["qc", "export", summary["store"], "--out", str(tmp_path / "export"), "--json"])
    assert json.loads(exported.stdout)["polymer_values"] == 3
    rows = pq.read_table(tmp_path / "export" / "polymers.parquet").to_pylist()
    assert {row["property"] for row in rows} == {"homo_energy", "lumo_energy", "homo_lumo_gap"}
    row = rows[0]
    assert (row["smiles"], row["inchikey"], row["level"], row["program"]) == ("*c1ccc(*)s1", None, "gfn2", "tblite")
    assert "oligomers of 2 to 3 units, capped with H" in row["conditions"]
    assert row["host"]
    assert (row["n_attempts"], row["cores"], row["calculation_key"]) == (1, 1, key)
    assert row["wall_time_s"] > 0
    assert row["standard_error"] is None  # two lengths and two parameters
    details = json.loads(next((tmp_path / "export" / "details").iterdir()).read_text())["details"]
    assert [(o["n_units"], o["cap"]) for o in details["oligomers"]] == [(1, "H"), (2, "H"), (3, "H")]
    # nothing that reads molecules finds it; a merge is given it with its attachment points
    for folder in (tmp_path / "export", tmp_path / "out"):
        assert load_library(folder).labelled_molecules() == ()
        source = label_folder_source(folder, work=tmp_path)
        assert pq.read_table(source.files[0])["smiles"].to_pylist() == ["*c1ccc(*)s1"]


def test_stacking_goes_into_the_long_table_with_its_conditions(tmp_path: Path) -> None:
    arguments = ["qc", "run", _list(tmp_path, "C=CC=C", "[*]c1ccc([*])s1"), "--workflow", "stacking", "--json"]
    result = runner.invoke(app, [*arguments, "--out", str(tmp_path / "out"), *ONE_WORKER])
    assert result.exit_code == 5, result.output
    summary = json.loads(result.stdout)
    assert (summary["done"], summary["failed"], summary["level"]) == (1, 1, "gfn2")
    assert "workflow polymer" in (tmp_path / "out" / "failures.csv").read_text()
    runner.invoke(app, ["qc", "export", summary["store"], "--out", str(tmp_path / "export")])
    with (tmp_path / "export" / "labels.csv").open() as file:
        rows = {row["property"]: row for row in csv.DictReader(file)}
    assert float(rows["transfer_integral_hole"]["value"]) > 0
    assert rows["stacking_energy"]["conditions"].endswith("dimer in vacuum")
    assert not (tmp_path / "export" / "polymers.csv").exists()


def test_four_point_refuses_attachment_points_and_names_the_way(tmp_path: Path) -> None:
    result = runner.invoke(app, ["qc", "run", _list(tmp_path, "[*]CC[*]"), "--out", str(tmp_path / "out"), *ONE_WORKER])
    assert result.exit_code == 5
    assert "--workflow polymer" in (tmp_path / "out" / "failures.csv").read_text()


@pytest.mark.parametrize(
    ("options", "exit_code", "said"),
    [
        (["--workflow", "crystal"], 2, "workflow"),
        (["--workflow", "cluster", "--level", "gfn2"], 2, "computes at level gfnff"),
        (["--workflow", "stacking", "--program", "orca"], 2, "qc.program cannot be chosen"),
        (["--workflow", "stacking", "-o", "qc.condensed.time_ps=5"], 2, "has no setting time_ps"),
        (["--workflow", "density", "-o", "qc.condensed.temperature_K=400"], 2, "has no setting temperature_K"),
        (["--workflow", "polymer", "-o", "qc.fallback=gfn2"], 2, "qc.fallback cannot be chosen"),
        (["--workflow", "polymer", "-o", "qc.condensed.longest_oligomer=2"], 2, "longest_oligomer"),
        (["--workflow", "cluster"], 4, "apt-get install xtb"),
        (["--workflow", "density"], 4, "pip install 'heliosc[md]'"),
    ],
)
def test_what_cannot_run_is_said_with_its_exit_code(
    tmp_path: Path, options: list[str], exit_code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setitem(sys.modules, "openmm", None)
    result = runner.invoke(app, ["qc", "run", _list(tmp_path, "c1ccsc1"), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == exit_code, result.output
    assert said in " ".join(result.output.split())


def test_workflows_are_listed() -> None:
    rows = json.loads(runner.invoke(app, ["qc", "workflows", "--json"]).stdout)
    assert [row["workflow"] for row in rows] == ["four-point", "stacking", "cluster", "polymer", "density"]


def test_what_a_campaign_does_not_use_leaves_its_identity_alone() -> None:
    plain = load_config().digest()
    assert load_config(overrides=["qc.workflow=stacking", "qc.condensed.seed=3"]).digest() == plain
    assert load_config(overrides=["qc.n_conformers=7"]).digest() != plain


# ------------------------------------------------------------------ data graft


def test_graft_scores_the_material_as_made(tmp_path: Path) -> None:
    core = "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1"
    arguments = ["data", "graft", _list(tmp_path, core), "--methyl", "--out", str(tmp_path / "made.csv"), "--json"]
    short, long = (
        json.loads(runner.invoke(app, [*arguments, "--chain", f"1={chain}"]).stdout)[0]
        for chain in ("methyl", "2-octyldodecyl")
    )
    assert short["smiles"] == core
    assert long["smiles"].count("CCCCCCCC") >= 2
    assert long["core"] == core
    assert long["hansen_dispersion@structure"] < short["hansen_dispersion@structure"]  # alkyl dilutes the core
    assert long["density@structure"] < short["density@structure"]
    assert {"sa_score@structure", "miscibility_y6@structure", "hansen_polar@structure"} <= set(long)
    with (tmp_path / "made.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["side_chains"], row["scored_units"]) == ("1=2-octyldodecyl", "")


def test_graft_of_a_repeat_unit_is_scored_as_a_capped_oligomer(tmp_path: Path) -> None:
    arguments = ["data", "graft", _list(tmp_path, "[*]c1cc([*:1])c([*])s1"), "--chain", "1=hexyl", "--json"]
    result = runner.invoke(app, [*arguments, "--out", str(tmp_path / "made.csv")])
    (row,) = json.loads(result.stdout)
    assert (row["smiles"], row["scored_units"]) == ("*c1cc(CCCCCC)c(*)s1", 4)
    assert 16.0 < row["hansen_dispersion@structure"] < 20.0  # P3HT measured 18.5 (Machui et al. 2012)


@pytest.mark.parametrize(
    ("smiles", "options", "exit_code", "said"),
    [
        ("c1ccsc1", ["--chain", "1=hexyl"], 5, "no site for a side chain"),
        ("[*:1]c1ccsc1", ["--chain", "2=hexyl"], 5, "chains are given for"),
        ("[*:1]c1ccsc1", ["--chain", "1=hexyl", "--chain", "2=butyl"], 2, "no molecule of"),
        ("[*:1]c1ccsc1", ["--chain", "1=hexil"], 5, "side chain"),
        ("[*:1]c1ccsc1", ["--chain", "hexyl"], 2, "expected N=CHAIN"),
        ("[*:1]c1ccsc1", ["--chain", "1=hexyl", "--chain", "1=butyl"], 2, "twice"),
        ("[*]c1cc([*:1])sc1", ["--chain", "1=hexyl"], 5, "no repeat unit"),
    ],
)
def test_graft_says_what_is_wrong(tmp_path: Path, smiles: str, options: list[str], exit_code: int, said: str) -> None:
    out = ["--out", str(tmp_path / "made.csv")]
    result = runner.invoke(app, ["data", "graft", _list(tmp_path, smiles), *options, *out])
    assert result.exit_code == exit_code, result.output
    assert said in " ".join(result.output.split())
