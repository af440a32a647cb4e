"""The tasks of the execution layer: values with known names and levels, refusals with reasons."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.qc.condensed.averaging import EquilibriumMean
from heliosc.qc.condensed.bulk import BulkResult, BulkSettings, OpenmmExecutor
from heliosc.qc.condensed.tasks import cluster, density, stacking
from heliosc.qc.condensed.workflows import WORKFLOWS, calculation_identity, programs_of
from heliosc.qc.geometries import Geometry
from heliosc.qc.results import calculation_result


@pytest.fixture(scope="module")
def thiophene() -> dict[str, Any]:
    return stacking({"smiles": "c1ccsc1"})


def test_stacking_gives_named_values_and_survives_json(thiophene: dict[str, Any]) -> None:
    result = calculation_result(json.loads(json.dumps(thiophene)))
    values = {str(key): value for key, value in result.values.items()}
    assert values["planarity_deviation@gfn2"] == pytest.approx(0.0, abs=1e-2)
    assert values["packing_score@gfn2"] == pytest.approx(5 / 17, abs=1e-3)
    assert -0.05 < values["stacking_energy@gfn2"] < -0.02
    assert values["transfer_integral_hole@gfn2"] > 0
    assert len(result.details["arrangements"]) == 3
    assert result.details["best_dimer"].startswith("18\n")


def test_a_given_geometry_is_used(thiophene: dict[str, Any]) -> None:
    again = stacking({"smiles": "c1ccsc1", "geometry": thiophene["geometries"]["neutral"]})
    assert again["geometries"] == thiophene["geometries"]
    assert again["values"] == pytest.approx(thiophene["values"], abs=1e-3)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "expected smiles"),
        ({"smiles": "c1ccsc1", "charge": 1}, "expected smiles and any of"),
        ({"smiles": "CCCC"}, "no conjugated system"),
        ({"smiles": "c1ccsc1", "level": "gfn3"}, "gfn2, gfn2//gfnff"),
        ({"smiles": "c1ccsc1", "geometry": "3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n"}, "not those of"),
        ({"smiles": "c1ccsc1", "seed": "one"}, "expected a number"),
        ({"smiles": "c1ccsc1", "seed": True}, "expected a number"),
        ({"smiles": "[Na+].[Cl-]"}, "fragments"),
    ],
)
def test_what_cannot_be_stacked_is_refused(payload: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        stacking(payload)


def test_density_carries_its_error_length_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def simulate(self: OpenmmExecutor, molecule: Chem.Mol, start: Geometry, settings: BulkSettings, **more: Any) -> Any:
        asked.update(more, settings=settings, symbols=start.symbols)
        mean = EquilibriumMean(1.05, 0.03, 40, 8, 3.0)
        return BulkResult(mean, (0.35, 0.01), np.linspace(0.9, 1.05, 200), 60, "CPU", 20.0, start)

    monkeypatch.setattr(OpenmmExecutor, "simulate", simulate)
    outcome = density({"smiles": "c1ccsc1", "time_ps": 40.0, "n_cores": 2, "seed": 5, "level": "mmff94-npt"})
    result = calculation_result(json.loads(json.dumps(outcome)))
    assert {str(key): value for key, value in result.values.items()} == {
        "density@mmff94-npt": 1.05,
        "cohesive_energy@mmff94-npt": 0.35,
    }
    assert asked["settings"] == BulkSettings(time_ps=40.0, n_threads=2)
    assert asked["seed"] == 5
    assert asked["symbols"].count("H") == 4
    assert result.details["conditions"] == "60 molecules, 298.15 K, 1 bar, mean of the last 32 of 40 ps"
    assert result.details["standard_errors"]["density@mmff94-npt"] == 0.03
    assert result.details["flags"] == ["wide_density_error"]  # three per cent


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"smiles": "c1ccsc1", "level": "gfnff"}, "computes at mmff94-npt"),
        ({"smiles": "c1cc[se]c1"}, "MMFF94 has no parameters"),
        ({"smiles": "*c1ccc(*)s1"}, "open attachment points"),
        ({"smiles": "c1ccsc1", "temperature_K": 400.0}, "expected smiles and any of"),
        ({"smiles": "c1ccsc1", "n_molecules": 1}, "at least two"),
    ],
)
def test_what_has_no_density_is_refused(payload: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        density(payload)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_identity_names_molecule_level_and_programs_but_no_cores(name: str) -> None:
    smiles = "[*]c1ccc([*])s1" if name == "polymer" else "c1ccsc1"
    payload = {"smiles": smiles, "level": WORKFLOWS[name].levels[0], "seed": 0}
    identity = calculation_identity(name, payload)
    assert identity == calculation_identity(name, payload | {"n_cores": 4} if name == "density" else payload)
    assert identity != calculation_identity(name, payload | {"seed": 1})
    assert identity["method"] == payload["level"]
    assert (identity["inchikey"] is None) == (name == "polymer")
    assert set(identity["programs"]) == set(programs_of(payload["level"]))


def test_cluster_refuses_keywords_of_the_other_task() -> None:
    with pytest.raises(InputError, match="n_molecules"):
        cluster({"smiles": "c1ccsc1", "engine": "rigid"})
