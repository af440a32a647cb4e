"""The laboratory's book beside the runs: forms of any run come in, outcomes and corrections go out.

``<runs>/experiments/`` holds ``journal.jsonl`` (all that happened), ``returned/`` (the files as they came),
``calibration.json`` (from computed to measured) and ``laboratory.csv`` with ``laboratory.yaml`` (a source for
``heliosc data merge``). The last three are worked out from the journal and the runs at every import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import find_runs
from heliosc.chemistry.identity import canonical_smiles
from heliosc.errors import InputError
from heliosc.experiments.calibration import LaboratoryStep, computed_names, fit_steps, read_steps, write_steps
from heliosc.experiments.importing import ImportedForm, KnownCandidate, import_forms, set_state
from heliosc.experiments.journal import Journal
from heliosc.experiments.master_table import write_master_source
from heliosc.experiments.outcomes import MeasuredValue, Outcome, measured_values, outcomes
from heliosc.experiments.states import State, StateChange
from heliosc.properties import PropertyKey

LABORATORY_FOLDER = "experiments"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measured value beside what was predicted and computed for it; numbers in the unit of the measured key.

    Attributes
    ----------
    basis : property and level of ``predicted`` and ``computed``; None where there is nothing to compare with
    expected, expected_std : the computed value after the laboratory's own calibration; None without one
    """

    candidate_id: str
    measured: MeasuredValue
    basis: PropertyKey | None = None
    predicted: float | None = None
    predicted_std: float | None = None
    computed: float | None = None
    expected: float | None = None
    expected_std: float | None = None


def laboratory_journal(runs: Path) -> Journal:
    """The book of a folder of runs."""
    return Journal(runs / LABORATORY_FOLDER)


def import_returned(runs: Path, files: Sequence[Path], *, who: str) -> list[ImportedForm]:
    """Read returned forms of any run of the folder, and work out what follows from them.

    Raises
    ------
    InputError : a file is not there
    MissingDependencyError : openpyxl is needed and not installed
    ParseError : the journal or a run is damaged
    ResourceError : the folder cannot be written
    """
    known = {name: KnownCandidate(name, c.smiles, c.inchikey) for name, c in _candidates_of(runs).items()}
    found = import_forms(files, laboratory_journal(runs), known=known, who=who, when=_now())
    refresh(runs)
    return found


def change_state(runs: Path, candidate_id: str, state: State, *, who: str, why: str = "") -> StateChange:
    """Write down that a candidate has come into another state.

    Raises
    ------
    InputError : no such candidate, a state that may not follow, or nobody is named
    ResourceError : the folder cannot be written
    """
    if candidate_id not in _candidates_of(runs):
        raise InputError(f"no candidate {candidate_id!r} in the runs of {runs}; candidates.csv of each run lists them")
    return set_state(laboratory_journal(runs), candidate_id, state, who=who, when=_now(), why=why)


def refresh(runs: Path) -> tuple[LaboratoryStep, ...]:
    """Work out calibration and table anew from the journal; returns the calibration.

    Raises
    ------
    ParseError : the journal or a run is damaged
    ResourceError : the folder cannot be written
    """
    journal = laboratory_journal(runs)
    values = measured_values(journal.events())
    steps = fit_steps(values, _computed(_candidates_of(runs).values()))
    write_steps(journal.folder, steps)
    write_master_source(journal.folder, values)
    return steps


def outcomes_of_run(run_folder: Path) -> dict[str, Outcome]:
    """Candidate id -> outcome, for every candidate of a run; untouched ones are proposed.

    Raises
    ------
    ParseError : the journal or the run is damaged
    """
    events = laboratory_journal(run_folder.parent).events()
    return outcomes(events, [candidate.id for candidate in read_candidates(run_folder)])


def comparisons_of_run(run_folder: Path) -> list[Comparison]:
    """Predicted, computed and measured values side by side, candidate by candidate.

    Raises
    ------
    ParseError : the journal or the run is damaged
    """
    steps = {(s.measured, s.computed): s for s in read_steps(laboratory_journal(run_folder.parent).folder)}
    candidates = {candidate.id: candidate for candidate in read_candidates(run_folder)}
    return [
        row
        for name, outcome in outcomes_of_run(run_folder).items()
        for value in outcome.measured
        for row in _compared(candidates[name], value, steps)
    ]


def _compared(
    candidate: CandidateRecord,
    value: MeasuredValue,
    steps: Mapping[tuple[PropertyKey, PropertyKey], LaboratoryStep],
) -> list[Comparison]:
    """One row for each level of theory; values of a compound with other side chains stand alone."""
    is_same = value.smiles == canonical_smiles(candidate.smiles)
    names = sorted({*candidate.predicted, *candidate.computed}) if is_same else []
    bases = [key for key in map(PropertyKey.parse, names) if key.name in computed_names(value.key)]
    rows = [_row(candidate, value, base, steps.get((value.key, base))) for base in bases]
    return rows or [Comparison(candidate.id, value)]


def _row(
    candidate: CandidateRecord, value: MeasuredValue, base: PropertyKey, step: LaboratoryStep | None
) -> Comparison:
    prediction, computed = candidate.predicted.get(str(base)), candidate.computed.get(str(base))
    expected = None if step is None or computed is None else step.expected(computed)
    return Comparison(
        candidate.id, value, base, computed=computed,
        predicted=None if prediction is None else prediction.mean,
        predicted_std=None if prediction is None else prediction.std,
        expected=None if expected is None else expected[0],
        expected_std=None if expected is None else expected[1],
    )  # fmt: skip


def _candidates_of(runs: Path) -> dict[str, CandidateRecord]:
    return {candidate.id: candidate for run in find_runs(runs) for candidate in read_candidates(run.path)}


def _computed(candidates: Iterable[CandidateRecord]) -> dict[str, dict[str, float]]:
    computed: dict[str, dict[str, float]] = {}
    for candidate in candidates:
        if candidate.computed:
            computed.setdefault(canonical_smiles(candidate.smiles), {}).update(candidate.computed)
    return computed


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
