"""A folder of outputs, walked and read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import HelioscError, InputError
from heliosc.qc.logs.files import MAX_LOG_MB, LogFile, read_log
from heliosc.qc.logs.jobs import LogFailure, LogJob, LogSource, read_jobs

_OUTPUT_SUFFIXES = (".out", ".log", ".out.gz", ".log.gz")
_NEVER_OUTPUTS = (".gbw", ".chk", ".fchk", ".cube", ".xyz", ".zip", ".pdf", ".png", ".sqlite", ".py", ".md")
_COMPANION = re.compile(
    r"\s*\d+\s*\n.*\n\s*[A-Z][a-z]?(?:\s+-?\d+\.\d+){3}"  # trajectories, e.g. xtbopt.log
    r"|\s*Entering Gaussian System\s*\n.*\n\s*Gaussian 98:"  # g98.out: xtb's frequencies for viewers
    r"|(?:.*\n){0,20}?(?:ab)?normal termination of xtb"  # what xtb says on its error stream
)


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What a folder holds.

    Attributes
    ----------
    ignored : files that are no outputs of a known program and do not look like one
    """

    jobs: tuple[LogJob, ...]
    failures: tuple[LogFailure, ...]
    ignored: tuple[str, ...]


def read_folder(
    folder: Path, *, max_mb: int = MAX_LOG_MB, on_file: Callable[[str], None] | None = None
) -> FolderReport:
    """Read every output in a folder and the folders below it; a file that cannot be read never stops the rest.

    Raises
    ------
    InputError : not a folder
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected one with outputs of ORCA, Gaussian, Psi4 or xtb")
    jobs: list[LogJob] = []
    failures: list[LogFailure] = []
    ignored = []
    for path in walk(folder):
        name = path.relative_to(folder).as_posix()
        if on_file:
            on_file(name)
        found = list(read_file(path, name=name, max_mb=max_mb))
        jobs += [job for job in found if isinstance(job, LogJob)]
        failures += [failure for failure in found if isinstance(failure, LogFailure)]
        if not found:
            ignored.append(name)
    return FolderReport(tuple(jobs), tuple(failures), tuple(ignored))


def walk(folder: Path) -> Iterator[Path]:
    """Regular files below a folder, in order of their names; links to folders are not followed."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = Path(root) / file
            if path.is_file() and not file.endswith(_NEVER_OUTPUTS):
                yield path


def read_file(path: Path, *, name: str, max_mb: int = MAX_LOG_MB) -> Iterator[LogJob | LogFailure]:
    """Every job of one file; nothing for a file that neither is nor looks like an output."""
    try:
        log = read_log(path, name=name, max_mb=max_mb)
    except HelioscError as error:
        if error.kind == "parse" and not name.endswith(_OUTPUT_SUFFIXES):
            return
        yield LogFailure(LogSource(name, ""), None, None, error.kind, str(error))
        return
    n_found = 0
    for job in read_jobs(log, folder=path.parent):
        n_found += 1
        yield job
    if not n_found and name.endswith(_OUTPUT_SUFFIXES) and not _COMPANION.match(log.text):
        yield _unrecognized(log)


def _unrecognized(log: LogFile) -> LogFailure:
    what = "is empty" if not log.text.strip() else "holds no banner of ORCA, Gaussian, Psi4 or xtb"
    reason = f"the file {what}; another program's output, or cut off at its head"
    return LogFailure(LogSource(log.name, log.sha256), None, None, "parse", reason)
