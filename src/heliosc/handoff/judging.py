"""What the candidates that leave are judged by: gate ledgers, device contexts, known materials beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heliosc.campaign.laboratory import outcomes_of_run
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.chemistry.identity import canonical_smiles
from heliosc.experiments.outcomes import MeasuredValue
from heliosc.handoff.device import run_device_contexts
from heliosc.handoff.package import PackageContext
from heliosc.handoff.promotion.criteria import Criteria
from heliosc.handoff.promotion.evidence import Evidence
from heliosc.handoff.promotion.runs import run_ledgers
from heliosc.handoff.ranking import promoted_first
from heliosc.selection.roles import Role


def package_context(
    run_folder: Path,
    candidates: Sequence[CandidateRecord],
    *,
    results: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Role],
    references: Mapping[str, Mapping[str, float]],
    criteria: Criteria | None = None,
) -> PackageContext:
    """Judge candidates by the criteria of promotion; values that the laboratory has returned count first.

    Parameters
    ----------
    results : calculation key -> four-point result
    references : known material -> ``name@level`` -> value computed the same way
    criteria : None = those shipped

    Raises
    ------
    ParseError : a stored geometry is not of its molecule, or the laboratory's journal is damaged
    """
    measured = measured_evidence(run_folder)
    return PackageContext(
        references=references,
        ledgers=run_ledgers(
            run_folder,
            candidates,
            results=results,
            roles=roles,
            criteria=criteria,
            measured=measured,
        ),
        devices=run_device_contexts(run_folder, candidates, results=results, criteria=criteria, measured=measured),
    )


def promotable_first(
    run_folder: Path,
    candidates: Sequence[CandidateRecord],
    *,
    results: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Role],
    criteria: Criteria | None = None,
) -> list[CandidateRecord]:
    """The candidates, promoted before held before rejected ones, in their order otherwise.

    Raises
    ------
    ParseError : as ``package_context``
    """
    measured = measured_evidence(run_folder)
    ledgers = run_ledgers(run_folder, candidates, results=results, roles=roles, criteria=criteria, measured=measured)
    return promoted_first(candidates, ledgers)


def measured_evidence(run_folder: Path) -> dict[str, list[Evidence]]:
    """Candidate id -> values that came back from the laboratory.

    Raises
    ------
    ParseError : the journal is damaged
    """
    proposed = {candidate.id: candidate.smiles for candidate in read_candidates(run_folder)}
    return {
        name: [
            Evidence(value.key, value.value, value.std, note=_how(value, proposed[name])) for value in outcome.measured
        ]
        for name, outcome in outcomes_of_run(run_folder).items()
        if outcome.measured
    }


def _how(value: MeasuredValue, proposed: str) -> str:
    """Conditions of a measured value, and the compound where it was made with other side chains."""
    other = "" if value.smiles == canonical_smiles(proposed) else f"measured on {value.smiles}"
    return "; ".join(part for part in (value.conditions, other) if part)
