"""``heliosc data verify``: are the files what their manifests say?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.cli.options import AsJson
from heliosc.cli.output import print_table
from heliosc.errors import PartialResultError


def verify(
    folder: Annotated[Path, typer.Argument(help="A folder with manifests, at any depth.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Compare files with the hashes in manifest.sha256: those of rounds of a run, and of the data after an update."""
    from heliosc.campaign.manifest import find_manifests
    from heliosc.campaign.manifest import verify as verify_folder

    verdicts = [verify_folder(place) for place in find_manifests(folder)]
    rows: list[dict[str, Any]] = [
        {
            "folder": str(verdict.folder),
            "files": verdict.n_files,
            "intact": verdict.is_intact,
            "changed": list(verdict.changed),
            "missing": list(verdict.missing),
            "new": list(verdict.new),
        }
        for verdict in verdicts
    ]
    print_table(rows, title="manifests", as_json=as_json)
    broken = [str(verdict.folder) for verdict in verdicts if not verdict.is_intact]
    if broken:
        raise PartialResultError(
            f"files are not what they were in {', '.join(broken)}; take them from a backup or `dvc checkout`, or, if "
            "the change was meant, run the command that writes them again"
        )
