"""What was handed to a cluster: each job is written down before it is submitted, so that none is ever doubled.

A job's tasks stay "running" while no driver lives: the cluster goes on without it. Whoever comes next with the same
transport adopts the job with its leases.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from heliosc.execution.database import Database
from heliosc.execution.processes import ProcessIdentity, own_identity
from heliosc.execution.tasks import Task


@dataclass(frozen=True)
class Job:
    """Tasks that were handed to a cluster together.

    Attributes
    ----------
    name : unique for all times; the name under which the cluster is asked for it
    folder : where its files are
    external_id : what the cluster calls it; None while its answer is not known
    tasks : those that are still running under the leases they were submitted with
    """

    name: str
    folder: Path
    external_id: str | None
    tasks: tuple[Task, ...]


class JobLedger:
    """The jobs of a store.

    Parameters
    ----------
    database : of the store
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def intend(self, name: str, tasks: Iterable[Task], *, transport: str, folder: Path) -> Job:
        """Write down that these tasks are about to be submitted as one job; comes before the submission."""
        job = Job(name, Path(folder), None, tuple(tasks))
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO jobs (name, transport, folder, state, created_at) VALUES (?, ?, ?, 'open', ?)",
                [name, transport, str(folder), time.time()],
            )
            for task in job.tasks:
                self._db.execute("UPDATE attempts SET job = ? WHERE token = ?", [name, task.token])
        return job

    def submitted(self, job: Job, external_id: str) -> Job:
        """Write down what the cluster calls the job."""
        with self._db.transaction():
            self._db.execute("UPDATE jobs SET external_id = ? WHERE name = ?", [external_id, job.name])
        return replace(job, external_id=external_id)

    def end(self, name: str) -> None:
        """The job has ended and each of its tasks was answered or released."""
        with self._db.transaction():
            self._db.execute("UPDATE jobs SET state = 'ended' WHERE name = ?", [name])

    def adopt(self, transport: str, *, lease_s: float) -> list[Job]:
        """Take over the open jobs of a transport whose driver died or let go.

        Tasks of such a job that are running under a later lease, or final, are not among its tasks any more.
        """
        adopted = []
        with self._db.transaction():
            rows = self._db.rows(
                "SELECT name, folder, external_id FROM jobs WHERE transport = ? AND state = 'open'"
                " ORDER BY created_at, name",
                [transport],
            )
            for name, folder, external_id in rows:
                if self._is_attended(name):
                    continue
                tasks = self._take_over(name, lease_s)
                adopted.append(Job(name, Path(folder), external_id, tasks))
        return adopted

    def _is_attended(self, name: str) -> bool:
        held = self._db.rows(
            "SELECT t.lease_until, a.host, a.pid, a.pid_start FROM attempts a JOIN tasks t ON t.fence = a.token"
            " WHERE a.job = ? AND t.state = 'running'",
            [name],
        )
        now = time.time()
        return any(row[0] >= now and not ProcessIdentity(*row[1:]).is_known_dead() for row in held)

    def _take_over(self, name: str, lease_s: float) -> tuple[Task, ...]:
        driver = own_identity()
        rows = self._db.rows(
            "SELECT t.key, t.callable, t.payload, a.token, a.number, t.timeout_s, t.cores, t.memory_mb"
            " FROM attempts a JOIN tasks t ON t.fence = a.token"
            " WHERE a.job = ? AND t.state = 'running' ORDER BY a.token",
            [name],
        )
        self._db.execute(
            "UPDATE attempts SET host = ?, pid = ?, pid_start = ? WHERE job = ? AND outcome IS NULL",
            [driver.host, driver.pid, driver.start, name],
        )
        for row in rows:
            self._db.execute("UPDATE tasks SET lease_until = ? WHERE key = ?", [time.time() + lease_s, row[0]])
        return tuple(Task(row[0], row[1], json.loads(row[2]), *row[3:]) for row in rows)
