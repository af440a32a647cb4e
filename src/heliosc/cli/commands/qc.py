"""``heliosc qc``: the quantum-chemistry pipeline alone."""

from __future__ import annotations

import typer

from heliosc.cli.commands import parse_logs, queue

app = typer.Typer(no_args_is_help=True, help="Quantum chemistry alone: run calculations, export their results.")


@app.callback()
def commands() -> None:
    """Quantum chemistry alone: run calculations, export their results."""


for _command in (queue.status, queue.retry, queue.cancel, parse_logs.parse):
    app.command()(_command)
