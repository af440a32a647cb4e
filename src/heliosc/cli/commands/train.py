"""``heliosc train surrogate`` and ``heliosc train generator``; a killed training resumes with the same command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heliosc.campaign.tracking import epoch_listener, track_model, training_tracker
from heliosc.campaign.training import (
    SplitName,
    TrainedSurrogate,
    checkpoint_folder,
    generator_data,
    surrogate_data,
    train_generator,
    train_surrogate,
)
from heliosc.cli.commands.generator_evaluation import evaluate_generator_from, print_generator_tables
from heliosc.cli.commands.geometry_prediction import tell_geometries
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json, results
from heliosc.config import Config, check_inputs, load_config
from heliosc.datasets.csv_source import QuarantinedRow
from heliosc.errors import UsageError
from heliosc.files import ensure_folder

app = typer.Typer(no_args_is_help=True, help="Train models; the same command resumes a killed training.")

Data = Annotated[Path | None, typer.Option(help="CSV with SMILES and NAME@LEVEL columns; none = the embedded library.")]
Out = Annotated[Path | None, typer.Option(help="Model folder to write.")]


class Model(StrEnum):
    """What is trained; see ``heliosc.campaign.geometry_training.MODELS`` for the last two."""

    mpnn = "mpnn"
    schnet = "schnet"
    schnet_ions = "schnet-ions"


@app.command()
def surrogate(
    data: Data = None,
    targets: Annotated[
        str | None, typer.Option(metavar="NAME@LEVEL,...", help="Columns to learn; none = all of the file.")
    ] = None,
    out: Out = None,
    delta_from: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="Also learn what this cheap level's columns get wrong, into OUT/delta."),
    ] = None,
    model: Annotated[
        Model, typer.Option(help="schnet reads GFN2-xTB geometries of the neutral, schnet-ions also of both ions.")
    ] = Model.mpnn,
    scaffold: Annotated[bool, typer.Option(help="Also train on a scaffold split, for its held-out figures.")] = False,
    config: ConfigFile = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Train the surrogate and print its held-out metrics; the MPNN's go, with figures, into OUT/report.html."""
    named = [] if targets is None else [f"surrogate.target_columns={_yaml_list(targets)}"]
    named += [] if delta_from is None else [f"surrogate.delta_level={json.dumps(delta_from)}"]
    settings = load_config(config, [*_with_paths("surrogate", override, data=data, out=out), *named])
    if model is Model.mpnn:
        train_surrogate_from(settings, with_scaffold=scaffold, as_json=as_json)
        return
    if scaffold or delta_from is not None:
        raise UsageError(f"--scaffold and --delta-from are for --model mpnn, not for {model.value}")
    train_schnet_from(settings, model=model.value, as_json=as_json)


