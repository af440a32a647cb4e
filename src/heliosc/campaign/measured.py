"""What the laboratory measured of a run's candidates, as a campaign learns from it and judges by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from heliosc.campaign.laboratory import outcomes_of_run
from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.identity import canonical_smiles
from heliosc.experiments.outcomes import MeasuredValue
from heliosc.properties import PropertyKey

Measured = Mapping[str, Mapping[str, float]]
"""Candidate id -> ``name@level`` -> measured value."""


def measured_of_run(run_folder: Path, candidates: Sequence[CandidateRecord], keys: Collection[PropertyKey]) -> Measured:
    """Measured values of some properties; each keeps its level, so it never stands for a computed one.

    A compound with other side chains than the candidate's is left out. Of values under several conditions that with
    the most replicates counts.

    Raises
    ------
    ParseError : the laboratory's journal is damaged
    """
    outcomes, found = outcomes_of_run(run_folder), {}
    for candidate in candidates:
        smiles = canonical_smiles(candidate.smiles)
        outcome = outcomes.get(candidate.id)
        values = (
            [value for value in outcome.measured if value.smiles == smiles and value.key in keys] if outcome else []
        )
        if values:
            found[candidate.id] = _by_key(values)
    return found


def with_measured(candidates: Sequence[CandidateRecord], measured: Measured) -> list[CandidateRecord]:
    """Candidates with measured values beside the computed ones."""
    return [
        replace(record, computed={**record.computed, **measured[record.id]}) if record.id in measured else record
        for record in candidates
    ]


def measured_digest(measured: Measured) -> str:
    """What was known of the laboratory; "" = nothing."""
    if not measured:
        return ""
    return hashlib.sha256(json.dumps(measured, sort_keys=True).encode()).hexdigest()[:16]


def _by_key(values: Sequence[MeasuredValue]) -> dict[str, float]:
    return {str(value.key): value.value for value in sorted(values, key=lambda value: value.n)}
