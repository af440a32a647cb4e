"""Gate ledgers of the candidates of a run; ``heliosc promote`` and the hand-off show the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliosc.campaign.laboratory import laboratory_journal
from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import ConvergenceError
from heliosc.experiments.calibration import read_steps
from heliosc.handoff.promotion.assessment import CandidateFacts, assess, facts_of
from heliosc.handoff.promotion.calibrated import cv_evidence, features_of_run
from heliosc.handoff.promotion.criteria import Criteria, Limits, RoleCriteria, WindowCriterion, load_criteria
from heliosc.handoff.promotion.evidence import Evidence, evidence_of
from heliosc.handoff.promotion.ledger import GateLedger
from heliosc.handoff.structures import charged_structures
from heliosc.properties import PropertyKey
from heliosc.selection.roles import Role

_FALLBACK = "fallback"


def run_ledgers(
    run_folder: Path,
    candidates: Sequence[CandidateRecord],
    *,
    results: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Role],
    criteria: Criteria | None = None,
    measured: Mapping[str, Sequence[Evidence]] | None = None,
) -> dict[str, GateLedger]:
    """Candidate id -> gate ledger.

    Parameters
    ----------
    results : calculation key -> result with ``values``, ``geometries`` and ``details``; a candidate without one is
        judged by its structure alone, and held
    roles : of the run; their windows are the criteria of a role that the criteria do not name
    measured : candidate id -> values that came back from the laboratory

    Raises
    ------
    ParseError : a stored geometry is not of its molecule, or the laboratory's calibration is damaged
    """
    rules = run_criteria(run_folder, criteria)
    return {
        candidate.id: _ledger(
            run_folder, candidate, results.get(candidate.calculation_key, {}), roles=roles, criteria=rules,
            measured=(measured or {}).get(candidate.id, ()),
        )
        for candidate in candidates
    }  # fmt: skip


def run_criteria(run_folder: Path, criteria: Criteria | None = None) -> Criteria:
    """The criteria with the steps to the laboratory's scales that the returned values have taught.

    Parameters
    ----------
    criteria : None = those shipped

    Raises
    ------
    ParseError : the laboratory's calibration is damaged
    """
    rules = load_criteria() if criteria is None else criteria
    return replace(rules, laboratory=read_steps(laboratory_journal(run_folder.parent).folder))


def stored_ledger(
    candidate: CandidateRecord,
    result: Mapping[str, Any],
    *,
    role: Role | None,
    criteria: Criteria | None = None,
) -> GateLedger:
    """The ledger by what lies in a result alone: nothing is computed, so there are no levels by the maps to CV.

    Parameters
    ----------
    role : of the run, for criteria that do not name it

    Raises
    ------
    ParseError : a stored geometry is not of its molecule
    """
    rules = load_criteria() if criteria is None else criteria
    asked = criteria_of_role(candidate.role, roles={candidate.role: role} if role else {}, criteria=rules)
    return assess(_facts(candidate, result, _computed(result)), asked, criteria=rules)


def criteria_of_role(name: str, *, roles: Mapping[str, Role], criteria: Criteria) -> RoleCriteria:
    """The criteria of a role, else the windows that the run's own role file states; empty where neither knows it."""
    if name in criteria.roles:
        return criteria.role(name)
    if name not in roles:
        return RoleCriteria(name, "", ())
    role = roles[name]
    windows = tuple(
        WindowCriterion(
            item.key.name.replace("_", " "), item.key.name, (Limits(item.stated, scale=item.scale),), role.source
        )
        for item in role.windows
    )
    return RoleCriteria(name, role.description, windows)


def _ledger(
    run_folder: Path,
    candidate: CandidateRecord,
    result: Mapping[str, Any],
    *,
    roles: Mapping[str, Role],
    criteria: Criteria,
    measured: Sequence[Evidence],
) -> GateLedger:
    evidence, notes = run_evidence(run_folder, candidate, result)
    facts = _facts(candidate, result, [*measured, *evidence], notes=notes)
    return assess(facts, criteria_of_role(candidate.role, roles=roles, criteria=criteria), criteria=criteria)


def _facts(
    candidate: CandidateRecord, result: Mapping[str, Any], evidence: Sequence[Evidence], *, notes: Sequence[str] = ()
) -> CandidateFacts:
    return facts_of(
        candidate.id,
        candidate.smiles,
        evidence,
        predicted=predicted_evidence(candidate),
        structures=charged_structures(candidate.smiles, result.get("geometries", {})),
        notes=notes,
    )


def run_evidence(
    run_folder: Path, candidate: CandidateRecord, result: Mapping[str, Any]
) -> tuple[list[Evidence], tuple[str, ...]]:
    """Computed values of a candidate, those by the shipped maps among them, and what could not be had.

    Parameters
    ----------
    result : with ``values``, ``geometries`` and ``details``, as it lies in the store; may be empty
    """
    calibrated, notes = _calibrated(run_folder, candidate, result.get("geometries", {}))
    return [*_computed(result), *(replace(item, is_fallback=_is_fallback(result)) for item in calibrated)], notes


def _computed(result: Mapping[str, Any]) -> list[Evidence]:
    return evidence_of(result.get("values", {}), is_fallback=_is_fallback(result))


def _is_fallback(result: Mapping[str, Any]) -> bool:
    return result.get("details", {}).get("status") == _FALLBACK


def predicted_evidence(candidate: CandidateRecord) -> list[Evidence]:
    """What was predicted when the candidate was selected."""
    return [Evidence(PropertyKey.parse(key), value.mean, value.std) for key, value in candidate.predicted.items()]


def _calibrated(
    run_folder: Path, candidate: CandidateRecord, geometries: Mapping[str, str]
) -> tuple[list[Evidence], tuple[str, ...]]:
    """Levels by the shipped maps, or why there are none; the gates then rest on what else is known."""
    if "neutral" not in geometries:
        return [], ("not computed: no geometry, so no levels on the CV scale",)
    try:
        features = features_of_run(run_folder, {candidate.calculation_key: geometries["neutral"]})
    except ConvergenceError as error:
        return [], (f"no levels on the CV scale: {error}",)
    return cv_evidence(features[candidate.calculation_key], parse_smiles(candidate.smiles), role=candidate.role), ()
