"""The folder of one job on the shared file system: all that driver and nodes tell each other.

``job.json`` says what to run, ``tasks-K.json`` holds the tasks of element K, ``job.sh`` is written last. The nodes
leave ``started/TOKEN`` and ``results/TOKEN.json``, the driver ``dropped/TOKEN`` for what nobody waits for any more.
``claim`` names the one Slurm job that may work here: made once and complete, it is never overwritten.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from heliosc.errors import ParseError, ResourceError, TransientError
from heliosc.execution.tasks import Task
from heliosc.files import write_atomically

DRIVER = "driver"  # holder of the claim on a job that was given up before it arrived
_TAIL_BYTES = 600


@dataclass(frozen=True)
class JobPlan:
    """What the nodes must know beside the tasks.

    Attributes
    ----------
    name : of the job
    tokens : of each element's tasks
    cores : of one task
    memory_mb : of one task in MiB; None for the cluster's own limit
    n_parallel : tasks that run at once in one element
    time_limit_s : asked for one element; None for the cluster's own
    scratch : folder on the node; None for its temporary folder
    keep_scratch : which attempts' folders stay
    """

    name: str
    tokens: tuple[tuple[int, ...], ...]
    cores: int
    memory_mb: int | None
    n_parallel: int
    time_limit_s: float | None
    scratch: str | None
    keep_scratch: Literal["never", "failed", "always"]


class JobFolder:
    """Files of one job.

    Parameters
    ----------
    path : of the folder, which need not exist yet
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.script = path / "job.sh"
        self._plan = path / "job.json"
        self._claim = path / "claim"
        self._started = path / "started"
        self._results = path / "results"
        self._dropped = path / "dropped"

    # written by the driver

    def write(self, plan: JobPlan, elements: Sequence[Sequence[Task]], script: str) -> None:
        """Make the folder; its script comes last, so that a folder with a script is complete.

        Raises
        ------
        ResourceError : it exists already, or cannot be written
        """
        try:
            self.path.mkdir(mode=0o700, parents=True)
            for part in (self._started, self._results, self._dropped):
                part.mkdir()
            for number, tasks in enumerate(elements):
                self._tasks(number).write_text(json.dumps([asdict(task) for task in tasks]))
        except OSError as error:
            raise ResourceError(
                f"cannot make the job folder {self.path}: {error.strerror}; check free space and permission"
            ) from error
        write_atomically(self._plan, json.dumps(asdict(plan)))
        write_atomically(self.script, script)

    def is_complete(self) -> bool:
        """Whether it was made to its end, so that a submission may have followed."""
        return self.script.is_file()

    def drop(self, token: int) -> None:
        """Nobody waits for this task: it is not started any more."""
        with suppress(FileNotFoundError):  # the folder was never made, or has gone
            (self._dropped / str(token)).touch()

    def started(self) -> set[int]:
        """Tokens of the tasks that were started."""
        return _tokens(self._started)

    def answered(self) -> set[int]:
        """Tokens of the tasks that left a result or an error."""
        return _tokens(self._results)

    def answer(self, token: int) -> dict[str, Any]:
        """What a task left.

        Raises
        ------
        ParseError : the file is damaged
        TransientError : it cannot be read now
        """
        path = self._answer(token)
        try:
            answer = json.loads(path.read_text())
        except OSError as error:
            raise TransientError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise ParseError(f"answer of the node in {path} cannot be read: {error}") from error
        if not isinstance(answer, dict) or answer.get("token") != token or answer.get("event") not in _EVENTS:
            raise ParseError(f"answer of the node in {path} is not one of task {token}")
        return answer

    def log_tail(self, element: int = 0) -> str:
        """Last words of a job's element outside its tasks."""
        try:
            return self.log(element).read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            return ""

    def log(self, element: int | str) -> Path:
        return self.path / f"log-{element}.txt"

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    # read and written on the node

    def plan(self) -> JobPlan:
        """What the driver wrote down.

        Raises
        ------
        ParseError : it is missing or damaged
        """
        try:
            read = json.loads(self._plan.read_text())
            return JobPlan(**{**read, "tokens": tuple(tuple(tokens) for tokens in read["tokens"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ParseError(f"job folder {self.path} cannot be read: {error}") from error

    def tasks(self, element: int) -> list[Task]:
        """Tasks of an element that are neither answered nor dropped."""
        try:
            tasks = [Task(**read) for read in json.loads(self._tasks(element).read_text())]
        except (OSError, ValueError, TypeError) as error:
            raise ParseError(f"tasks in {self._tasks(element)} cannot be read: {error}") from error
        return [task for task in tasks if not self._answer(task.token).exists()]

    def is_dropped(self, token: int) -> bool:
        return (self._dropped / str(token)).exists() or not self._plan.exists()

    def mark_started(self, token: int) -> None:
        """Tell that a task began.

        Raises
        ------
        ResourceError : it cannot be written
        """
        try:
            (self._started / str(token)).touch()
        except OSError as error:
            raise ResourceError(f"cannot write in {self._started}: {error.strerror}; free some space there") from error

    def write_answer(self, token: int, answer: dict[str, Any]) -> None:
        """Leave a result, complete or not at all; in a folder that has gone it is not wanted.

        Raises
        ------
        ResourceError : it cannot be written
        """
        if self._results.is_dir():
            write_atomically(self._answer(token), json.dumps({**answer, "token": token}))

    # the claim

    def take_claim(self, holder: str) -> str:
        """Claim the job; returns who holds it, which is another one where that was faster.

        A hard link fails where the name exists, as ``O_EXCL`` does, but the file has its content from the start: dying
        here leaves no claim without a holder.

        Raises
        ------
        ResourceError : it cannot be written
        """
        own = self.path / f".claim.{uuid.uuid4().hex}"
        try:
            own.write_text(holder)
            with suppress(FileExistsError):
                os.link(own, self._claim)
            return self._claim.read_text()
        except OSError as error:
            raise ResourceError(f"cannot claim the job in {self.path}: {error.strerror}") from error
        finally:
            own.unlink(missing_ok=True)

    def claimed_by(self) -> str | None:
        """Id of the Slurm job that works here; None before one began, ``DRIVER`` where none may."""
        try:
            return self._claim.read_text()
        except OSError:
            return None

    def _tasks(self, element: int) -> Path:
        return self.path / f"tasks-{element}.json"

    def _answer(self, token: int) -> Path:
        return self._results / f"{token}.json"


_EVENTS = ("done", "failed")


def _tokens(folder: Path) -> set[int]:
    try:
        names = [entry.name.partition(".")[0] for entry in os.scandir(folder)]
    except OSError:
        return set()
    return {int(name) for name in names if name.isdigit()}
