"""``heliosc dashboard``: look at a campaign in the browser while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heliosc.campaign.run_folder import find_run
from heliosc.cli.errors import messages
from heliosc.cli.options import RunId


def dashboard(
    name: RunId = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 = any that is free.")] = 8765,
) -> None:
    """Show a run in the browser, live and read-only, on this machine alone."""
    folder = find_run(runs, name)
    from heliosc.dashboard.server import serve
    from heliosc.dashboard.source import RunSource

    messages.print(f"Run {folder.id}, read-only. Ctrl-C ends the dashboard, not the run.")
    serve(
        RunSource(folder),
        port=port,
        on_ready=lambda address: messages.print(f"Dashboard: {address}", soft_wrap=True),
    )
