"""``heliosc qc parse``: files written, store filled once, exit codes."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

from typer.testing import CliRunner

from heliosc.cli.app import app
from heliosc.execution import QCResultStore
from heliosc.qc.results import calculation_result

LOGS = Path(__file__).parents[2] / "data" / "logs"
runner = CliRunner()


def parse(*arguments: str | Path) -> tuple[int, str, str]:
    result = runner.invoke(app, ["qc", "parse", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_results_values_jobs_and_store(tmp_path: Path) -> None:
    out, store = tmp_path / "out", tmp_path / "store.sqlite"
    code, stdout, _ = parse(LOGS / "thiophene", "--out", out, "--store", store, "--json")
    assert code == 0
    summary = json.loads(stdout)
    assert (summary["jobs"], summary["results"], summary["complete_sets"]) == (15, 3, 2)
    assert summary["stored"] == {"new": 3, "known": 0, "without_molecule": 0}

    with (out / "values.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["source"] for row in rows} == {"log"}
    assert all(row["level"] and row["program"] and row["version"] and len(row["sha256"]) >= 64 for row in rows)
    assert len(json.loads((out / "jobs.json").read_text())) == 15

    with QCResultStore(store) as opened:
        results = [calculation_result(opened.result(key)) for key in opened.states()]
    assert {result.details["level"] for result in results} == {"gfn2", "b3lyp/sto-3g[psi4]//gfn2", "ipea1//gfn2"}

    code, stdout, _ = parse(LOGS / "thiophene", "--out", out, "--store", store, "--json")
    assert json.loads(stdout)["stored"] == {"new": 0, "known": 3, "without_molecule": 0}


def test_failures_are_listed_and_the_rest_is_kept(tmp_path: Path) -> None:
    code, _, stderr = parse(LOGS, "--out", tmp_path / "out")
    assert code == 5
    assert "15 jobs read" in " ".join(stderr.split())
    with (tmp_path / "out" / "failures.csv").open() as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert rows["failures/psi4_scf.out.gz"]["error_class"] == "convergence"
    assert rows["failures/xtb_noparam.out.gz"]["error_class"] == "missing"
    assert all(row["reason"] for row in rows.values())


def test_names_of_files_are_no_formulas_of_a_spreadsheet(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    cut = gzip.decompress((LOGS / "failures" / "psi4_scf.out.gz").read_bytes())
    (folder / "=cmd.out").write_bytes(cut)
    parse(folder, "--out", tmp_path / "out")
    assert "'=cmd.out" in (tmp_path / "out" / "failures.csv").read_text()


def test_a_folder_without_outputs_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    code, _, stderr = parse(tmp_path, "--out", tmp_path / "out")
    assert code == 3
    assert "holds no output" in " ".join(stderr.split())
    assert not (tmp_path / "out").exists()
