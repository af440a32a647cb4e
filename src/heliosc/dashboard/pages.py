"""What each page shows; the templates only lay it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from heliosc.campaign.drift import find_drift
from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.run_folder import Stage
from heliosc.dashboard import figures
from heliosc.dashboard.gates import entry_cells, judged_candidates
from heliosc.dashboard.laboratory import measured_rows, read_laboratory
from heliosc.dashboard.source import RunSource
from heliosc.errors import InputError
from heliosc.handoff.labels import number, ordered_keys, symbol, unit, words
from heliosc.report import illustrations, sections, tables
from heliosc.report.pictures import figure_picture
from heliosc.report.run_view import RunView
from heliosc.report.tables import ValueTable

MENU = (
    ("overview", "Overview"),
    ("queue", "Queue"),
    ("front", "Pareto front"),
    ("candidates", "Candidates"),
    ("gates", "Gates"),
    ("models", "Models"),
    ("laboratory", "Laboratory"),
)
STATES = ("neutral", "cation", "anion")
_STAGES = (Stage.PROPOSE, Stage.SELECT, Stage.COMPUTE, Stage.LEARN)


def overview(source: RunSource) -> dict[str, Any]:
    """Where the campaign stands."""
    run = source.run()
    return {
        "run": run,
        "tiles": sections.tiles(run),
        "progress": _progress(run),
        "funnel_picture": illustrations.funnel_picture(run),
        "pictures": [
            picture for name in run.role_names if (picture := illustrations.hypervolume_picture(run, name)) is not None
        ],
        "next_steps": sections.next_steps(run),
    }


def queue(source: RunSource) -> dict[str, Any]:
    """The calculations: how many in each state, what is running, why some failed, what it cost."""
    found = source.queue()
    if found is None:
        return {"queue": None}
    summary, now = found.summary, time.time()
    by_smiles = {candidate.smiles: candidate for candidate in source.run().candidates}
    running = [
        {
            "candidate": by_smiles.get(found.smiles[task.key]),
            "smiles": found.smiles[task.key],
            "attempt": task.attempt,
            "for": sections.duration(now - task.started_at),
            "where": task.job or f"driver {task.worker_id}",
        }
        for task in summary.running
    ]
    failed = [
        {"candidate": by_smiles.get(found.smiles[f.key]), "smiles": found.smiles[f.key], "failure": f}
        for f in found.failures
    ]
    return {
        "queue": summary,
        "running": running,
        "failed": failed,
        "left": "unknown" if summary.eta_s is None else sections.duration(summary.eta_s),
        "looked": datetime.now(tz=UTC).strftime("%H:%M:%S UTC"),
    }


def front(source: RunSource) -> dict[str, Any]:
    """The front of every role, each point a link, and its members as a list."""
    run = source.run()
    blocks = []
    for name in run.role_names:
        role = run.roles.get(name)
        if role is None:
            continue
        mine = run.of_role(name)
        members = [(member, sections.draw(member), _front_values(run, member)) for member in
                   figures.front_members(role, mine)]  # fmt: skip
        drawing = figures.linked_front(role, mine, library=run.library)
        blocks.append({"role": role, "drawing": drawing, "members": members})
    return {"blocks": blocks}


def candidates(source: RunSource) -> dict[str, Any]:
    """The list of the report, each id a link."""
    run = source.run()
    return {"run": run, **sections.candidate_list(run), "has_pages": True}


def molecule(source: RunSource, candidate_id: str) -> dict[str, Any]:
    """Everything about one candidate.

    Raises
    ------
    InputError : the run has no such candidate
    """
    run = source.run()
    candidate = _candidate(run, candidate_id)
    ledger = judged_candidates(source, [candidate]).ledgers.get(candidate.id)
    laboratory = read_laboratory(source, [candidate])
    return {
        "run": run,
        "candidate": candidate,
        "picture": sections.draw(candidate),
        "values": _value_table(candidate),
        "verdict": sections.verdict_of(candidate),
        "states": [state for state in STATES if state in _geometries(source, candidate)],
        "ledger": ledger,
        "entries": [(entry, entry_cells(entry)) for entry in ledger.entries] if ledger else [],
        "attempts": source.attempts(candidate),
        "duration": sections.duration,
        "outcome": laboratory.touched[0][1] if laboratory.touched else None,
        "measured": [row for touched in laboratory.touched for row in measured_rows(*touched)],
    }


def gates(source: RunSource) -> dict[str, Any]:
    """The gate ledger of every candidate that was judged."""
    run = source.run()
    judged = judged_candidates(source, run.candidates)
    named = {candidate.id: candidate for candidate in run.candidates}
    rows = [
        (named[name], ledger, [(entry, entry_cells(entry)) for entry in ledger.entries])
        for name, ledger in judged.ledgers.items()
    ]
    order = ("promoted", "held", "rejected")
    rows.sort(key=lambda row: (order.index(row[1].decision.value), row[0].id))
    counts = {name: sum(ledger.decision.value == name for _, ledger, _ in rows) for name in order}
    return {"run": run, "rows": rows, "counts": counts, "n_waiting": judged.n_waiting}


def models(source: RunSource) -> dict[str, Any]:
    """Whether the surrogate still keeps its promises."""
    run = source.run()
    drifts = [(record.round, drift) for record in run.history for drift in find_drift(record.surrogate_error)]
    coverage = [record for record in run.history if record.surrogate_error]
    return {
        "drifts": drifts,
        "n_rounds": len(coverage),
        "coverage_picture": figure_picture(
            figures.coverage_figure(coverage),
            alt=f"Share of fresh values inside their 95 % interval over {len(coverage)} rounds; numbers in the table",
            caption="Thin: one property. Thick: all of them. Dashed: what a calibrated surrogate keeps.",
        )
        if coverage
        else None,
        "calibration_picture": illustrations.calibration_picture(run),
        "parity_pictures": illustrations.parity_pictures(run),
        "surrogate_table": tables.surrogate_table(run),
        "metric_tables": tables.metric_tables(run),
    }


def laboratory(source: RunSource) -> dict[str, Any]:
    """What was approved, made and measured, and why some attempts failed."""
    run = source.run()
    found = read_laboratory(source, run.candidates)
    rows = [(candidate, outcome, measured_rows(candidate, outcome)) for candidate, outcome in found.touched]
    return {"rows": rows, "problems": found.problems, "folder": source.journal.path, "run": run}


def geometry(source: RunSource, candidate_id: str, state: str) -> str:
    """XYZ text of an optimised geometry.

    Raises
    ------
    InputError : no such candidate, or no geometry of this charge state
    """
    candidate = _candidate(source.run(), candidate_id)
    found = _geometries(source, candidate)
    if state not in found:
        raise InputError(f"{candidate_id} has no {state} geometry; there are: {', '.join(found) or 'none yet'}")
    return found[state]


PAGES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "overview": overview,
    "queue": queue,
    "front": front,
    "candidates": candidates,
    "molecule": molecule,
    "gates": gates,
    "models": models,
    "laboratory": laboratory,
}


def _candidate(run: RunView, candidate_id: str) -> CandidateRecord:
    for candidate in run.candidates:
        if candidate.id == candidate_id:
            return candidate
    raise InputError(f"run {run.id} has no candidate {candidate_id!r}; all are on the page Candidates")


def _geometries(source: RunSource, candidate: CandidateRecord) -> Mapping[str, str]:
    """Charge state -> XYZ text, as far as there are any."""
    result = source.results([candidate]).get(candidate.calculation_key) or {}
    found: Mapping[str, str] = result.get("geometries", {})
    return found


def _front_values(run: RunView, candidate: CandidateRecord) -> str:
    """The two objectives of a member in words."""
    role = run.roles[candidate.role]
    values = [(item.key, illustrations.objective_value(candidate, item)) for item in role.objectives[:2]]
    return ", ".join(f"{symbol(key)} {number(key, value)} {unit(key)}".strip() for key, value in values)


def _value_table(candidate: CandidateRecord) -> ValueTable:
    """Computed beside predicted, a row a property and level."""
    rows = []
    for key in ordered_keys({**candidate.predicted, **candidate.computed}):
        prediction = candidate.predicted.get(str(key))
        computed = candidate.computed.get(str(key))
        numbers = (computed, prediction.mean, prediction.std) if prediction else (computed, None, None)
        rows.append((f"{words(key)} {symbol(key)}", key.level, unit(key), *(str(number(key, n)) for n in numbers)))
    header = ("Property", "Level", "Unit", "Computed", "Predicted before", "± std")
    return ValueTable(f"Values of {candidate.id}", header, rows)


def _progress(run: RunView) -> list[tuple[str, str]]:
    """The stages of the present round and how they stand: done, now or later."""
    if run.is_finished:
        return [(stage.value, "done") for stage in _STAGES]
    now = _STAGES.index(run.state.stage)
    return [
        (stage.value, "done" if place < now else "now" if place == now else "later")
        for place, stage in enumerate(_STAGES)
    ]
