"""``heliosc init``: a working folder with a commented configuration."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json
from heliosc.files import ensure_folder, write_atomically

CONFIG_FILE = Path("configs/heliosc.yaml")
FOLDERS = ("configs", "data", "models", "runs")
_STARTER = {CONFIG_FILE: "heliosc.yaml", Path(".gitignore"): "gitignore.txt"}


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to set up; made when absent.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a working folder: configs/heliosc.yaml, data/, models/, runs/. What is there already stays as it is."""
    written, kept = set_up(folder)
    if as_json:
        print_json({"folder": str(folder), "written": written, "kept": kept})
        return
    for name in kept:
        messages.print(f"{folder / name} is there already and stays as it is", markup=False)
    messages.print(
        f"{folder} is ready. Next:\n"
        + ("" if folder == Path() else f"  cd {folder}\n")
        + f"  heliosc doctor                          what is installed, what is missing\n"
        f"  heliosc run --config {CONFIG_FILE}   the campaign; the same command again resumes it\n"
        "  heliosc --install-completion            commands and options by the Tab key",
        markup=False,
        soft_wrap=True,
    )


def set_up(folder: Path) -> tuple[list[str], list[str]]:
    """Make folders and starter files; returns the names of the files written and of those that were there.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    ensure_folder(folder)
    for name in FOLDERS:
        ensure_folder(folder / name)
    written, kept = [], []
    for place, source in _STARTER.items():
        if (folder / place).exists():
            kept.append(str(place))
            continue
        write_atomically(folder / place, (files("heliosc.cli") / "starter" / source).read_text(encoding="utf-8"))
        written.append(str(place))
    return written, kept
