"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

ConfigFile = Annotated[Optional[Path], typer.Option("--config", "-c", help="YAML file; see configs/.")]
Overrides = Annotated[
    Optional[list[str]], typer.Option("--override", "-o", metavar="KEY=VALUE", help="Set one key, e.g. campaign.rounds=2.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
RunId = Annotated[Optional[str], typer.Option("--id", help="Name of the run; none = the newest.")]
