"""What is known of a job, from who knows it best to who remembers it longest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heliosc.execution.jobs import Job
from heliosc.execution.slurm.commands import QueueEntry, SlurmCommands
from heliosc.execution.slurm.watched import WatchedJob


def id_by_name(job: Job, entries: Iterable[QueueEntry], commands: SlurmCommands) -> str | None:
    """The cluster's id of a job whose submission got no clear answer; None where it knows none of that name.

    The folder is asked for too: another store may have had a job of the same name.
    """
    return _lowest_id(job, entries) or _lowest_id(job, commands.accounted(name=job.name))


def _lowest_id(job: Job, entries: Iterable[QueueEntry]) -> str | None:
    ids = {entry.job_id for entry in entries if entry.name == job.name and entry.folder == str(job.folder)}
    return min(ids, key=int, default=None)


def what_is_known(
    watched: WatchedJob, job_id: str, entries: Sequence[QueueEntry], commands: SlurmCommands
) -> dict[int | None, QueueEntry]:
    """What the cluster says of each element: the queue, then the controller, then the accounting.

    Parameters
    ----------
    entries : of the queue

    Returns
    -------
    Entries by element; the one under None stands for all others

    Raises
    ------
    TransientError : the controller does not answer
    """
    found = _of_job(job_id, entries)
    if _is_missing(watched, found):
        found = _of_job(job_id, commands.show(job_id)) | found
    if _is_missing(watched, found):
        found = _of_job(job_id, commands.accounted(job_id=job_id)) | found
    return found


def _of_job(job_id: str, entries: Iterable[QueueEntry]) -> dict[int | None, QueueEntry]:
    return {entry.element: entry for entry in entries if entry.job_id == job_id}


def _is_missing(watched: WatchedJob, found: dict[int | None, QueueEntry]) -> bool:
    return None not in found and any(element.open and element.number not in found for element in watched.elements)
