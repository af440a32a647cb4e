"""The command line: ``heliosc COMMAND``. Each command is a thin function in ``heliosc.cli.commands``."""

from __future__ import annotations

from typing import Annotated

import typer

from heliosc import __version__
from heliosc.cli.commands import benchmark, data, experiments, model_folders, pipeline, qc, tracking, train
from heliosc.cli.commands.dashboard import dashboard
from heliosc.cli.commands.doctor import doctor
from heliosc.cli.commands.init import init
from heliosc.cli.commands.label import label
from heliosc.cli.commands.lineage import lineage
from heliosc.cli.commands.models import generate, predict
from heliosc.cli.commands.promote import promote
from heliosc.cli.commands.results import handoff, report, status
from heliosc.cli.commands.run import run
from heliosc.cli.commands.update import update
from heliosc.cli.errors import ExplainingGroup, Terminated, messages, raise_on_sigterm

app = typer.Typer(
    cls=ExplainingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Discover organic semiconductors: propose, predict, compute, learn, hand off.",
)
_COMMANDS = (
    init,
    run,
    status,
    dashboard,
    lineage,
    report,
    promote,
    handoff,
    generate,
    predict,
    label,
    update,
    doctor,
    benchmark.tune,
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(data.app, name="data")
app.add_typer(train.app, name="train")
app.add_typer(model_folders.app, name="models")
app.add_typer(qc.app, name="qc")
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(experiments.app, name="experiments")
app.add_typer(tracking.app, name="tracking")
app.add_typer(pipeline.app, name="pipeline")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"heliosc {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Options before the command."""


def main() -> None:
    """Entry point of the ``heliosc`` program."""
    raise_on_sigterm()
    try:
        app()
    except Terminated:  # before or after a command had the word
        messages.print("Terminated. Nothing is lost: the same command goes on from here.")
        raise SystemExit(143) from None
