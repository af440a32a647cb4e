"""``heliosc benchmark al`` and ``heliosc tune``: ways of choosing, replayed on a pool whose every value is known."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json, print_table
from heliosc.config import Config, load_config
from heliosc.errors import UsageError
from heliosc.files import write_atomically

if TYPE_CHECKING:
    from heliosc.campaign.retrospective import Task

app = typer.Typer(no_args_is_help=True, help="Measure ways of working on data whose every answer is known.")

PoolFile = Annotated[Path, typer.Option("--pool", help="CSV with a SMILES column and numeric columns, all labelled.")]
Objectives = Annotated[
    list[str], typer.Option("--objective", help="'maximise A - 2*B' or 'minimise A'; give it again for more.")
]
Windows = Annotated[list[str] | None, typer.Option("--within", help="'COLUMN in LOWER:UPPER' that must be met.")]
Exact = Annotated[
    list[str] | None,
    typer.Option("--exact", help="Column that follows from the structure (an SA score): known, not learnt."),
]
Derived = Annotated[
    list[str] | None,
    typer.Option("--derived", help="'PCE from GAP, LUMO': predicted through what the same calculation gives."),
]
Batch = Annotated[float, typer.Option(help="Share of the pool in each batch, the first included.")]
Labelled = Annotated[float, typer.Option(help="Share of the pool labelled at the end.")]


@app.command("al")
def active_learning(
    pool: PoolFile,
    objective: Objectives,
    within: Windows = None,
    exact: Exact = None,
    derived: Derived = None,
    acquisition: Annotated[list[str] | None, typer.Option(help="One or more; none = the default.")] = None,
    model: Annotated[str, typer.Option(help="trees, or forest (the reference).")] = "trees",
    beta: Annotated[float, typer.Option(min=0, help="Standard deviations of optimism.")] = 1.5,
    max_similarity: Annotated[float, typer.Option(help="Tanimoto cap within a batch, 1 = none.")] = 1.0,
    diversity: Annotated[
        float, typer.Option(help="0 follows the ranking, 1 takes what is least like the batch.")
    ] = 0.0,
    weight: Annotated[list[float] | None, typer.Option(help="Of each objective in turn; none = all alike.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Campaigns of each arm.")] = 5,
    batch: Batch = 0.01,
    labelled: Labelled = 0.10,
    out: Annotated[Path, typer.Option(help="Folder for replays.json, results.json and the plot.")] = Path("benchmark"),
    as_json: AsJson = False,
) -> None:
    """Replay campaigns beside random, greedy and forest-UCB. The same command again goes on where it was."""
    from heliosc.campaign.retrospective import BASELINES, DEFAULT_ARM, replay_all, summarise
    from heliosc.report.retrospective import draw_curves

    task = _task(pool, objective, within, exact, derived, batch=batch, labelled=labelled)
    arms = [
        replace(
            DEFAULT_ARM,
            name=f"{model}-{name}",
            model=model,
            acquisition=name,
            beta=beta,
            max_similarity=max_similarity,
            diversity=diversity,
            weights=tuple(weight or ()),
        )
        for name in acquisition or [DEFAULT_ARM.acquisition]
    ]
    curves = replay_all(
        task, [*arms, *BASELINES], seeds=range(seeds), file=out / "replays.json", progress=messages.print
    )
    rows = summarise(curves, at=sorted({labelled / 2, labelled}))
    write_atomically(out / "results.json", json.dumps(_results(task, rows, curves), indent=1) + "\n")
    draw_curves(curves, out / "curves.svg", title="; ".join(objective))
    if as_json:
        print_json(rows)
    else:
        print_table(rows, title=f"{pool.name}: {'; '.join(objective)}", as_json=False)
    messages.print(f"results and plot in {out}")


def tune(
    pool: Annotated[
        Path | None, typer.Option(help="CSV with a SMILES column and numeric columns, all labelled.")
    ] = None,
    objective: Annotated[
        list[str] | None, typer.Option(help="'maximise A - 2*B' or 'minimise A'; give it again for more.")
    ] = None,
    assembly: Annotated[
        str | None, typer.Option(metavar="ROLE", help="Search how the generator puts molecules together, for a role.")
    ] = None,
    within: Windows = None,
    exact: Exact = None,
    derived: Derived = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings tried, those of earlier calls included.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="Campaigns of each setting.")] = 1,
    batch: Batch = 0.01,
    labelled: Labelled = 0.05,
    model: Annotated[str, typer.Option(help="trees, or forest.")] = "trees",
    seed: Annotated[int, typer.Option(help="Of the search.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for replays.json and tuning.json.")] = Path("tuning"),
    config: ConfigFile = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Search acquisition, optimism, weights and diversity on a labelled pool, or with --assembly the generator's
    settings. The same search on a pool goes on where it was."""
    from heliosc.campaign.retrospective.tuning import tune_arm

    if assembly is not None:
        if pool is not None or objective:
            raise UsageError("--assembly generates molecules and has no meaning with --pool and --objective")
        _tune_assembly(
            assembly, load_config(config, override or ()), trials=trials, seed=seed, out=out, as_json=as_json
        )
        return
    if pool is None or not objective:
        raise UsageError("nothing to search on; give --pool FILE with --objective, or --assembly ROLE")
    task = _task(pool, objective, within, exact, derived, batch=batch, labelled=labelled)
    found = tune_arm(
        task, n_trials=trials, n_seeds=seeds, model=model, seed=seed, file=out / "replays.json", progress=messages.print
    )
    rows = [
        {
            "score": trial.score, **trial.arm.settings(), "diversity": trial.arm.diversity,
            "weights": ", ".join(f"{weight:g}" for weight in trial.arm.weights) or "1",
        }
        for trial in found
    ]  # fmt: skip
    write_atomically(out / "tuning.json", json.dumps(rows, indent=1) + "\n")
    print_table(rows, title=f"{pool.name}: best first", as_json=as_json)


