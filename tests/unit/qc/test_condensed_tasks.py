"""The tasks of the execution layer: values with known names and levels, refusals with reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heliosc.errors import InputError
from heliosc.qc.condensed.tasks import cluster, stacking
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


def test_cluster_refuses_keywords_of_the_other_task() -> None:
    with pytest.raises(InputError, match="n_molecules"):
        cluster({"smiles": "c1ccsc1", "engine": "rigid"})
