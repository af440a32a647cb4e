"""``heliosc qc``: the quantum-chemistry pipeline alone."""

from __future__ import annotations

import typer

from heliosc.cli.commands import calculations, parse_logs, queue
from heliosc.cli.commands.calibrate import calibrate

app = typer.Typer(no_args_is_help=True, help="Quantum chemistry alone: run calculations, export their results.")


@app.callback()
def commands() -> None:
    """Quantum chemistry alone: run calculations, export their results."""


_OWN = (calculations.run, calculations.export, calculations.levels, calculations.workflows)
for _command in (*_OWN, queue.status, queue.retry, queue.cancel, queue.repair, parse_logs.parse, calibrate):
    app.command()(_command)
