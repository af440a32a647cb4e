"""From which data, models and calculations a value came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from heliosc.campaign.lineage import Origin, lineage
from heliosc.campaign.promotions import write_promotions
from heliosc.campaign.provenance import with_models_of_first_round
from heliosc.campaign.records import CandidateRecord, PromotionRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.cli.app import app
from heliosc.datasets.schema import LONG_SCHEMA
from heliosc.errors import InputError
from heliosc.execution import QCResultStore
from heliosc.execution.tasks import AttemptCost

THIOPHENE = "YTPLMLYBLZKORZ-UHFFFAOYSA-N"


def _walk(origin: Origin) -> Iterator[Origin]:
    yield origin
    for older in origin.comes_from:
        yield from _walk(older)


def _of(origin: Origin, what: str) -> list[Origin]:
    return [node for node in _walk(origin) if node.what == what]


@pytest.fixture
def runs(
    make_run_folder: Callable[..., Path], make_result: Callable[[CandidateRecord], dict[str, Any]], tmp_path: Path
) -> Path:
    """A folder with a run of two rounds whose first candidate is in the store, computed at the second attempt."""
    run = RunFolder(make_run_folder("runs/first", n_rounds=2, batch=4))
    first, *others = read_candidates(run.path)
    with QCResultStore(run.store) as store:
        key = store.submit("x.y:z", {"smiles": first.smiles, "engine": "tblite"}, max_attempts=3)
        task = store.claim("w", 60.0)
        assert task is not None
        store.fail(task.key, task.token, "transient", "the node went away")
        task = store.claim("w", 60.0)
        assert task is not None
        store.complete(task.key, task.token, make_result(first), cost=AttemptCost(wall_s=2.5, cpu_s=2.0))
    run.write_candidates(0, [replace(first, calculation_key=key), *[o for o in others if o.round == 0]])
    return run.path.parent


def test_a_candidate_is_followed_to_calculation_models_and_data(runs: Path, tmp_path: Path) -> None:
    record = read_candidates(runs / "first")[0]
    found = lineage(record.id, runs=runs, store=tmp_path / "none")
    (calculation,) = _of(found, "calculation")
    assert calculation.facts["key"] == record.calculation_key
    assert (calculation.facts["program"], calculation.facts["version"]) == ("tblite", "0.8.0")
    assert (calculation.facts["wall_time_s"], calculation.facts["attempts"]) == (2.5, 2)
    assert calculation.facts["input"]["engine"] == "tblite"
    assert len(calculation.facts["result_sha256"]) == 64
    values = {node.title: node.facts["value"] for node in _of(calculation, "value")}
    assert values == dict(record.computed)
    models = {node.facts["kind"]: node for node in _of(found, "model")}
    assert models["heliosc surrogate ensemble"].facts["model_id"] == "15d9dd859cc3"
    assert _of(models["heliosc surrogate ensemble"], "data set")[0].title == "embedded library"
    (prediction,) = _of(found, "prediction")
    assert prediction.facts["values"]["lambda_hole@gfn2"]["mean"] == record.predicted["lambda_hole@gfn2"].mean


def test_the_second_round_was_predicted_by_what_the_first_taught(runs: Path, tmp_path: Path) -> None:
    first = runs / "first" / "rounds" / "000" / "surrogate"
    first.mkdir()
    document = {
        "format": "heliosc surrogate ensemble", "model_id": "taught", "provenance": {"parent": "15d9dd859cc3"}
    }  # fmt: skip
    (first / "config.json").write_text(json.dumps(document))
    record = next(record for record in read_candidates(runs / "first") if record.round == 1)
    (prediction,) = _of(lineage(record.id, runs=runs, store=tmp_path / "none"), "prediction")
    (model,) = prediction.comes_from
    assert (model.facts["model_id"], model.facts["parent"]) == ("taught", "15d9dd859cc3")
    assert [node.title for node in model.comes_from] == [
        "surrogate 15d9dd859cc3",
        "values computed in rounds 1 to 1 of first",
    ]


def test_a_model_that_was_replaced_since_is_not_taken_for_the_one_that_predicted(runs: Path, tmp_path: Path) -> None:
    record, file = read_candidates(runs / "first")[0], runs / "first" / "environment.json"
    then = {"model_id": "the old one", "data_hash": "old data", "n_train": 7}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"models": {"surrogate": then}}))
    (prediction,) = _of(lineage(record.id, runs=runs, store=tmp_path / "none"), "prediction")
    (model,) = prediction.comes_from
    assert model.title == "surrogate the old one"
    assert model.facts["note"].endswith("holds another model by now")
    assert model.comes_from[0].facts == {"data_hash": "old data", "molecules": 7}


def test_a_later_start_keeps_the_models_of_the_first_round(runs: Path) -> None:
    run, now = runs / "first", {"seed": 0, "models": {"surrogate": {"model_id": "new"}}, "cores": 8}
    (run / "environment.json").write_text(json.dumps({"models": {"surrogate": {"model_id": "old"}}, "cores": 2}))
    kept = with_models_of_first_round(now, run / "environment.json")
    assert (kept["models"]["surrogate"]["model_id"], kept["cores"]) == ("old", 8)
    (run / "rounds" / "000" / "candidates.jsonl").unlink()  # nothing has been chosen: the new one will choose
    assert with_models_of_first_round(now, run / "environment.json") == now


def test_a_promotion_is_a_calculation_of_its_own(
    runs: Path, tmp_path: Path, make_result: Callable[[CandidateRecord], dict[str, Any]]
) -> None:
    run = RunFolder(runs / "first")
    record = read_candidates(run.path)[0]
    with QCResultStore(run.store) as store:
        key = store.submit("x.y:z", {"smiles": record.smiles, "level": "dft-fast"})
        task = store.claim("w", 60.0)
        assert task is not None
        values = {"lambda_hole@b3lyp/def2-svp[psi4]//gfn2": 0.31}
        store.complete(task.key, task.token, {**make_result(record), "program": "pyscf", "values": values})
    promotion = PromotionRecord(
        record.id, record.smiles, record.role, 1, "dft-fast", 0.1, 60.0, "estimate", "the most to gain", key, values
    )
    write_promotions(run, 1, [promotion])
    found = lineage(record.id, of_property="lambda_hole", runs=runs, store=tmp_path / "none")
    first, second = _of(found, "calculation")
    assert [node.title for node in _of(first, "value")] == ["lambda_hole@gfn2"]
    assert (second.facts["program"], second.facts["promoted_because"]) == ("pyscf", "the most to gain")
    assert [(node.title, node.facts["value"]) for node in _of(second, "value")] == [
        ("lambda_hole@b3lyp/def2-svp[psi4]//gfn2", 0.31)
    ]


def test_a_failure_is_part_of_the_lineage(runs: Path, tmp_path: Path) -> None:
    first, *rest = (record for record in read_candidates(runs / "first") if record.round == 0)
    failure = {"error_class": "convergence", "reason": "SCF of the anion"}
    RunFolder(runs / "first").write_candidates(0, [replace(first, failure=failure, computed={}), *rest])
    (node,) = _of(lineage(first.id, runs=runs, store=tmp_path / "none"), "failure")
    assert node.facts == failure


def test_one_property_leaves_the_others_out(runs: Path, tmp_path: Path) -> None:
    record = read_candidates(runs / "first")[0]
    found = lineage(record.smiles, of_property="lambda_hole@gfn2", runs=runs, store=tmp_path / "none")
    assert {node.title for node in _of(found, "value")} == {"lambda_hole@gfn2"}
    assert all(set(node.facts["values"]) == {"lambda_hole@gfn2"} for node in _of(found, "prediction"))


def test_the_embedded_library_tells_its_program(tmp_path: Path) -> None:
    found = lineage("c1ccsc1", of_property="lambda_hole", runs=tmp_path, store=tmp_path)
    assert [node.title for node in _of(found, "data set")] == ["embedded library"]
    (calculation,) = _of(found, "calculation")
    assert calculation.facts["program"]
    assert found.facts == {"inchikey": THIOPHENE}


def test_rows_of_the_master_table_tell_source_and_hash(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "properties").mkdir(parents=True)
    row = {"smiles": "c1ccsc1", "inchikey": THIOPHENE, "property": "homo_energy", "level": "experiment-cv",
           "source": "osc", "value": -6.1, "std": 0.1, "n_rows": 2, "unit": "eV", "first_row": 7}  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row], LONG_SCHEMA), store / "properties" / "part-00.parquet")
    books = {"heliosc": "0.1.0", "rdkit": "2026.3.6", "files": {"properties/part-00.parquet": "ab" * 32},
             "sources": [{"source": "osc", "n_rows": 9, "n_quarantined": 1}],
             "declarations": {"osc": {"title": "our sheet", "licence": {"name": "internal"}}}}  # fmt: skip
    (store / "merge.json").write_text(json.dumps(books))
    found = lineage(THIOPHENE, of_property="homo_energy@experiment-cv", runs=tmp_path, store=store)
    (source,) = _of(found, "data set")
    assert (source.title, source.facts["title"], source.facts["rows_set_aside"]) == ("osc", "our sheet", 1)
    (value,) = source.comes_from
    assert (value.facts["value"], value.facts["first_row"], value.facts["table_sha256"]) == (-6.1, 7, "ab" * 32)


@pytest.mark.parametrize("name", ["first-r9-00", "ZZZZZZZZZZZZZZ-ZZZZZZZZZZ-Z", "CCCCCCCCCCCCCCCCO", "no molecule"])
def test_what_is_not_known_is_an_error_with_a_next_step(runs: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"candidates\.csv|heliosc status|check ring closures"):
        lineage(name, runs=runs, store=tmp_path / "none")


def test_the_command_prints_a_tree_or_json(runs: Path) -> None:
    record = read_candidates(runs / "first")[0]
    shown = CliRunner().invoke(app, ["lineage", record.id, "--runs", str(runs)])
    assert shown.exit_code == 0
    assert "calculation" in shown.stdout
    assert "lambda_hole@gfn2 = " in shown.stdout
    document = json.loads(CliRunner().invoke(app, ["lineage", record.id, "--runs", str(runs), "--json"]).stdout)
    assert document["comes_from"][0]["what"] == "candidate"
