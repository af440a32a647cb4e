"""The callable under which parsed results stand in a store: it reads the same files again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heliosc.errors import InputError
from heliosc.qc.logs.export import outcome
from heliosc.qc.logs.folder import read_file
from heliosc.qc.logs.jobs import LogJob
from heliosc.qc.logs.sets import LogSet, log_sets

CALLABLE = "heliosc.qc.logs.tasks:parsed_logs"


def parsed_logs(payload: dict[str, Any]) -> dict[str, Any]:
    """Result of one molecule at one level from its outputs.

    Parameters
    ----------
    payload : ``folder``, ``files`` (relative to it), ``smiles``, ``level``

    Raises
    ------
    InputError : the files no longer hold that result
    """
    folder = Path(payload["folder"])
    jobs = [job for name in payload["files"] for job in read_file(folder / name, name=name)]
    wanted = (payload["smiles"], payload["level"])
    for result in log_sets(job for job in jobs if isinstance(job, LogJob)):
        if (result.smiles, result.level) == wanted:
            return outcome(result)
    raise InputError(f"the files in {folder} hold no result of {wanted[0]} at {wanted[1]}; parse the folder again")


def payload(result: LogSet, *, folder: Path) -> dict[str, Any]:
    """What the callable needs to find a result again."""
    files = sorted({job.source.file for jobs in result.origins.values() for job in jobs})
    minima = sorted({job.source.file for job in result.minima.values()})
    return {
        "folder": str(folder.resolve()),
        "files": sorted({*files, *minima}),
        "smiles": result.smiles,
        "level": result.level,
    }
