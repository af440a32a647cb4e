"""How heliosc uses a cluster: what is asked for, how much at once, and what a job does before it begins.

Everything here ends in argument lists or in a shell script, so everything is checked against what is known to be
harmless instead of searched for what is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from heliosc.errors import UsageError

EXTRA_OPTIONS = frozenset(
    {
        "begin",
        "comment",
        "constraint",
        "deadline",
        "exclude",
        "exclusive",
        "gpus",
        "gpus-per-node",
        "gres",
        "hint",
        "licenses",
        "mail-type",
        "mail-user",
        "mem-per-cpu",
        "nice",
        "nodelist",
        "prefer",
        "priority",
        "reservation",
        "threads-per-core",
        "tmp",
        "wckey",
    }
)
_NAME = re.compile(r"[A-Za-z0-9_.+-]+(,[A-Za-z0-9_.+-]+)*")
_OPTION_VALUE = re.compile(r"[A-Za-z0-9_.,:=@/+*&|()\[\]-]*")
_PATH = re.compile(r"/[^%\\\n\r\"'`$|:]*")  # sbatch replaces % in file names; the rest has a meaning to shells
_VALUE = r"(?:[A-Za-z0-9_./:,@%+=~-]|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?)"
_SETUP_LINE = re.compile(
    rf"(?:(?:module|ml)(?: {_VALUE}+)+|(?:source|\.) {_VALUE}+|export [A-Za-z_][A-Za-z0-9_]*={_VALUE}*"
    rf"|unset [A-Za-z_][A-Za-z0-9_]*|ulimit -[A-Za-z] (?:unlimited|\d+)|umask [0-7]{{3,4}})"
)


@dataclass(frozen=True)
class SlurmSettings:
    """How jobs are made and watched.

    Attributes
    ----------
    folder : on the file system that driver and nodes share; each job gets its own folder in it
    partition, account, qos : where jobs run and who pays; None for the cluster's own choice
    max_jobs : array elements in the queue at once; tasks that ask for other resources may add one element each
    max_array_size : elements of one array job, at most what the cluster allows (its MaxArraySize less 1)
    tasks_per_job : tasks packed into one array element
    cores_per_job : cores of one element, which runs as many of its tasks at once as fit; None for one at a time
    max_time_s : longest time limit asked for; tasks that do not fit are queued again and cost no try
    time_margin_s : added to the sum of the tasks' own limits, for starting and importing
    memory_margin_mb : added to the sum of the tasks' own memory
    extra_options : further sbatch options by name, see ``EXTRA_OPTIONS``; an empty value gives the bare option
    setup : shell lines before heliosc starts: ``module``, ``ml``, ``source``, ``export``, ``unset``, ``ulimit``,
        ``umask``; anything else belongs into a file that is sourced
    python : interpreter on the nodes, with heliosc installed; None for the one that runs now, with its import path
    scratch : folder on the nodes in which each attempt gets its own; None for the node's temporary folder
    keep_scratch : which attempts' folders stay
    keep_folders : which jobs' folders stay
    poll_s : time between two looks at the queue
    look_s : time between two looks for results
    grace_s : how long a job that the cluster does not know, or that ended without a result, is waited for
    command_timeout_s : how long an answer of a Slurm command is waited for; signals wait as long

    Raises
    ------
    UsageError : a value that no cluster would take, or that could run something else
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # unknown keys of a configuration are refused

    folder: Path
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    max_jobs: int = 100
    max_array_size: int = 1000
    tasks_per_job: int = 1
    cores_per_job: int | None = None
    max_time_s: float | None = None
    time_margin_s: float = 300.0
    memory_margin_mb: int = 256
    extra_options: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    python: Path | None = None
    scratch: Path | None = None
    keep_scratch: Literal["never", "failed", "always"] = "never"
    keep_folders: Literal["never", "failed", "always"] = "failed"
    poll_s: float = 10.0
    look_s: float = 1.0
    grace_s: float = 60.0
    command_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        self._check_numbers()
        for name in ("partition", "account", "qos"):
            value = getattr(self, name)
            if value is not None and not _NAME.fullmatch(value):
                raise UsageError(f"{name} is {value!r}; expected a name of letters, digits and _ . + -")
        for name, value in self.extra_options.items():
            _check_option(name, value)
        for line in self.setup:
            if not _SETUP_LINE.fullmatch(line):
                raise UsageError(
                    f"setup line {line!r} is not allowed; expected module, ml, source, export, unset, ulimit or umask "
                    "without quotes or special characters; put anything else into a file and source it"
                )
        for name in ("folder", "python", "scratch"):
            self._check_path(name)

    def _check_numbers(self) -> None:
        for name in ("max_jobs", "max_array_size", "tasks_per_job", "cores_per_job"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; expected 1 or more")
        for name in ("max_time_s", "poll_s", "look_s", "command_timeout_s"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} is {value}; expected a positive number of seconds")
        for name in ("time_margin_s", "memory_margin_mb", "grace_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name} is {getattr(self, name)}; expected 0 or more")

    def _check_path(self, name: str) -> None:
        path = getattr(self, name)
        if path is not None and not _PATH.fullmatch(str(Path(path).absolute())):
            raise UsageError(f"{name} is {str(path)!r}; expected a path without quotes and the characters % \\ ` $ | :")


def _check_option(name: str, value: str) -> None:
    if name not in EXTRA_OPTIONS:
        raise UsageError(f"sbatch option {name!r} is not allowed; expected one of {', '.join(sorted(EXTRA_OPTIONS))}")
    if not _OPTION_VALUE.fullmatch(value):
        raise UsageError(f"value {value!r} of sbatch option {name} has characters that no such option needs")
