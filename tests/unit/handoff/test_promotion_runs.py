"""Ledgers of a run's candidates: levels by the shipped maps, fallback values, geometries, roles of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolTransforms
from typer.testing import CliRunner

from heliosc.campaign.records import CandidateRecord, PredictedValue
from heliosc.cli.app import app
from heliosc.errors import ConvergenceError, ParseError
from heliosc.handoff.promotion import calibrated, runs
from heliosc.handoff.promotion.calibrated import FEATURES_FILE, cv_evidence, has_acceptor_ends
from heliosc.handoff.promotion.criteria import load_criteria
from heliosc.handoff.promotion.ledger import Decision, GateEntry, GateLedger, Verdict
from heliosc.handoff.promotion.runs import criteria_of_role, run_ledgers, stored_ledger
from heliosc.handoff.promotion.structure import connectivity_entry, torsion_entry
from heliosc.handoff.structures import charged_structures
from heliosc.selection.roles import load_roles

BITHIOPHENE = "c1csc(-c2cccs2)c1"
BIPHENYL = "c1ccc(-c2ccccc2)cc1"
IE = "vertical_ionization_energy@ipea1//gfn2"
CRITERIA = load_criteria()
FEATURES = {  # of a named acceptor, as bench-promotion keeps them; Y6 core, gas phase and dichloromethane
    "homo_energy@gfn2": -9.75, "lumo_energy@gfn2": -8.66,
    "vertical_electron_affinity@gfn2": 3.46, "vertical_electron_affinity@ipea1//gfn2": 3.35,
    "vertical_electron_affinity@gfn2+alpb(ch2cl2)//gfn2": 4.10,
    "vertical_ionization_energy@gfn2": 6.89, "vertical_ionization_energy@ipea1//gfn2": 6.87,
    "vertical_ionization_energy@gfn2+alpb(ch2cl2)//gfn2": 5.95,
}  # fmt: skip
IDIC = "CC1(C)c2cc3c(cc2-c2sc(C=C4C(=O)c5ccccc5C4=C(C#N)C#N)cc21)C(C)(C)c1cc(C=C2C(=O)c4ccccc4C2=C(C#N)C#N)sc1-3"


def _xyz(smiles: str, *, torsion: float | None = None) -> str:
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=7)
    rdForceFieldHelpers.MMFFOptimizeMolecule(molecule)
    if torsion is not None:
        first, before, second, after = molecule.GetSubstructMatch(Chem.MolFromSmarts("c(:[cH])-!@c(:[cH])"))
        rdMolTransforms.SetDihedralDeg(molecule.GetConformer(), before, first, second, after, torsion)
    return Chem.MolToXYZBlock(molecule)


def _candidate(**changes: Any) -> CandidateRecord:
    plain = CandidateRecord(
        id="run-r0-00", smiles=BITHIOPHENE, inchikey="", role="p_dopable", round=0, source="jtvae", score=0.0,
        reason="", predicted={IE: PredictedValue(6.4, 0.1, 0.1)}, sa_score=2.0, sa_score_core=2.0,
        calculation_key="k",
    )  # fmt: skip
    return replace(plain, **changes)


def _result(**changes: Any) -> dict[str, Any]:
    return {"values": {IE: 6.4}, "geometries": {"neutral": _xyz(BITHIOPHENE)}, "details": {}, **changes}


def _judge(tmp_path: Path, result: Mapping[str, Any], **changes: Any) -> GateLedger:
    candidate = _candidate(**changes)
    return run_ledgers(tmp_path, [candidate], results={"k": result}, roles=load_roles())[candidate.id]


def _entry(ledger: GateLedger, name: str) -> GateEntry:
    return next(entry for entry in ledger.entries if entry.criterion == name)


def test_levels_by_the_shipped_maps_are_computed_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = _judge(tmp_path, _result(values={}), role="donor")
    ie = _entry(ledger, "ionisation energy")
    assert ie.level == "cal-cv.1//gfn2"
    assert ie.value == pytest.approx(5.7, abs=0.5)
    assert (tmp_path / FEATURES_FILE).exists()

    def never(_: object) -> dict[str, float]:
        raise AssertionError("computed twice")

    monkeypatch.setattr(calibrated, "vertical_features_at", never)
    assert _entry(_judge(tmp_path, _result(values={}), role="donor"), "ionisation energy") == ie
    (tmp_path / FEATURES_FILE).write_text("[1")
    with pytest.raises(ParseError, match="damaged"):
        _judge(tmp_path, _result())


def test_a_fallback_result_promotes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "features_of_run", lambda _folder, keys: dict.fromkeys(keys, FEATURES))
    assert _judge(tmp_path, _result()).decision is Decision.PROMOTED
    ledger = _judge(tmp_path, _result(details={"status": "fallback"}))
    assert ledger.decision is Decision.HELD
    assert any("fallback" in reason for reason in ledger.reasons)


def test_a_failed_calculation_is_said_and_the_other_gates_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, dict[str, float]]:
        raise ConvergenceError("charges oscillate")

    monkeypatch.setattr(runs, "features_of_run", fail)
    ledger = _judge(tmp_path, _result())
    assert ledger.notes == ("no levels on the CV scale: charges oscillate",)
    assert _entry(ledger, "ionisation energy").level == "ipea1//gfn2"


def test_a_candidate_without_a_result_is_held_and_ranked_by_its_prediction(tmp_path: Path) -> None:
    candidate = _candidate()
    ledger = run_ledgers(tmp_path, [candidate], results={}, roles=load_roles())[candidate.id]
    assert ledger.decision is Decision.HELD
    assert ledger.predicted_probability == pytest.approx(1.0)  # 6.4 +- 0.14 against 7.3 eV


def test_a_role_of_the_runs_own_file_is_judged_by_its_windows() -> None:
    role = replace(load_roles()["donor"], name="our_role")
    found = criteria_of_role("our_role", roles={"our_role": role}, criteria=CRITERIA)
    (window,) = found.criteria
    assert window.limits[0].window.lower == 5.0  # type: ignore[union-attr]
    assert window.limits[0].scale == "CV"  # type: ignore[union-attr]


def test_a_role_that_nobody_knows_is_held_and_says_why() -> None:
    ledger = stored_ledger(_candidate(role="nobody"), _result(), role=None)
    assert ledger.decision is Decision.HELD
    assert "no promotion criteria for role 'nobody'" in ledger.reasons[0]


def test_without_computing_anything_a_ledger_rests_on_the_stored_values(tmp_path: Path) -> None:
    ledger = stored_ledger(_candidate(), _result(), role=None)
    assert _entry(ledger, "ionisation energy").level == "ipea1//gfn2"
    assert ledger.decision is Decision.PROMOTED
    assert ledger.label == "draft, xTB level"


def test_acceptors_have_the_error_of_their_class_only_in_roles_that_take_electrons() -> None:
    molecule = Chem.MolFromSmiles(IDIC)
    assert has_acceptor_ends(molecule)
    assert not has_acceptor_ends(Chem.MolFromSmiles(BITHIOPHENE))
    stds = [[item.std for item in cv_evidence(FEATURES, molecule, role=role)] for role in ("acceptor", "donor")]
    assert all(a is not None and b is not None and a < b for a, b in zip(*stds, strict=True))


def test_a_twist_of_more_than_twenty_degrees_on_charging_warns() -> None:
    def entry(ion: float) -> GateEntry:
        geometries = {"neutral": _xyz(BIPHENYL, torsion=44.0), "cation": _xyz(BIPHENYL, torsion=ion)}
        return torsion_entry(charged_structures(BIPHENYL, geometries), CRITERIA.structure)

    assert entry(20.0).verdict is Verdict.WARN
    assert entry(20.0).value == pytest.approx(24.0, abs=1.0)
    assert entry(30.0).verdict is Verdict.PASS


def test_an_ion_that_fell_apart_fails_and_a_missing_one_is_not_evaluated() -> None:
    whole = {state: _xyz(BITHIOPHENE) for state in ("neutral", "cation", "anion")}
    assert connectivity_entry(charged_structures(BITHIOPHENE, whole)).verdict is Verdict.PASS
    partial = charged_structures(BITHIOPHENE, {"neutral": whole["neutral"]})
    assert connectivity_entry(partial).verdict is Verdict.NOT_EVALUATED
    broken = [*charged_structures(BITHIOPHENE, whole)[:2], replace(partial[0], state="anion", molecule=None)]
    assert connectivity_entry(broken).verdict is Verdict.FAIL


def test_the_command_judges_a_run_and_promotes_nothing_that_was_not_computed(
    make_run_folder: Callable[..., Path],
) -> None:
    run = make_run_folder(n_rounds=1, batch=3)  # predictions alone: its store holds no result
    done = CliRunner().invoke(app, ["promote", str(run), "--json"])
    assert done.exit_code == 6, done.output
    ledgers = json.loads(done.stdout)
    assert len(ledgers) == 3
    assert {ledger["decision"] for ledger in ledgers} <= {"held", "rejected"}
    assert all(ledger["entries"][0]["verdict"] == "not evaluated" for ledger in ledgers)
    missing = CliRunner().invoke(app, ["promote", str(run), "--id", "nobody"])
    assert missing.exit_code == 3
    assert "no candidate 'nobody'" in missing.output
