"""Workers, cores and memory: one setting, from which every program's own directives are written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import UsageError


@dataclass(frozen=True, slots=True)
class Resources:
    """What calculations may take of this machine.

    Attributes
    ----------
    max_workers : calculations at once; 0 = as many as fit
    cores_per_task : cores of one calculation
    memory_gb : memory of one calculation
    allow_oversubscription : whether workers times cores may exceed the machine
    """

    max_workers: int = 0
    cores_per_task: int = 1
    memory_gb: float = 2.0
    allow_oversubscription: bool = False


def machine_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine_memory_gb() -> float:
    """Memory of this machine, or of the control group that this process is confined to, GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit) / 1e9) if limit.isdigit() else total


def worker_count(
    resources: Resources, *, uses_memory: bool = True, n_cores: int | None = None, memory_gb: float | None = None
) -> int:
    """Calculations to run at once; workers times cores stay within the machine unless asked otherwise.

    Parameters
    ----------
    uses_memory : whether a calculation needs the memory set; xTB methods do not
    n_cores, memory_gb : of the machine; by default this one's

    Raises
    ------
    UsageError : one calculation, or the workers asked for, do not fit
    """
    cores, memory = n_cores or machine_cores(), memory_gb or machine_memory_gb()
    fitting = cores // resources.cores_per_task
    if uses_memory:
        fitting = min(fitting, int(memory // resources.memory_gb))
    if resources.allow_oversubscription:
        return resources.max_workers or max(fitting, 1)
    if fitting < max(resources.max_workers, 1):
        raise UsageError(
            f"{max(resources.max_workers, 1)} workers of {resources.cores_per_task} cores and "
            f"{resources.memory_gb:g} GB do not fit into this machine's {cores} cores and {memory:.1f} GB; lower "
            "qc.resources.max_workers, cores_per_task or memory_gb, or set qc.resources.allow_oversubscription=true"
        )
    return resources.max_workers or fitting
