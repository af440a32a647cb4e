"""``heliosc label``: four-point quantum chemistry for a list of molecules, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.campaign.calculations import Submission, n_workers, read_outcome, run_calculations
from heliosc.campaign.cost_estimate import estimate_tasks
from heliosc.campaign.workflows import submit_calculations
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json
from heliosc.cli.progress import calculation_progress
from heliosc.config import Config, load_config
from heliosc.errors import InputError, PartialResultError
from heliosc.execution import QCResultStore
from heliosc.properties import CalculationFailure, CalculationResult


def label(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV with a SMILES column or a list of SMILES; none = the embedded library."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for labels, geometries and failures.")] = Path("labels"),
    store: Annotated[
        str | None,
        typer.Option(help="Store file or postgresql:// URL; none = the configured one, else OUT/store.sqlite."),
    ] = None,
    config: ConfigFile = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Compute IE, EA, reorganisation energies and more. The same command again goes on where it was."""
    settings = load_config(config, override or ())
    location = store or settings.execution.store or out / "store.sqlite"
    molecules, n_unreadable = read_molecules(file)
    summary = label_molecules(molecules, settings, out=out, location=location)
    if as_json:
        print_json(summary)
    messages.print(f"{summary['done']} labelled, {summary['failed']} failed; results in {out}")
    if summary["failed"]:
        raise PartialResultError(f"{summary['failed']} molecules have no result; reasons in {out / 'failures.csv'}")
    refuse_to_hide(n_unreadable, file)


def read_molecules(file: Path | None) -> tuple[list[str], int]:
    """SMILES of a file, or of the embedded library, and how many rows were reported and left out.

    Raises
    ------
    InputError : the file is unusable, or no row of it is readable
    """
    from heliosc.datasets.csv_source import read_smiles
    from heliosc.datasets.library.load import library_smiles

    if file is None:
        return library_smiles(), 0
    molecules, quarantined = read_smiles(file)
    if not molecules and not quarantined:
        raise InputError(f"{file} has no rows; expected one molecule a row below the header")
    if not molecules:
        raise InputError(f"{file} has no readable molecule; row {quarantined[0].row}: {quarantined[0].reason}")
    for row in quarantined:
        messages.print(f"{file}, row {row.row} left out: {row.reason}; {row.next_step}", markup=False, soft_wrap=True)
    return molecules, len(quarantined)


def refuse_to_hide(n_unreadable: int, file: Path | None) -> None:
    """End with the exit code of an incomplete result when rows had to be left out.

    Raises
    ------
    PartialResultError : at least one row was unreadable
    """
    if n_unreadable:
        raise PartialResultError(f"{n_unreadable} rows of {file} were left out, each with its reason above")


def label_molecules(smiles: list[str], config: Config, *, out: Path, location: Path | str) -> dict[str, Any]:
    """Compute what is missing in the store, then write all results of these molecules.

    Raises
    ------
    ResourceError : a folder cannot be written
    """
    from heliosc.datasets.library.load import write_labels
    from heliosc.files import ensure_folder

    ensure_folder(out)
    with QCResultStore(location) as store:
        is_scheduled = config.execution.transport != "local"
        submission = submit_calculations(store, smiles, config.qc, asks_memory=is_scheduled)
        workers = n_workers(config.qc) if not is_scheduled else max(1, len(submission.keys))
        estimate = estimate_tasks(store, submission.keys.values(), workers=workers)
        messages.print(str(estimate), markup=False, soft_wrap=True)
        with calculation_progress(len(submission.keys)) as on_event:
            run_calculations(store, submission.keys.values(), config, on_event)
        results, failures = _outcomes(store, submission)
    write_labels(results, failures, out)
    return {"done": len(results), "failed": len(failures), "out": str(out)}


def _outcomes(store: QCResultStore, submission: Submission) -> tuple[list[CalculationResult], list[CalculationFailure]]:
    results, failures = [], list(submission.refused)
    for smiles, key in submission.keys.items():
        outcome = read_outcome(store, smiles, key)
        if isinstance(outcome, CalculationResult):
            results.append(outcome)
        elif isinstance(outcome, CalculationFailure):
            failures.append(outcome)
    return results, failures
