"""The JSON task: what it refuses, its identity, and the conversion of what it returns."""

import copy
import json

import pytest

from heliosc.errors import InputError, ParseError
from heliosc.properties import DEFAULT_TARGETS, PropertyKey
from heliosc.qc.results import calculation_result, property_records
from heliosc.qc.tasks import four_point, task_identity


@pytest.fixture(scope="module")
def ethylene():
    return json.loads(json.dumps(four_point({"smiles": "C=C"})))


def test_result_holds_every_default_target(ethylene):
    result = calculation_result(ethylene)
    assert set(DEFAULT_TARGETS) <= set(result.values)
    records = {record.key: record for record in property_records(result, calculation_key="abc")}
    assert records[PropertyKey("lambda_hole", "gfn2")].source.startswith("tblite 0.")
    assert records[PropertyKey("lambda_hole", "gfn2")].calculation_key == "abc"


def test_values_are_those_of_the_stored_energies(ethylene):
    energies, values = ethylene["details"]["energies_hartree"], ethylene["values"]
    raw = (energies["cation_at_neutral"] - energies["neutral_at_neutral"]) * 27.211386245988
    assert values["vertical_ionization_energy@gfn2"] == pytest.approx(raw - 4.846, abs=1e-9)
    ipea = ethylene["details"]["ipea1_energies_hartree"]
    raw = (ipea["cation_at_neutral"] - ipea["neutral_at_neutral"]) * 27.211386245988
    assert values["vertical_ionization_energy@ipea1//gfn2"] == pytest.approx(raw - 4.846, abs=1e-9)
    assert ethylene["details"]["flags"].count("unbound_anion") == 1


def test_same_calculation_gives_the_same_answer_to_the_last_bit(ethylene):
    assert json.loads(json.dumps(four_point({"smiles": "C=C"}))) == ethylene  # no time, no place, no other numbers


def test_wall_time_comes_from_the_attempt(ethylene):
    assert calculation_result(ethylene).wall_time_s is None
    assert calculation_result(ethylene, wall_time_s=1.5).wall_time_s == 1.5


def test_result_that_is_not_finite_or_incomplete_is_refused(ethylene):
    broken = copy.deepcopy(ethylene)
    broken["values"]["lambda_hole@gfn2"] = float("nan")
    with pytest.raises(ParseError, match="lambda_hole@gfn2"):
        calculation_result(broken)
    del broken["geometries"]
    with pytest.raises(ParseError, match="geometries"):
        calculation_result(broken)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"smiles": "C=C", "engin": "xtb"}, "unknown keyword engin; expected: smiles, engine"),
        ({"smiles": "C=C", "engine": "mopac"}, "unknown engine 'mopac'"),
        ({}, "names no molecule"),
        ({"smiles": "C1CC"}, "cannot parse"),
        ({"smiles": "[NH4+]"}, "charge"),
    ],
)
def test_bad_payloads_are_input_errors(payload, reason):
    with pytest.raises(InputError, match=reason):
        four_point(payload)


def test_identity_ignores_spelling_but_not_tautomers_or_keywords():
    assert task_identity({"smiles": "C1=CC=CS1"}) == task_identity({"smiles": "c1ccsc1", "seed": 2026})
    assert task_identity({"smiles": "Cc1c[nH]cn1"}) != task_identity({"smiles": "Cc1cnc[nH]1"})
    assert task_identity({"smiles": "c1ccsc1", "seed": 1}) != task_identity({"smiles": "c1ccsc1"})
