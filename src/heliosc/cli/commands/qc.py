"""``heliosc qc``: the quantum-chemistry pipeline alone."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Quantum chemistry alone: run calculations, export their results.")


@app.callback()
def commands() -> None:
    """Quantum chemistry alone: run calculations, export their results."""
