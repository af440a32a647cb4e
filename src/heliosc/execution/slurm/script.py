"""What Slurm is given: tasks packed into elements, the script of a job, and the arguments of its submission.

No text of a task gets into script or arguments: keys are hashes, and payloads stay in files.
"""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from heliosc.execution.protocol import IMPORT_PATH_VARIABLES
from heliosc.execution.slurm.folder import JobFolder, JobPlan
from heliosc.execution.slurm.settings import SlurmSettings
from heliosc.execution.tasks import Task

_NODE_MODULE = "heliosc.execution.slurm.node"

T = TypeVar("T")


def packed(tasks: Sequence[Task], settings: SlurmSettings) -> Iterator[list[list[Task]]]:
    """Array jobs as lists of elements, these as lists of tasks: only tasks of equal resources come together."""
    alike: defaultdict[tuple[int, int | None, float | None], list[Task]] = defaultdict(list)
    for task in tasks:
        alike[task.cores, task.memory_mb, task.timeout_s].append(task)
    for group in alike.values():
        elements = list(_chunks(group, settings.tasks_per_job))
        yield from _chunks(elements, settings.max_array_size)


def job_plan(name: str, elements: Sequence[Sequence[Task]], settings: SlurmSettings) -> JobPlan:
    """What an array of these elements needs."""
    first, n_tasks = elements[0][0], len(elements[0])
    n_parallel = min(n_tasks, max(1, (settings.cores_per_job or first.cores) // first.cores))
    time_limit_s = settings.max_time_s
    if first.timeout_s is not None:
        needed_s = math.ceil(n_tasks / n_parallel) * first.timeout_s + settings.time_margin_s
        time_limit_s = min(needed_s, settings.max_time_s or needed_s)
    return JobPlan(
        name=name,
        tokens=tuple(tuple(task.token for task in element) for element in elements),
        cores=first.cores,
        memory_mb=first.memory_mb,
        n_parallel=n_parallel,
        time_limit_s=time_limit_s,
        scratch=None if settings.scratch is None else str(settings.scratch),
        keep_scratch=settings.keep_scratch,
    )


def job_script(folder: JobFolder, settings: SlurmSettings) -> str:
    """Shell script: the setup lines, then heliosc in place of the shell, so that signals reach it.

    A login shell, because that is where clusters define ``module``.
    """
    python = str(settings.python or sys.executable)
    runner = shlex.join([python, "-P", "-m", _NODE_MODULE, str(folder.path)])
    path, path_before = IMPORT_PATH_VARIABLES
    lines = ["#!/bin/bash -l", "set -e", *settings.setup, f'export {path_before}="${{{path}:-}}"']
    if settings.python is None:  # the same interpreter: modules are found where the driver finds them
        entries = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        lines.append(f"export {path}={shlex.quote(entries)}")
    lines.append(f'exec {runner} "${{SLURM_ARRAY_TASK_ID:-0}}"')
    return "\n".join(lines) + "\n"


def submission(folder: JobFolder, plan: JobPlan, settings: SlurmSettings) -> list[str]:
    """Arguments of sbatch."""
    n_elements = len(plan.tokens)
    arguments = [
        f"--job-name={plan.name}",
        f"--chdir={folder.path}",
        f"--output={folder.log('%a' if n_elements > 1 else 0)}",
        "--open-mode=append",
        "--requeue",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={plan.n_parallel * plan.cores}",
    ]
    if n_elements > 1:
        arguments.append(f"--array=0-{n_elements - 1}")
    if plan.memory_mb is not None:
        arguments.append(f"--mem={plan.n_parallel * plan.memory_mb + settings.memory_margin_mb}M")
    if plan.time_limit_s is not None:
        arguments.append(f"--time={math.ceil(plan.time_limit_s / 60)}")  # Slurm counts minutes
    return [*arguments, *_choices(settings), str(folder.script)]


def _choices(settings: SlurmSettings) -> Iterator[str]:
    for name in ("partition", "account", "qos"):
        value = getattr(settings, name)
        if value is not None:
            yield f"--{name}={value}"
    for name, value in sorted(settings.extra_options.items()):
        yield f"--{name}={value}" if value else f"--{name}"


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