@app.command()
def generator(
    data: Data = None,
    out: Out = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Do not train: evaluate the model in OUT; no --out = the shipped one.")
    ] = False,
    samples: Annotated[int, typer.Option(min=1, help="With --evaluate: molecules to draw.")] = 1_000,
    config: ConfigFile = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Train the JT-VAE and print held-out reconstruction, validity, uniqueness, novelty and distances to the data."""
    settings = load_config(config, _with_paths("generator", override, data=data, out=out))
    if evaluate:
        evaluate_generator_from(settings, folder=out, n_samples=samples, as_json=as_json)
        return
    train_generator_from(settings, as_json=as_json)


def train_surrogate_from(config: Config, *, with_scaffold: bool = False, as_json: bool = False) -> Path:
    """Train as configured, print the held-out figures, save the model and return its folder."""
    from heliosc.report.training_page import write_training_page  # loads torch and matplotlib
    from heliosc.surrogates.storage import refuse_foreign_place

    check_inputs(config)
    settings = config.surrogate
    refuse_foreign_place(settings.out)
    ensure_folder(settings.out.parent)
    data = surrogate_data(settings.data, targets=settings.target_columns, cheap_level=settings.delta_level)
    _tell_quarantined(data.quarantined)
    splits: tuple[SplitName, ...] = ("random", "scaffold") if with_scaffold else ("random",)
    trained: dict[SplitName, TrainedSurrogate] = {}
    with training_tracker(settings.out, config, kind="surrogate") as tracker:
        for split in splits:
            n_epochs = settings.n_members * settings.epochs * (1 if settings.delta_level is None else 2)
            with _training_progress(f"surrogate, {split} split", n_epochs) as show:
                hear = _both(show, epoch_listener(tracker, f"{split} split"))
                trained[split] = train_surrogate(data.table, config, progress=hear, split=split)
        documents = {f"{split} split": t.reports for split, t in trained.items()}
        ensemble = trained["random"].ensemble.with_metrics(documents)
        ensemble.save(settings.out)
        track_model(tracker, settings.out, documents, step=settings.epochs)
    delta = trained["random"].delta
    if delta is not None:
        delta.save(settings.out / "delta")
        n_left_out = len(data.table.smiles) - len(delta.cheap.smiles)
        if n_left_out:
            messages.print(f"{n_left_out} molecules without all values of {settings.delta_level} were left out")
    page = write_training_page(ensemble, settings.out, source=settings.data, set_aside=data.quarantined)
    shutil.rmtree(checkpoint_folder(settings.out), ignore_errors=True)
    if as_json:
        print_json(documents)
    else:
        _print_surrogate_tables(trained)
    messages.print(f"Saved in {settings.out}; the same with figures: {page}")
    return settings.out


def train_schnet_from(config: Config, *, model: str, as_json: bool = False) -> Path:
    """Optimise what has no geometry, train, print the held-out figures, save the model and return its folder."""
    from heliosc.campaign.geometry_training import train_schnet  # loads torch
    from heliosc.surrogates.evaluate import metrics_table
    from heliosc.surrogates.storage import refuse_foreign_place

    check_inputs(config)
    settings = config.surrogate
    refuse_foreign_place(settings.out)
    ensure_folder(settings.out.parent)
    data = surrogate_data(settings.data, targets=settings.target_columns)
    _tell_quarantined(data.quarantined)
    n = len(data.table.smiles)
    with training_tracker(settings.out, config, kind="surrogate") as tracker:
        with _training_progress(model, settings.n_members * settings.epochs) as show:
            trained = train_schnet(
                data.table,
                config,
                model=model,
                progress=_both(show, epoch_listener(tracker, model)),
                geometry_progress=lambda n_done: tell_geometries(n_done, n),
            )
        for entry in trained.missing:
            messages.print(f"left out: {entry}", markup=False, soft_wrap=True)
        trained.ensemble.save(settings.out)
        track_model(tracker, settings.out, trained.ensemble.metrics, step=settings.epochs)
    shutil.rmtree(checkpoint_folder(settings.out), ignore_errors=True)
    report = trained.ensemble.metrics["test"]
    if as_json:
        print_json(report)
    else:
        results.print(metrics_table(report, title="Held-out metrics, random split"))
    messages.print(f"Saved in {settings.out}")
    return settings.out


def train_generator_from(config: Config, *, as_json: bool = False) -> Path:
    """Train as configured, print the held-out figures, save the model and return its folder."""
    from heliosc.generation.jtvae.io import refuse_foreign_place  # loads torch

    check_inputs(config)
    settings = config.generator
    refuse_foreign_place(settings.out)
    ensure_folder(settings.out.parent)
    data = generator_data(settings.data)
    _tell_quarantined(data.quarantined)
    with training_tracker(settings.out, config, kind="generator") as tracker:
        with _training_progress("generator", settings.epochs) as show:
            model = train_generator(data, config, progress=_both(show, epoch_listener(tracker, "generator")))
        model.save(settings.out)
        track_model(tracker, settings.out, model.metrics, step=settings.epochs)
    _discard_state(checkpoint_folder(settings.out))
    for cause, n in model.metrics["left_out"].items():
        messages.print(f"left out: {n} molecules, {cause}", markup=False)
    if as_json:
        print_json(model.metrics)
    else:
        print_generator_tables(model.metrics)
    messages.print(f"Saved in {settings.out}")
    return settings.out


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    """A listener that tells two."""

    def tell(report: Any) -> None:
        first(report)
        second(report)

    return tell


def _discard_state(folder: Path) -> None:
    """Remove the state of a finished training; the prepared molecules stay for the next one on the same table."""
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()


def _with_paths(section: str, overrides: list[str] | None, **paths: Path | None) -> list[str]:
    given = [f"{section}.{name}={path}" for name, path in paths.items() if path is not None]
    return [*(overrides or ()), *given]


def _yaml_list(text: str) -> str:
    """Comma-separated names as a YAML list; levels of theory hold no commas."""
    return json.dumps([name.strip() for name in text.split(",") if name.strip()])


def _tell_quarantined(rows: Sequence[QuarantinedRow]) -> None:
    for row in rows:
        messages.print(f"row {row.row} set aside: {row.reason}; {row.next_step}", markup=False)


def _print_surrogate_tables(trained: dict[SplitName, TrainedSurrogate]) -> None:
    from heliosc.surrogates.evaluate import metrics_table

    for split, outcome in trained.items():
        for subset, report in outcome.reports["mpnn"].items():
            if report:
                title = f"Held-out metrics, {split} split, {subset} molecules"
                baselines = {name: r[subset] for name, r in outcome.reports.items() if name != "mpnn"}
                results.print(metrics_table(report, baselines=baselines, title=title))


@contextmanager
def _training_progress(title: str, total: int) -> Iterator[Callable[[Any], None]]:
    """A bar on a terminal, a line every tenth of the way elsewhere."""
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        task = bars.add_task(title, total=total)
        seen = 0

        def show(report: Any) -> None:
            nonlocal seen
            seen += 1
            bars.advance(task)
            if not messages.is_terminal and seen * 10 // total > (seen - 1) * 10 // total:
                messages.print(f"{title}: {seen}/{total} epochs  {report}", markup=False, soft_wrap=True)

        yield show
