"""Slurm's commands: argument lists in, answers out, and every unclear answer told from a clear one.

References
----------
Slurm 22.05 manual pages of sbatch, squeue, scontrol, sacct and scancel; messages from its ``slurm_errno.c``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliosc.errors import MissingDependencyError, ResourceError, TransientError

_FIELDS = "%F|%K|%T|%r|%j|%Z"  # array's job id, element, state, why it waits, name, working folder
# what a job may know of where it was submitted from: neither passwords nor the resources of an enclosing job
_PASSED_ON = frozenset({"HOME", "LANG", "LOGNAME", "MODULEPATH", "PATH", "SHELL", "SLURM_CONF", "TZ", "USER"})
_POSTPONED = re.compile(
    r"job submit limit|SubmitJob|MaxJobCount|temporarily unable to accept|too many jobs|exceeds? .*limit on.*jobs",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"invalid|not available|can ?not be satisfied|denied|not permitted|unrecognized option|violates|exceed"
    r"|unable to open file|requires an argument|ambiguous",
    re.IGNORECASE,
)
_SACCT_FORMAT = "JobID,State,JobName,WorkDir"


class SubmissionUnclearError(TransientError):
    """Whether the job was queued is not known: ask for it by name."""


class SubmissionPostponedError(TransientError):
    """The queue is full for this user: the same submission again, later."""


@dataclass(frozen=True)
class QueueEntry:
    """What the cluster says of one array element; ``element`` is None where it stands for all of its job."""

    job_id: str
    element: int | None
    state: str
    reason: str
    name: str
    folder: str


class SlurmCommands:
    """Asks the cluster, each time with a limit.

    Parameters
    ----------
    timeout_s : how long one answer is waited for

    Raises
    ------
    MissingDependencyError : sbatch is not on the path
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._has_accounting = True
        if shutil.which("sbatch") is None:
            raise MissingDependencyError(
                "Slurm's sbatch is not on the path; run heliosc where jobs are submitted, or: apt-get install "
                "slurm-client"
            )

    def submit(self, arguments: Sequence[str]) -> str:
        """Hand a job to the cluster; returns its id.

        Raises
        ------
        SubmissionUnclearError : it may or may not be queued
        SubmissionPostponedError : it is not queued because too many others are
        ResourceError : it is not queued and never will be
        """
        try:
            answer = self._run("sbatch", "--parsable", *arguments)
        except subprocess.TimeoutExpired as error:
            raise SubmissionUnclearError(f"sbatch did not answer within {self._timeout_s:g} s") from error
        job_id = (answer.stdout.split() or [""])[-1].partition(";")[0]  # sites print notes of their own before it
        said = _said(answer)
        if answer.returncode == 0 and job_id.isdigit():
            return job_id
        if answer.returncode > 0 and _POSTPONED.search(said):
            raise SubmissionPostponedError(f"sbatch takes no more jobs now: {said}")
        if answer.returncode > 0 and _REFUSED.search(said) and "Socket" not in said:
            raise ResourceError(f"sbatch refused the job: {said}; mend the cluster settings")
        raise SubmissionUnclearError(f"sbatch ended with exit code {answer.returncode}: {said}")

    def queue(self) -> list[QueueEntry]:
        """All jobs of this user that the controller still knows, ended ones included.

        Raises
        ------
        TransientError : the controller does not answer
        """
        answer = self._ask(
            "squeue", "--all", "--noheader", "--array", "--states=all", f"--user={os.getuid()}", f"--format={_FIELDS}"
        )
        if answer.returncode != 0:
            raise TransientError(f"squeue failed: {_said(answer)}")
        return [entry for line in answer.stdout.splitlines() if (entry := _queue_entry(line)) is not None]

    def show(self, job_id: str) -> list[QueueEntry]:
        """One job's elements as the controller knows them; none where it does not know the job.

        Raises
        ------
        TransientError : the controller does not answer
        """
        answer = self._ask("scontrol", "--all", "--oneliner", "show", "job", job_id)
        if answer.returncode != 0 and "Invalid job id" not in _said(answer):
            raise TransientError(f"scontrol failed: {_said(answer)}")
        return [entry for line in answer.stdout.splitlines() if (entry := _shown_entry(line)) is not None]

    def accounted(self, *, job_id: str | None = None, name: str | None = None) -> list[QueueEntry]:
        """What the accounting remembers of a job; nothing where the cluster keeps none."""
        if not self._has_accounting:
            return []
        which = [f"--jobs={job_id}"] if job_id is not None else [f"--name={name}", "--starttime=now-7days"]
        try:
            answer = self._ask(
                "sacct", "--noheader", "--parsable2", "--allocations", f"--format={_SACCT_FORMAT}", *which
            )
        except TransientError:
            return []
        self._has_accounting = answer.returncode == 0 or "disabled" not in _said(answer)
        if answer.returncode != 0:
            return []
        return [entry for line in answer.stdout.splitlines() if (entry := _accounted_entry(line)) is not None]

    def cancel(self, ids: Iterable[str]) -> None:
        """End these jobs or elements.

        Raises
        ------
        TransientError : the controller does not answer
        """
        answer = self._ask("scancel", *ids)
        if answer.returncode != 0 and "Invalid job id" not in _said(answer):
            raise TransientError(f"scancel failed: {_said(answer)}")

    def _ask(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return self._run(program, *arguments)
        except subprocess.TimeoutExpired as error:
            raise TransientError(f"{program} did not answer within {self._timeout_s:g} s") from error

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout_s,
                check=False,
                env={name: value for name, value in os.environ.items() if name in _PASSED_ON},
            )
        except FileNotFoundError as error:
            raise MissingDependencyError(f"{program} is not on the path: apt-get install slurm-client") from error
        except OSError as error:
            raise TransientError(f"{program} cannot be started: {error.strerror}") from error


def _said(answer: subprocess.CompletedProcess[str]) -> str:
    return " ".join((answer.stderr.strip() or answer.stdout.strip() or "no message").split())[:500]


def _queue_entry(line: str) -> QueueEntry | None:
    fields = line.split("|", 5)
    if len(fields) != 6:
        return None
    job_id, element, state, reason, name, folder = fields
    return QueueEntry(job_id.strip(), _element(element), state, reason, name, folder)


def _shown_entry(line: str) -> QueueEntry | None:
    values = dict(re.findall(r"(\w+)=(\S*)", line))
    if "JobState" not in values:
        return None
    return QueueEntry(
        values.get("ArrayJobId") or values["JobId"],
        _element(values.get("ArrayTaskId", "N/A")),
        values["JobState"],
        values.get("Reason", ""),
        values.get("JobName", ""),
        values.get("WorkDir", ""),
    )


def _accounted_entry(line: str) -> QueueEntry | None:
    fields = line.split("|", 3)
    if len(fields) != 4 or not fields[1]:
        return None
    job_id, _, element = fields[0].partition("_")
    return QueueEntry(job_id, _element(element), fields[1].split()[0], "", fields[2], fields[3])


def _element(text: str) -> int | None:
    """Number of an array element; None for a job that is no array, or for a range of elements that still wait."""
    return int(text) if text.strip().isdigit() else None
