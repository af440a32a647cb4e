"""``heliosc qc parse``: production outputs of ORCA, Gaussian, Psi4 and xtb into results with their origin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, print_table
from heliosc.errors import InputError, PartialResultError

if TYPE_CHECKING:
    from heliosc.qc.logs.folder import FolderReport
    from heliosc.qc.logs.sets import LogSet

_DEFAULT_MAX_MB = 256
_MOST_SHOWN = 20
_SHOWN = {
    "vertical_ionization_energy": "IE(v)",
    "adiabatic_ionization_energy": "IE(a)",
    "vertical_electron_affinity": "EA(v)",
    "adiabatic_electron_affinity": "EA(a)",
    "lambda_hole": "lambda(h)",
    "lambda_electron": "lambda(e)",
    "singlet_excitation_energy": "S1",
    "triplet_excitation_energy": "T1",
}


def parse(
    folder: Annotated[Path, typer.Argument(help="Folder with outputs, searched with all folders below it.")],
    out: Annotated[Path, typer.Option(help="Folder for jobs, values, results and failures.")] = Path("parsed"),
    store: Annotated[Path | None, typer.Option(help="Put the results into this store too.")] = None,
    max_mb: Annotated[int, typer.Option(min=1, help="Files larger than this are reported, not read.")] = (
        _DEFAULT_MAX_MB
    ),
    cross_check: Annotated[bool, typer.Option("--cross-check", help="Compare with what cclib reads.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read outputs of ORCA 4 to 6, Gaussian 09 and 16, Psi4 and xtb 6; put four-point sets together."""
    from heliosc.qc.logs.export import failure_row, write_report
    from heliosc.qc.logs.folder import read_folder
    from heliosc.qc.logs.sets import log_sets

    report = read_folder(folder, max_mb=max_mb)
    if not report.jobs and not report.failures:
        raise InputError(f"{folder} holds no output of ORCA, Gaussian, Psi4 or xtb ({len(report.ignored)} other files)")
    if cross_check:
        report = checked_with_cclib(report, folder)
    sets = log_sets(report.jobs)
    write_report(report, sets, out)
    summary: dict[str, Any] = {
        "jobs": len(report.jobs),
        "results": len(sets),
        "complete_sets": sum(result.is_complete for result in sets),
        "failures": [failure_row(failure) for failure in report.failures],
        "ignored": len(report.ignored),
        "out": str(out),
    }
    if store is not None:
        summary["stored"] = store_results(sets, folder=folder, store_file=store)
    if as_json:
        print_json(summary)
    else:
        print_table([_row(result) for result in sets], title=f"Results in {folder}", as_json=False)
    _tell(report, sets, out)


def checked_with_cclib(report: FolderReport, folder: Path) -> FolderReport:
    """The report with a flag at every job that cclib reads otherwise.

    Raises
    ------
    MissingDependencyError : cclib is not installed
    """
    from heliosc.qc.logs.second_reader import disagreements

    opinions = [disagreements(job, folder / job.source.file) for job in report.jobs]
    jobs = [replace(job, flags=(*job.flags, *(found or ()))) for job, found in zip(report.jobs, opinions, strict=True)]
    n_compared = sum(found is not None for found in opinions)
    n_unlike = sum(bool(found) for found in opinions)
    messages.print(f"compared with cclib: {n_compared} of {len(jobs)} jobs, {n_unlike} read otherwise")
    return replace(report, jobs=tuple(jobs))


def store_results(sets: list[LogSet], *, folder: Path, store_file: Path) -> dict[str, int]:
    """Put results into a store; one that is there already is found by the bytes it was read from.

    Returns
    -------
    dict : ``new``, ``known`` and ``without_molecule``, which a store cannot take
    """
    from heliosc.execution import QCResultStore
    from heliosc.qc.logs.export import identity, outcome
    from heliosc.qc.logs.tasks import CALLABLE, payload

    counts = {"new": 0, "known": 0, "without_molecule": 0}
    with QCResultStore(store_file) as opened:
        for result in sets:
            if result.smiles is None or not result.values:
                counts["without_molecule"] += 1
                continue
            key = opened.submit(CALLABLE, payload(result, folder=folder), identity=identity(result), max_attempts=1)
            task = opened.claim("qc parse", 60.0, keys=[key])
            if task is not None:
                opened.complete(task.key, task.token, outcome(result))
            counts["known" if task is None else "new"] += 1
    return counts


def _row(result: LogSet) -> dict[str, Any]:
    values = {key.name: value for key, value in result.values.items()}
    shown = {title: values.get(name) for name, title in _SHOWN.items()}
    return {
        "molecule": result.smiles,
        "level": result.level,
        "energies": f"{len(result.energies_hartree)} of 7",
        **shown,
        "flags": len(result.flags),
    }


def _tell(report: FolderReport, sets: list[LogSet], out: Path) -> None:
    """Flags, failures and where everything is, on stderr.

    Raises
    ------
    PartialResultError : some files could not be used
    """
    for result in sets:
        for flag in result.flags:
            messages.print(f"{result.smiles or 'unnamed'} {result.level}: {flag}", markup=False, soft_wrap=True)
    for failure in report.failures[:_MOST_SHOWN]:
        text = f"{failure.source}: {failure.error_class}: {failure.reason}"
        messages.print(text, markup=False, soft_wrap=True)
    if len(report.failures) > _MOST_SHOWN:
        messages.print(f"... and {len(report.failures) - _MOST_SHOWN} more in {out / 'failures.csv'}")
    n_complete = sum(result.is_complete for result in sets)
    messages.print(f"{len(report.jobs)} jobs read, {len(sets)} results ({n_complete} complete sets) in {out}")
    if report.failures:
        raise PartialResultError(
            f"{len(report.failures)} outputs could not be used; each has its reason in {out / 'failures.csv'}"
        )
