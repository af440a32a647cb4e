"""What a campaign remembers, and how it lies on disk.

A run folder holds::

    config.yaml            resolved configuration
    environment.json       versions, seeds, machine, hashes of the shipped data and weights
    state.json             where the campaign stands (round, stage)
    store.sqlite           every calculation, the only source of truth for computed values
    history.jsonl          one RoundRecord a line, written when a round is complete
    rounds/000/            proposals.csv, candidates.jsonl (one CandidateRecord a line), notes.json, pool.csv (scores),
                           promotions.jsonl (one PromotionRecord a line), surrogate/, generator/, diagnostics/
    candidates.csv         every computed candidate, best first
    report.html            written by ``heliosc report``
    handoff/               packages written by ``heliosc handoff``
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from heliosc.errors import ParseError

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class PredictedValue:
    """A prediction as it stood when the candidate was selected, in the unit of its key."""

    mean: float
    epistemic_std: float
    aleatoric_std: float

    @property
    def std(self) -> float:
        return float((self.epistemic_std**2 + self.aleatoric_std**2) ** 0.5)


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One selected candidate, from proposal to computed values.

    Attributes
    ----------
    id : ``<run id>-r<round>-<nn>``
    role : name of the role it was selected for
    source : ``jtvae`` (prior or conditional sample) or ``jtvae-neighbour`` (near a good known molecule)
    reason : why it was selected, in words and numbers
    predicted : ``name@level`` -> prediction before the calculation
    domain_distance : distance to what the surrogate learnt from, above 1 = outside its domain; None = not measured
    computed : ``name@level`` -> computed value; empty until computed; values of a better level stand beside them
    failure : ``{"error_class", "reason"}`` when the calculation failed, else None
    meets_window : verdict of the role's window on the computed values; None while a value is missing
    calculation_key : key of the task in the store
    """

    id: str
    smiles: str
    inchikey: str
    role: str
    round: int
    source: str
    score: float
    reason: str
    predicted: Mapping[str, PredictedValue]
    sa_score: float
    sa_score_core: float
    alerts: tuple[str, ...] = ()
    calculation_key: str = ""
    computed: Mapping[str, float] = field(default_factory=dict)
    failure: Mapping[str, str] | None = None
    meets_window: bool | None = None
    wall_time_s: float | None = None
    domain_distance: float | None = None


@dataclass(frozen=True, slots=True)
class PromotionRecord:
    """A candidate chosen for a calculation at a better level, and what came of it.

    Attributes
    ----------
    candidate : id; the candidate may be of an earlier round
    round : that chose it
    level : as configured, e.g. ``dft-fast``
    expected_gain : of the role's merit, what was paid for
    cost_s : expected price, core seconds
    cost_source : ``estimate``, or how many measured times it rests on
    reason : why it was chosen, in words and numbers
    calculation_key, computed, failure, wall_time_s : as of a candidate
    """

    candidate: str
    smiles: str
    role: str
    round: int
    level: str
    expected_gain: float
    cost_s: float
    cost_source: str
    reason: str
    calculation_key: str = ""
    computed: Mapping[str, float] = field(default_factory=dict)
    failure: Mapping[str, str] | None = None
    wall_time_s: float | None = None


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One finished round.

    Attributes
    ----------
    funnel : stage -> count, in order: sampled, valid, unique, novel, constraints, selected, computed, failed
    rejected : reason -> count of the proposals that constraints removed
    timing_s : stage -> wall seconds (generate, predict, select, compute, train)
    core_seconds : CPU seconds of the calculations
    hypervolume : role -> hypervolume of all computed candidates so far (role's objectives and reference point)
    hypervolume_random : role -> the same for an equal number of random library molecules (mean of seeds)
    window_share : role -> {"candidates": [met, judged], "library": [met, judged]}
    front_share : role -> share of the front of candidates and library together that is candidates
    surrogate_error : ``name@level`` -> {"mae", "coverage95", "n"} of this round's predictions against fresh values
    levels : level -> what was chosen at it and why, what came of it, what it cost; empty with one level
    """

    round: int
    funnel: Mapping[str, int]
    rejected: Mapping[str, int]
    timing_s: Mapping[str, float]
    core_seconds: float
    hypervolume: Mapping[str, float]
    hypervolume_random: Mapping[str, float]
    window_share: Mapping[str, Mapping[str, list[int]]]
    surrogate_error: Mapping[str, Mapping[str, float]]
    front_share: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def candidate_from_json(data: Mapping[str, Any]) -> CandidateRecord:
    """Inverse of ``dataclasses.asdict`` for a candidate."""
    fields = dict(data)
    fields["predicted"] = {key: PredictedValue(**value) for key, value in data["predicted"].items()}
    fields["alerts"] = tuple(data["alerts"])
    return CandidateRecord(**fields)


def to_json_line(record: CandidateRecord | PromotionRecord | RoundRecord) -> str:
    return json.dumps(asdict(record), sort_keys=True, allow_nan=False)


def read_json_lines(path: Path, build: Callable[[dict[str, Any]], Record]) -> list[Record]:
    """All records of a ``.jsonl`` file, each made from its line by ``build``.

    Raises
    ------
    ParseError : a line is not such a record; names file and line
    """
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            records.append(build(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ParseError(
                f"{path}, line {number}: not a record of this version ({error!r}); restore the file or remove it"
            ) from error
    return records


def read_candidates(run_folder: Path, *, before: int | None = None) -> list[CandidateRecord]:
    """Every candidate of a run, round by round; values of a better level stand beside those of the first.

    Parameters
    ----------
    before : only what rounds before this one chose and computed
    """
    better: dict[str, Mapping[str, float]] = {}
    for promotion in read_promotions(run_folder, before=before):
        better[promotion.candidate] = {**better.get(promotion.candidate, {}), **promotion.computed}
    return [
        replace(record, computed={**record.computed, **better[record.id]}) if better.get(record.id) else record
        for file in _files_of_rounds(run_folder, "candidates.jsonl", before)
        for record in read_json_lines(file, candidate_from_json)
    ]


def read_candidates_of_round(run_folder: Path, index: int) -> list[CandidateRecord]:
    """The candidates of one round as that round left them; none before it has selected."""
    file = run_folder / "rounds" / f"{index:03d}" / "candidates.jsonl"
    return read_json_lines(file, candidate_from_json) if file.exists() else []


def read_promotions(run_folder: Path, *, before: int | None = None) -> list[PromotionRecord]:
    """Every promotion of a run, round by round.

    Parameters
    ----------
    before : only those of rounds before this one
    """
    files = _files_of_rounds(run_folder, "promotions.jsonl", before)
    return [record for file in files for record in read_json_lines(file, lambda fields: PromotionRecord(**fields))]


def _files_of_rounds(run_folder: Path, name: str, before: int | None) -> list[Path]:
    files = sorted(run_folder.glob(f"rounds/[0-9]*/{name}"))
    return [file for file in files if before is None or int(file.parent.name) < before]


def read_history(run_folder: Path) -> list[RoundRecord]:
    """The finished rounds of a run; empty before the first is complete."""
    path = run_folder / "history.jsonl"
    return read_json_lines(path, lambda fields: RoundRecord(**fields)) if path.exists() else []


def format_lines(records: Iterable[CandidateRecord | PromotionRecord | RoundRecord]) -> str:
    return "".join(to_json_line(record) + "\n" for record in records)
