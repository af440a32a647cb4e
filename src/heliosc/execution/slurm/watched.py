"""One job as its driver follows it: which tasks are open, what its folder and the queue say of them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from heliosc.errors import ParseError, TransientError
from heliosc.execution.jobs import Job
from heliosc.execution.slurm.commands import QueueEntry
from heliosc.execution.slurm.folder import JobFolder, JobPlan
from heliosc.execution.slurm.verdicts import ENDED_STATES, NEVER_CAME, UNKNOWN_JOB, verdict
from heliosc.execution.tasks import TRANSIENT, AttemptCost, Task
from heliosc.execution.transport import TaskError, TaskStarted, TaskSuccess, TransportEvent

_NEEDS_A_PERSON = re.compile(r"held|hold|constraint|never|TimeLimit|Invalid", re.IGNORECASE)

_log = logging.getLogger(__name__)


@dataclass
class Element:
    """One array element.

    Attributes
    ----------
    number : within the array
    open : its tasks that are not answered, by token
    first : tokens of the tasks that start with the job
    has_begun : whether one of its tasks was seen to start or end
    silent_since : when its end was first noticed, monotonic seconds
    """

    number: int
    open: dict[int, Task]
    first: frozenset[int] = frozenset()
    has_begun: bool = False
    silent_since: float | None = None


@dataclass
class WatchedJob:
    """A job and what is known of it.

    Attributes
    ----------
    job : as the ledger has it
    folder : its files
    elements : with their open tasks
    is_array : whether the cluster numbers its elements
    since : when it was submitted or adopted, monotonic seconds
    submit_again_at : when a submission that was postponed is tried again; None for one that is not
    is_unclear : whether this driver's own submission got no clear answer
    never_came : whether it was given up before it arrived, its claim taken by a driver
    has_failures : whether a task of it was not a success
    told : key and token of what was told to the driver and is perhaps not committed yet
    """

    job: Job
    folder: JobFolder
    elements: list[Element]
    is_array: bool
    since: float = field(default_factory=time.monotonic)
    submit_again_at: float | None = None
    is_unclear: bool = False
    never_came: bool = False
    has_failures: bool = False
    told: dict[str, int] = field(default_factory=dict)
    _started: set[int] = field(default_factory=set)
    _has_warned: bool = False

    @classmethod
    def of(cls, job: Job, folder: JobFolder, plan: JobPlan | None) -> WatchedJob:
        """A job with its open tasks in the elements that the plan names; without a plan there is one element."""
        tokens = ((),) if plan is None else plan.tokens
        n_first = 0 if plan is None else plan.n_parallel
        elements = [Element(number, {}, frozenset(each[:n_first])) for number, each in enumerate(tokens)]
        places = {token: number for number, each in enumerate(tokens) for token in each}
        for task in job.tasks:
            elements[places.get(task.token, 0)].open[task.token] = task
        return cls(job, folder, elements, is_array=len(elements) > 1)

    def open_tasks(self) -> list[Task]:
        return [task for element in self.elements for task in element.open.values()]

    def is_over(self) -> bool:
        """Whether nothing more is to come of it, and all that came is in the store."""
        return not self.told and not self.open_tasks() and (self.never_came or self.job.external_id is not None)

    def n_open_elements(self) -> int:
        return sum(bool(element.open) for element in self.elements)

    def n_idle_elements(self) -> int:
        """Number of open elements none of whose tasks has begun."""
        return sum(bool(element.open) and not element.has_begun for element in self.elements)

    def unsettled(self) -> set[str]:
        """Keys of the tasks that are open, or answered and perhaps not in the store."""
        return {task.key for task in self.open_tasks()} | set(self.told)

    def external_id(self, element: Element) -> str | None:
        """What the cluster calls an element."""
        if self.job.external_id is None or not self.is_array:
            return self.job.external_id
        return f"{self.job.external_id}_{element.number}"

    def drop(self, key: str) -> list[Element]:
        """Forget a task; returns the elements that are left without any."""
        emptied = []
        for element in self.elements:
            for token in [token for token, task in element.open.items() if task.key == key]:
                del element.open[token]
                self.folder.drop(token)
                emptied += [] if element.open else [element]
        return emptied

    def drop_abandoned(self, plan: JobPlan) -> list[Element]:
        """After adoption, drop what was cancelled meanwhile; returns the elements that work for nobody."""
        answered, abandoned = self.folder.answered(), []
        for element, tokens in zip(self.elements, plan.tokens, strict=True):
            unwanted = set(tokens) - element.open.keys() - answered
            for token in unwanted:
                self.folder.drop(token)
            abandoned += [element] if unwanted and not element.open else []
        return abandoned

    def collect(self) -> Iterator[TransportEvent]:
        """What the nodes left in the folder since the last time."""
        if not any(element.open for element in self.elements):
            return
        started, answered = self.folder.started(), self.folder.answered()
        for element in self.elements:
            for token in sorted((started | answered) & element.open.keys()):
                element.has_begun = True
                task = element.open[token]
                if token in answered:
                    with suppress(TransientError):  # the file system has a bad moment: it is looked for again
                        yield self._told(element, self._answer(task))
                elif token not in self._started:
                    self._started.add(token)
                    yield TaskStarted(task)

    def judge(self, entries: Mapping[int | None, QueueEntry], *, grace_s: float) -> Iterator[TransportEvent]:
        """What the end of elements means for the tasks that they left; called after ``collect``.

        Parameters
        ----------
        entries : what the cluster says of each element, or under None of all others
        """
        now = time.monotonic()
        for element in self.elements:
            if not element.open:
                continue
            entry = entries.get(element.number, entries.get(None))
            state = UNKNOWN_JOB if entry is None else entry.state
            if state not in ENDED_STATES:
                element.silent_since = None
                self._warn_of(entry)
            elif element.silent_since is None:
                element.silent_since = now
            elif now - element.silent_since >= grace_s:
                yield from self._end(element, state)

    def give_up(self) -> Iterator[TransportEvent]:
        """Tell that the job never arrived; comes after its claim was taken."""
        self.never_came = True
        for element in self.elements:
            yield from self._end(element, NEVER_CAME)

    def _end(self, element: Element, state: str) -> Iterator[TransportEvent]:
        started = self.folder.started()
        for token, task in list(element.open.items()):
            self.folder.drop(token)  # should the job come back, nobody waits for it any more
            tail = self.folder.log_tail(element.number)
            event = verdict(
                task, state, has_started=token in started, had_all_time=token in element.first, log_tail=tail
            )
            yield self._told(element, event)

    def _told(self, element: Element, event: TransportEvent) -> TransportEvent:
        del element.open[event.task.token]
        self.told[event.task.key] = event.task.token
        self.has_failures |= not isinstance(event, TaskSuccess)
        return event

    def _answer(self, task: Task) -> TaskSuccess | TaskError:
        try:
            answer = self.folder.answer(task.token)
        except ParseError as error:
            return TaskError(task, TRANSIENT, str(error), None, AttemptCost())
        host, scratch = answer.get("host"), answer.get("scratch")
        cost = AttemptCost(answer.get("wall_s"), answer.get("cpu_s"), scratch and f"{host}:{scratch}")
        if answer["event"] == "done":
            return TaskSuccess(task, answer["result"], cost)
        reason = f"{answer['reason']} (on {host})"
        return TaskError(task, answer["error_class"], reason, answer.get("traceback"), cost)

    def _warn_of(self, entry: QueueEntry | None) -> None:
        if entry is None or self._has_warned or entry.state != "PENDING" or not _NEEDS_A_PERSON.search(entry.reason):
            return
        self._has_warned = True
        _log.warning("job %s (%s) waits and may never start: %s", entry.job_id, self.job.name, entry.reason)
