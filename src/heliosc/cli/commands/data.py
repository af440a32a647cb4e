"""``heliosc data``: from public data sets and own files to one master table."""

from __future__ import annotations

import typer

from heliosc.cli.errors import ExplainingGroup

app = typer.Typer(
    cls=ExplainingGroup, no_args_is_help=True, help="Data sets into the master table: fetch, merge, audit, split."
)


@app.command()
def sources() -> None:
    """Not yet."""