def _tune_assembly(role: str, config: Config, *, trials: int, seed: int, out: Path, as_json: bool) -> None:
    from heliosc.campaign.assembly_tuning import tune_assembly

    found = tune_assembly(config, role, n_trials=trials, seed=seed, progress=messages.print)
    rows = [{"score": trial.score, "usable": trial.n_usable, **trial.settings} for trial in found]
    write_atomically(out / "assembly.json", json.dumps(rows, indent=1) + "\n")
    print_table(rows, title=f"{role}: best first", as_json=as_json)


def _task(
    pool: Path,
    objective: list[str],
    within: list[str] | None,
    exact: list[str] | None,
    derived: list[str] | None,
    *,
    batch: float,
    labelled: float,
) -> Task:
    """What the options ask for.

    Raises
    ------
    InputError, UsageError : a column that the file does not have
    """
    from heliosc.campaign.retrospective import Task, parse_derivation, parse_objective, parse_window, read_pool

    found = read_pool(pool)
    names = frozenset(found.columns)
    if unknown := sorted(set(exact or ()) - names):
        raise UsageError(f"--exact: no numeric column {', '.join(unknown)}; there are {', '.join(sorted(names))}")
    return Task(
        found,
        tuple(parse_objective(text, names) for text in objective),
        dict(parse_window(text, names) for text in within or ()),
        frozenset(exact or ()),
        dict(parse_derivation(text, names) for text in derived or ()),
        batch_share=batch,
        labelled_share=labelled,
    )


def _results(task: Task, rows: list[dict[str, Any]], curves: Any) -> dict[str, Any]:
    return {
        "pool": task.pool.digest,
        "molecules": len(task.pool.smiles),
        "left_out": dict(task.pool.left_out),
        "objectives": [objective.text for objective in task.objectives],
        "summary": rows,
        "curves": [asdict(curve) for curve in curves],
    }
