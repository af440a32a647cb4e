"""Export of a store: rows with their metadata, QCSchema, two runs of the same calculations alike."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from heliosc.campaign.exporting import ROW_SCHEMA, export_results
from heliosc.campaign.workflows import check_campaign_level, is_four_point, submit_calculations
from heliosc.config import load_config
from heliosc.datasets.library.load import load_library
from heliosc.errors import MissingDependencyError, UsageError
from heliosc.execution import QCResultStore
from heliosc.execution.tasks import AttemptCost
from heliosc.properties import PropertyKey
from heliosc.qc.excited_states import excited_states_identity
from heliosc.qc.levels import level_scheme
from heliosc.qc.tasks import four_point, workflow_identity

LEVEL = "b3lyp/def2-svp[psi4]//gfn2"


@pytest.fixture(scope="module")
def ethylene() -> dict[str, Any]:
    return four_point({"smiles": "C=C"})


def fill(store: QCResultStore, result: dict[str, Any], *, wall_s: float) -> None:
    """A finished, a failed and a foreign task."""
    for name in ("done", "failed", "foreign"):
        store.submit("x.y:z", {"smiles": "C=C", "name": name})
    while (task := store.claim("test", 60.0)) is not None:
        if task.payload["name"] == "done":
            store.complete(task.key, task.token, result, cost=AttemptCost(wall_s=wall_s, cpu_s=wall_s / 2))
        elif task.payload["name"] == "failed":
            store.fail(task.key, task.token, "convergence", "=cmd|' /C calc'!A0\nsecond line")
        else:
            store.complete(task.key, task.token, {"rows": 3})


def test_rows_carry_everything_known(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, ethylene, wall_s=2.5)
        summary = export_results(store, tmp_path / "out")
    assert {name: n for name, n in summary.items() if n} == {
        "calculations": 1,
        "values": len(ethylene["values"]),
        "failures": 1,
        "qcschema": 1,
    }
    table = pq.read_table(tmp_path / "out" / "labels.parquet")
    assert table.schema.names == ROW_SCHEMA.names
    row = next(row for row in table.to_pylist() if row["property"] == "lambda_hole")
    assert row["value"] == ethylene["values"]["lambda_hole@gfn2"]
    assert (row["wall_time_s"], row["cpu_time_s"], row["n_attempts"], row["cores"]) == (2.5, 1.25, 1, 1)
    assert (row["program"], row["status"], row["unit"], row["level"]) == ("tblite", "done", "eV", "gfn2")
    assert row["host"]
    assert row["inchikey"] == "VGGSQFUCUMXWEO-UHFFFAOYSA-N"
    assert "unbound_anion" in row["flags"]


def test_folder_is_read_like_one_of_labels(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, ethylene, wall_s=1.0)
        export_results(store, tmp_path / "out")
    table = load_library(tmp_path / "out").property_table([PropertyKey("lambda_hole", "gfn2")])
    assert table.smiles == ("C=C",)
    assert table.values[0, 0] == ethylene["values"]["lambda_hole@gfn2"]


def test_cells_that_look_like_formulas_are_texts(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, ethylene, wall_s=1.0)
        export_results(store, tmp_path / "out")
    (failure,) = csv.DictReader(io.StringIO((tmp_path / "out" / "failures.csv").read_text()))
    assert failure["reason"].startswith("'=cmd")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "labels.csv").read_text())))
    values = [float(row["value"]) for row in rows]  # negative numbers stay numbers
    assert min(values) < 0


def test_qcschema_holds_seven_energies_at_their_geometries(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, ethylene, wall_s=1.0)
        export_results(store, tmp_path / "out")
    (file,) = (tmp_path / "out" / "qcschema").iterdir()
    documents = json.loads(file.read_text())
    assert len(documents) == 7
    energies = ethylene["details"]["energies_hartree"]
    by_name = {f"{d['extras']['charge_state']}_at_{d['extras']['at_minimum_of']}": d for d in documents}
    assert {name: d["return_result"] for name, d in by_name.items()} == energies
    cation = by_name["cation_at_neutral"]["molecule"]
    assert (cation["molecular_charge"], cation["molecular_multiplicity"]) == (1, 2)
    first_atom = [float(x) for x in ethylene["geometries"]["neutral"].splitlines()[2].split()[1:]]
    np.testing.assert_allclose(np.array(cation["geometry"][:3]) * 0.529177210903, first_atom, atol=1e-8)
    assert by_name["cation_at_neutral"]["schema_name"] == "qcschema_output"


def test_what_the_level_does_not_name_is_exported(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    side = {"method": "b3lyp/def2-svp+smd(toluene)", "grid": "coarse", "program": "orca", "version": "6.0.1"}
    details = {"single_points": side, "level": "b3lyp/def2-svp+smd(toluene)[orca]//gfn2", "keywords": ["RIJCOSX"]}
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, {**ethylene, "details": {**ethylene["details"], **details}}, wall_s=1.0)
        export_results(store, tmp_path / "out")
    (file,) = (tmp_path / "out" / "qcschema").iterdir()
    document = json.loads(file.read_text())[0]
    assert document["keywords"] == {
        "solvation_model": "smd", "solvent": "toluene", "grid": "coarse", "program_keywords": ["RIJCOSX"]
    }  # fmt: skip
    row = pq.read_table(tmp_path / "out" / "labels.parquet").to_pylist()[0]
    assert (row["grid"], row["keywords"]) == ("coarse", "RIJCOSX")


def test_results_stored_before_levels_named_their_grid_do_so_now(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    values = {"lambda_hole@b3lyp/def2-svp[pyscf]//gfn2": 0.2, "singlet_excitation_energy@tda-b3lyp/def2-svp//gfn2": 4.0}
    side = {"method": "b3lyp/def2-svp", "grid": "coarse", "program": "pyscf", "version": "2.14.0"}
    details = {**ethylene["details"], "single_points": side, "level": "b3lyp/def2-svp[pyscf]//gfn2"}
    with QCResultStore(tmp_path / "store.sqlite") as store:
        fill(store, {**ethylene, "values": values, "details": details}, wall_s=1.0)
        export_results(store, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "labels.parquet").to_pylist()
    assert {row["level"] for row in rows} == {
        "b3lyp-coarsegrid/def2-svp[pyscf]//gfn2",
        "tda-b3lyp-coarsegrid/def2-svp//gfn2",
    }


def test_the_level_with_its_grid_does_not_change_the_keys_of_what_is_stored(ethylene: dict[str, Any]) -> None:
    asked = {"smiles": "C=C", "level": "dft-fast", "program": "gaussian"}
    assert workflow_identity(asked)["method"] == "b3lyp/def2-svp[gaussian]//gfn2"
    assert workflow_identity(asked)["grids"] == ["coarse", "normal"]
    optical = excited_states_identity({**asked, "geometry": ethylene["geometries"]["neutral"]})
    assert (optical["method"], optical["grid"]) == ("b3lyp/def2-svp[gaussian]", "coarse")


def test_two_runs_of_the_same_calculations_have_the_same_hash(tmp_path: Path, ethylene: dict[str, Any]) -> None:
    digests = []
    for name, wall_s in (("a", 1.0), ("b", 99.0)):
        with QCResultStore(tmp_path / f"{name}.sqlite") as store:
            fill(store, four_point({"smiles": "C=C"}), wall_s=wall_s)
            digests.append(store.export())
    assert digests[0] == digests[1]


# ------------------------------------------------------------------ what is submitted


def test_plain_gfn2_shares_the_four_point_task_of_campaigns() -> None:
    for overrides, expected in (
        ([], True),
        (["qc.level=ipea-gfn2"], True),
        (["qc.program=tblite"], True),
        (["qc.program=xtb"], False),
        (["qc.level=gfn2+alpb(toluene)"], False),
        (["qc.response=[harmonic]"], False),
        (["qc.n_optimized=3"], False),
        (["qc.level=dft-fast"], False),
    ):
        settings = load_config(overrides=overrides).qc
        assert is_four_point(level_scheme(settings.level), settings) is expected
        if expected:
            check_campaign_level(settings)
        else:
            with pytest.raises(UsageError, match="campaigns compute at level gfn2"):
                check_campaign_level(settings)


@pytest.mark.parametrize(("asks_memory", "memory_mb"), [(True, 5000), (False, None)])
def test_stacked_dimers_ask_a_scheduler_for_memory(tmp_path: Path, asks_memory: bool, memory_mb: int | None) -> None:
    settings = load_config(overrides=["qc.workflow=stacking", "qc.resources.memory_gb=3"]).qc
    with QCResultStore(tmp_path / "store.sqlite") as store:
        submit_calculations(store, ["c1ccsc1"], settings, asks_memory=asks_memory)
        task = store.claim("test", 60.0)
    assert task is not None
    assert task.memory_mb == memory_mb


@pytest.mark.parametrize("level", ["gfn2//b3lyp/def2-svp", "b3lyp/def2-svp//gfn2"])
def test_program_of_one_side_of_a_mix_leaves_the_other_to_tblite(tmp_path: Path, level: str) -> None:
    settings = load_config(overrides=[f"qc.level={level}", "qc.program=gaussian", "qc.keywords=[int=fine]"]).qc
    with QCResultStore(tmp_path / "store.sqlite") as store:
        with pytest.raises(MissingDependencyError, match="gaussian"):
            submit_calculations(store, ["C=C"], settings)
        allowed = settings.model_copy(update={"fallback": "gfn2"})
        assert submit_calculations(store, ["C=C"], allowed).refused == []


def test_missing_program_is_said_once_before_anything_is_submitted(tmp_path: Path) -> None:
    settings = load_config(overrides=["qc.level=dft-fast", "qc.program=gaussian"]).qc
    with QCResultStore(tmp_path / "store.sqlite") as store:
        with pytest.raises(MissingDependencyError, match=r"qc\.fallback=gfn2"):
            submit_calculations(store, ["C=C"], settings)
        assert store.counts().total == 0


def test_allowed_fallback_is_submitted_and_asks_for_its_resources(tmp_path: Path) -> None:
    overrides = ["qc.level=dft-fast", "qc.program=gaussian", "qc.fallback=gfn2", "qc.resources.cores_per_task=2"]
    settings = load_config(overrides=overrides).qc
    with QCResultStore(tmp_path / "store.sqlite") as store:
        submission = submit_calculations(store, ["C=C", "[Na+].[Cl-]", "not a molecule"], settings)
        (key,) = {*submission.keys.values()} - {submission.keys.get("[Na+].[Cl-]")}
        task = store.claim("test", 60.0, keys=[key])
        assert task is not None
        assert (task.cores, task.payload["n_cores"], task.payload["memory_gb"]) == (2, 2, 2.0)
        assert task.payload["fallback"] == "gfn2"
        assert [failure.smiles for failure in submission.refused] == ["not a molecule"]
