"""``heliosc experiments``: what the laboratory says of the candidates, beside what was predicted and computed."""

from __future__ import annotations

import getpass
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, RunId
from heliosc.cli.output import print_json, print_table

app = typer.Typer(help="Outcomes from the laboratory: states, returned forms, measured values.")

Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")]
Who = Annotated[str | None, typer.Option("--by", help="Who says so; none = your login name.")]
_RUNS = Path("runs")


@app.callback(invoke_without_command=True)
def experiments(ctx: typer.Context, name: RunId = None, runs: Runs = _RUNS, as_json: AsJson = False) -> None:
    """Show states and measured values of a run beside predicted and computed ones."""
    if ctx.invoked_subcommand is None:
        show_outcomes(runs, name, as_json=as_json)


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Returned forms: XLSX, CSV or .eln.")],
    runs: Runs = _RUNS,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Read returned forms; the same form twice counts once."""
    from heliosc.campaign.laboratory import import_returned

    found = import_returned(runs, files, who=who or getpass.getuser())
    rows = [asdict(form) for form in found]
    if as_json:
        print_json({"forms": rows, "refused_answers": _refused(runs)})
        return
    print_table(rows, title=f"{len(found)} forms from {len(files)} files", as_json=False)
    counts = Counter(form.status for form in found)
    messages.print(", ".join(f"{n} {status}" for status, n in sorted(counts.items())), markup=False)
    refused = _refused(runs)
    if refused:
        print_table(refused, title="Answers set aside: correct them in the form and import it again", as_json=False)
    messages.print("The next `heliosc update` learns from what is new.", markup=False)


@app.command("set")
def set_candidate_state(
    candidate: Annotated[str, typer.Argument(metavar="ID", help="Candidate.")],
    state: Annotated[str, typer.Argument(help="approved, ordered, made, failed, measured or abandoned.")],
    why: Annotated[str, typer.Option("--why", help="Reason, kept with the state.")] = "",
    runs: Runs = _RUNS,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Write down that a candidate was approved, ordered, made, abandoned, ..."""
    from heliosc.campaign.laboratory import change_state
    from heliosc.experiments.states import parse_state

    change = change_state(runs, candidate, parse_state(state), who=who or getpass.getuser(), why=why)
    print_json(asdict(change)) if as_json else messages.print(
        f"{candidate} is {change.state.value} (by {change.who})", markup=False
    )


def show_outcomes(runs: Path, name: str | None, *, as_json: bool) -> None:
    """Print outcomes and comparisons of a run.

    Raises
    ------
    InputError : no such run
    """
    from heliosc.campaign.laboratory import comparisons_of_run, outcomes_of_run
    from heliosc.campaign.run_folder import find_run

    folder = find_run(runs, name)
    found, compared = outcomes_of_run(folder.path), [_comparison(row) for row in comparisons_of_run(folder.path)]
    touched = [_outcome(outcome) for outcome in found.values() if outcome.history or outcome.forms]
    if as_json:
        print_json(
            {
                "run": folder.id,
                "outcomes": [{**_outcome(o), "history": [asdict(c) for c in o.history]} for o in found.values()],
                "comparisons": compared,
            }
        )
        return
    if not touched:
        messages.print(
            f"Run {folder.id}: nothing from the laboratory yet. Hand candidates over with `heliosc handoff`, then "
            "`heliosc experiments import FORM`.",
            markup=False,
        )
        return
    print_table(touched, title=f"Laboratory, run {folder.id}", as_json=False)
    if compared:
        print_table(compared, title="Predicted, computed, measured", as_json=False)


def _outcome(outcome: Any) -> dict[str, Any]:
    last = outcome.history[-1] if outcome.history else None
    return {
        "candidate": outcome.candidate_id,
        "state": outcome.state.value,
        "since": last.when if last else None,
        "by": last.who if last else None,
        "forms": len(outcome.forms),
        "values": len(outcome.measured),
        "remark": "; ".join(outcome.failure_reasons) or (last.why if last else None),
    }


def _comparison(row: Any) -> dict[str, Any]:
    measured = row.measured
    return {
        "candidate": row.candidate_id,
        "measured": str(measured.key),
        "value": measured.value,
        "std": measured.std,
        "n": measured.n,
        "unit": measured.key.unit,
        "conditions": measured.conditions,
        "compared_with": str(row.basis) if row.basis else None,
        "predicted": row.predicted,
        "predicted_std": row.predicted_std,
        "computed": row.computed,
        "expected_by_calibration": row.expected,
        "expected_std": row.expected_std,
    }


def _refused(runs: Path) -> list[dict[str, Any]]:
    from heliosc.campaign.laboratory import laboratory_journal
    from heliosc.experiments.importing import refused_answers

    return [
        {"form": event.origin, "candidate": event.candidate_id, "field": field, "answer": text, "reason": reason}
        for event, field, text, reason in refused_answers(laboratory_journal(runs).events())
    ]
