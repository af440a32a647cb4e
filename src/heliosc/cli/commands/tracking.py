"""``heliosc tracking``: what the journals hold, and sending it where it has not arrived."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_table
from heliosc.config import load_config
from heliosc.errors import HelioscError, InputError, TransientError, UsageError
from heliosc.secrets import without_passwords
from heliosc.tracking import Destination, Journal, destinations
from heliosc.tracking.journal import RUN_FILE, read_identity
from heliosc.tracking.sender import carry, n_unsent

app = typer.Typer(no_args_is_help=True, help="Journals of runs and trainings; send them to MLflow and TensorBoard.")

Folder = Annotated[Path, typer.Argument(help="Folder of a journal, or any folder that holds some.")]


@app.command("list")
def list_journals(
    folder: Folder = Path(), config: ConfigFile = None, override: Overrides = None, as_json: AsJson = False
) -> None:
    """List the journals below a folder, and how many entries have not arrived at the configured places."""
    places = destinations(load_config(config, override or ()).tracking)
    rows: list[dict[str, Any]] = []
    for journal in find_journals(folder):
        waiting = {place.label: n_unsent(journal, place.label) for place in places}
        row = {"run": journal.identity.name, "kind": journal.identity.kind, "entries": len(journal.entries())}
        rows.append({**row, "not_sent": waiting, "folder": str(journal.folder)})
    print_table(rows, title=f"journals in {folder}", as_json=as_json)


@app.command()
def send(
    folder: Folder = Path(), config: ConfigFile = None, override: Overrides = None, as_json: AsJson = False
) -> None:
    """Send what has not arrived, e.g. because the server was down; what arrived already is not sent again."""
    places = destinations(load_config(config, override or ()).tracking)
    if not places:
        raise UsageError(
            "no place to send to is configured; name one, e.g. -o tracking.mlflow=sqlite:///mlflow.db or "
            "-o tracking.tensorboard=runs/tensorboard"
        )
    at_once = threading.Event()
    at_once.set()
    rows: list[dict[str, Any]] = []
    lost: dict[str, str] = {}
    for journal in find_journals(folder):
        for place in places:
            n_new = n_unsent(journal, place.label)
            if n_new and place.label not in lost:
                messages.print(f"{journal.identity.name} -> {place.label}: {n_new} entries", markup=False)
                lost |= _send_one(journal, place, at_once)
            n_left = n_unsent(journal, place.label)
            rows.append({"run": journal.identity.name, "place": place.label, "sent": n_new - n_left, "left": n_left})
    print_table(rows, title="sent", as_json=as_json)
    if lost:
        raise TransientError(f"{'; '.join(lost.values())}. Nothing is lost: try again when it answers")


def _send_one(journal: Journal, place: Destination, at_once: threading.Event) -> dict[str, str]:
    """Send a journal to a place; label -> reason where the place failed.

    Raises
    ------
    HelioscError : the fault is here, e.g. MLflow is not installed
    """
    try:
        carry(journal, place, until=at_once)
    except HelioscError:
        raise
    except Exception as error:  # noqa: BLE001 - a place may fail in any way
        reason = without_passwords(next(iter(str(error).strip().splitlines()), ""))[:200]
        return {place.label: f"{place.label} cannot be reached ({type(error).__name__}: {reason})"}
    return {}


def find_journals(folder: Path) -> list[Journal]:
    """Journals in a folder or anywhere below it.

    Raises
    ------
    InputError : there is none
    """
    files = sorted(file for file in folder.rglob(RUN_FILE) if file.with_name("events.jsonl").exists())
    if not files:
        raise InputError(f"no journal in {folder}; `heliosc run` and `heliosc train` keep them")
    found = []
    for file in files:
        identity = read_identity(file.parent)
        found.append(Journal(file.parent, name=identity.name, kind=identity.kind))
    return found
