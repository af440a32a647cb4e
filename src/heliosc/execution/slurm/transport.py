"""Tasks to a Slurm cluster and their answers back, with each job submitted at most once.

The order is what makes it safe: the job is in the store before its folder exists, its folder is complete before
``sbatch`` runs, and whoever works in the folder holds its claim. So after any death it can be told, without guessing,
whether a job may still come; and one that comes too late ends at once.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from heliosc.errors import HelioscError, ParseError, ResourceError, TransientError
from heliosc.execution.driver import LEASE_S
from heliosc.execution.jobs import Job
from heliosc.execution.slurm.commands import (
    QueueEntry,
    SlurmCommands,
    SubmissionPostponedError,
    SubmissionUnclearError,
)
from heliosc.execution.slurm.evidence import id_by_name, what_is_known
from heliosc.execution.slurm.folder import DRIVER, JobFolder
from heliosc.execution.slurm.script import job_plan, job_script, packed, submission
from heliosc.execution.slurm.settings import SlurmSettings
from heliosc.execution.slurm.verdicts import OWN_ENDS
from heliosc.execution.slurm.watched import Element, WatchedJob
from heliosc.execution.store import QCResultStore
from heliosc.execution.tasks import Task
from heliosc.execution.transport import TransportEvent
from heliosc.faults import fault_point
from heliosc.files import ensure_folder

TRANSPORT = "slurm"
_MAX_FAILED_STARTS = 3

_log = logging.getLogger(__name__)


class SlurmTransport:
    """Runs tasks as jobs of a Slurm cluster; jobs go on without their driver and are adopted by the next.

    Parameters
    ----------
    settings : how jobs are made and watched
    store : the driver's; only its ledger of jobs and its leases are used
    commands : the cluster's commands; by default those on the path

    Raises
    ------
    MissingDependencyError : Slurm's commands are not installed
    ResourceError : the shared folder cannot be written
    """

    def __init__(self, settings: SlurmSettings, store: QCResultStore, commands: SlurmCommands | None = None) -> None:
        self._settings = settings
        self._store = store
        self._commands = commands or SlurmCommands(timeout_s=settings.command_timeout_s)
        self._home = ensure_folder(Path(settings.folder)).resolve()
        self._jobs: dict[str, WatchedJob] = {}
        self._doomed: set[str] = set()  # ids that are to be cancelled as soon as the controller answers
        self._alarm = threading.Event()
        self._look_at = self._poll_at = self._adopt_at = 0.0
        self._is_silent = False  # the controller, when last asked
        self._n_failed_starts = 0
        self._fatal: ResourceError | None = None

    @property
    def n_free(self) -> int:
        """Number of tasks that ``start`` takes now; none while the controller or one submission gives no answer."""
        if self._is_silent or any(job.is_unclear or job.submit_again_at is not None for job in self._jobs.values()):
            return 0
        n_elements = sum(job.n_open_elements() for job in self._jobs.values())
        return max(0, self._settings.max_jobs - n_elements) * self._settings.tasks_per_job

    def wake(self) -> None:
        """Make ``wait`` in another thread return."""
        self._alarm.set()

    # jobs of earlier drivers

    def adopt(self) -> dict[str, int]:
        """Take up the jobs of drivers that died or let go; looks at most once a poll."""
        now = time.monotonic()
        if now < self._adopt_at:
            return {}
        self._adopt_at = now + self._settings.poll_s
        leases: dict[str, int] = {}
        for job in self._store.jobs.adopt(TRANSPORT, lease_s=LEASE_S):
            if job.name not in self._jobs:
                self._jobs[job.name] = self._watch(job)
                leases.update({task.key: task.token for task in job.tasks})
        return leases

    def _watch(self, job: Job) -> WatchedJob:
        folder = JobFolder(job.folder)
        try:
            plan = folder.plan()
        except ParseError:  # its driver died before it was complete: it was never submitted
            return WatchedJob.of(job, folder, None)
        watched = WatchedJob.of(job, folder, plan)
        self._doom(watched, watched.drop_abandoned(plan))
        return watched

    def _doom(self, watched: WatchedJob, elements: Iterable[Element]) -> None:
        """Cancel elements as soon as the controller answers."""
        ids = {external_id for each in elements if (external_id := watched.external_id(each)) is not None}
        if ids:
            self._doomed |= ids
            self._poll_at = 0.0

    # handing over

    def start(self, tasks: Sequence[Task]) -> None:
        """Submit these tasks: equal resources together, packed into the elements of array jobs.

        Raises
        ------
        ResourceError : the cluster refuses such jobs, or the shared folder cannot be written
        """
        for elements in packed(tasks, self._settings):
            self._submit_new(elements)

    def _submit_new(self, elements: Sequence[Sequence[Task]]) -> None:
        first = elements[0][0]
        name = f"{first.key[:12]}-{first.attempt}"
        folder = JobFolder(self._home / f"{name}-{uuid.uuid4().hex[:8]}")
        tasks = [task for element in elements for task in element]
        job = self._store.jobs.intend(name, tasks, transport=TRANSPORT, folder=folder.path)
        plan = job_plan(name, elements, self._settings)
        watched = WatchedJob.of(job, folder, plan)
        try:
            folder.write(plan, elements, job_script(folder, self._settings))
        except HelioscError:
            self._forget(watched)
            raise
        self._jobs[name] = watched
        self._submit(watched)

    def _submit(self, watched: WatchedJob) -> None:
        arguments = submission(watched.folder, watched.folder.plan(), self._settings)
        watched.submit_again_at = None
        fault_point("job-submit:before")
        try:
            job_id = self._commands.submit(arguments)
        except SubmissionUnclearError as error:
            _log.warning("%s; looking for job %s in the queue", error, watched.job.name)
            watched.is_unclear = True
            watched.since = time.monotonic()
            self._poll_at = 0.0
        except SubmissionPostponedError as error:
            _log.warning("%s; trying again in %g s", error, self._settings.grace_s)
            watched.submit_again_at = time.monotonic() + self._settings.grace_s
        except HelioscError:
            self._forget(watched)
            raise
        else:
            fault_point("job-submit:after")
            watched.job = self._store.jobs.submitted(watched.job, job_id)

    def _forget(self, watched: WatchedJob) -> None:
        """End a job that is certainly not in the queue; its driver releases the tasks."""
        self._store.jobs.end(watched.job.name)
        self._jobs.pop(watched.job.name, None)
        watched.folder.remove()

    # what happens

    def wait(self, timeout_s: float) -> list[TransportEvent]:
        """What has happened, after waiting at most so long for something to happen.

        Raises
        ------
        ResourceError : jobs end again and again before they begin, or the shared folder cannot be written
        """
        if self._fatal is not None:
            error, self._fatal = self._fatal, None
            raise error
        self._settle()
        deadline = time.monotonic() + timeout_s
        while True:
            events = list(self._look(is_last=timeout_s <= 0))
            left_s = deadline - time.monotonic()
            if events or left_s <= 0 or self._alarm.wait(min(left_s, self._settings.look_s)):
                self._alarm.clear()
                return events

    def _look(self, *, is_last: bool) -> Iterator[TransportEvent]:
        """Results first; then, once in a while, the queue."""
        now = time.monotonic()
        if is_last or now >= self._look_at:
            self._look_at = now + self._settings.look_s
            for watched in self._jobs.values():
                yield from self._collect(watched)
        if not is_last and now >= self._poll_at:
            self._poll_at = now + self._settings.poll_s
            yield from self._poll()

    def _collect(self, watched: WatchedJob) -> Iterator[TransportEvent]:
        for event in watched.collect():
            self._n_failed_starts = 0
            yield event

    def _poll(self) -> Iterator[TransportEvent]:
        if not (self._jobs or self._doomed or self._is_silent):
            return
        try:
            entries = self._commands.queue()
            self._cancel_doomed()
        except TransientError as error:
            if not self._is_silent:
                _log.warning("%s; jobs go on, waiting for the controller to answer", error)
            self._is_silent = True
            self._poll_at = time.monotonic() + self._settings.poll_s  # the question may have taken as long
            return
        self._is_silent = False
        for watched in list(self._jobs.values()):
            yield from self._judge(watched, entries)

    def _cancel_doomed(self) -> None:
        if self._doomed:
            self._commands.cancel(sorted(self._doomed))
            self._doomed.clear()

    def _judge(self, watched: WatchedJob, entries: Sequence[QueueEntry]) -> Iterator[TransportEvent]:
        if watched.submit_again_at is not None:
            if not watched.open_tasks():
                watched.never_came = True  # it was refused, and nobody waits for it any more
            elif time.monotonic() >= watched.submit_again_at:
                self._submit(watched)
            return
        yield from self._identify(watched, entries)
        job_id = watched.job.external_id
        if job_id is None:
            return
        try:
            found = what_is_known(watched, job_id, entries, self._commands)
        except TransientError:  # the controller has just stopped answering: nothing is known
            return
        yield from self._collect(watched)  # what arrived before the queue was asked counts
        n_idle = watched.n_idle_elements()
        yield from watched.judge(found, grace_s=self._settings.grace_s)
        self._note_failed_starts(watched, found, n_idle)

    def _identify(self, watched: WatchedJob, entries: Sequence[QueueEntry]) -> Iterator[TransportEvent]:
        """Find out which Slurm job works for this one, or that none does or ever will."""
        job, holder = watched.job, watched.folder.claimed_by()
        if holder is None and job.external_id is not None:
            return
        if holder is None:
            holder = id_by_name(job, entries, self._commands)
        if holder is None and self._may_still_come(watched):
            return
        if holder is None:
            watched.folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            holder = watched.folder.take_claim(DRIVER)
        watched.is_unclear = False
        if holder == DRIVER:
            yield from watched.give_up()
        elif holder.isdigit() and holder != job.external_id:
            watched.job = self._store.jobs.submitted(job, holder)
            self._doom(watched, [element for element in watched.elements if not element.open])

    def _may_still_come(self, watched: WatchedJob) -> bool:
        return watched.folder.is_complete() and time.monotonic() < watched.since + self._settings.grace_s

    def _note_failed_starts(self, watched: WatchedJob, found: Mapping[int | None, QueueEntry], n_idle: int) -> None:
        """Count jobs that ended of themselves before any task began: a few in a row mean that none ever will."""
        n_failed = n_idle - watched.n_idle_elements()
        if n_failed == 0 or OWN_ENDS.isdisjoint(entry.state for entry in found.values()):
            return
        self._n_failed_starts += n_failed
        if self._n_failed_starts >= _MAX_FAILED_STARTS:
            self._fatal = ResourceError(
                f"{self._n_failed_starts} jobs in a row ended on the cluster before a task began; the last one said: "
                f"{watched.folder.log_tail() or 'nothing'}; mend the setup, then run the same command again"
            )

    def _settle(self) -> None:
        """End the jobs whose answers are all in the store: only then are their folders of no more use."""
        for watched in list(self._jobs.values()):
            if watched.told:
                settled = self._store.lost_leases(watched.told)
                watched.told = {key: token for key, token in watched.told.items() if key not in settled}
            if watched.is_over():
                keep = self._settings.keep_folders
                self._store.jobs.end(watched.job.name)
                del self._jobs[watched.job.name]
                if keep == "never" or (keep == "failed" and not watched.has_failures):
                    watched.folder.remove()

    # letting go

    def drop(self, key: str) -> None:
        """End this task's attempt: its element is cancelled once nobody waits for any of its tasks."""
        for watched in self._jobs.values():
            self._doom(watched, watched.drop(key))

    def close(self) -> set[str]:
        """Leave the jobs to themselves; returns the keys of their tasks."""
        if not self._is_silent:
            with suppress(TransientError):
                self._cancel_doomed()
        self._settle()
        for watched in list(self._jobs.values()):
            if watched.submit_again_at is not None:
                self._forget(watched)
        return {key for watched in self._jobs.values() for key in watched.unsettled()}
