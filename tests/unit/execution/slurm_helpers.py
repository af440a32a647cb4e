"""A fake Slurm on the path, and short ways to give a transport something to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliosc.execution import QCResultStore, Task, TaskRequest
from heliosc.execution.slurm import SlurmSettings, SlurmTransport
from heliosc.execution.transport import TransportEvent

FAKE = Path(__file__).parents[2] / "data" / "fake_programs" / "fake_slurm.py"
LEASE_S = 60.0


class FakeSlurm:
    """Programs that stand for Slurm's, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        (folder / "jobs").mkdir(parents=True)
        self.programs.mkdir()
        self.answer("ok")
        for name in ("sbatch", "squeue", "scontrol", "sacct", "scancel"):
            program = self.programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{FAKE}" "{folder}" {name} "$@"\n')
            program.chmod(0o755)

    def answer(self, mode: str) -> None:
        """How the programs answer from now on."""
        (self.folder / "mode").write_text(mode)

    def calls(self, program: str) -> list[str]:
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]

    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted((self.folder / "jobs").iterdir())]

    def put(self, **changes: Any) -> None:
        """Change every job, or add one that gives all fields."""
        for job in self.jobs() or [{}]:
            changed = {**job, **changes}
            (self.folder / "jobs" / f"{changed['id']}_{changed['element']}".replace("/", "")).write_text(
                json.dumps(changed)
            )


def slurm_settings(folder: Path, **changes: Any) -> SlurmSettings:
    """Settings that look often and wait shortly."""
    quick = {"poll_s": 0.05, "look_s": 0.01, "grace_s": 0.05, "keep_folders": "always"}
    return SlurmSettings(folder / "jobs", **{**quick, **changes})


def claimed(store: QCResultStore, n_tasks: int, function: str = "square", **resources: Any) -> list[Task]:
    """New tasks, claimed."""
    keys = store.submit_many(
        TaskRequest(f"fake_calculations:{function}", {"x": x}, **resources) for x in range(n_tasks)
    ).keys
    tasks = [store.claim("test", LEASE_S, keys=[key]) for key in keys]
    assert None not in tasks
    return [task for task in tasks if task is not None]


def events_of(transport: SlurmTransport, n_events: int = 1, *, limit_s: float = 60.0) -> list[TransportEvent]:
    """The next events, at least so many."""
    events: list[TransportEvent] = []
    deadline = time.monotonic() + limit_s
    while len(events) < n_events:
        assert time.monotonic() < deadline, f"{events} within {limit_s:g} s, expected {n_events}"
        events += transport.wait(0.02)
    return events


def quiet_until(transport: SlurmTransport, condition: Callable[[], object], *, limit_s: float = 60.0) -> None:
    """Nothing happens until something is true."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        assert transport.wait(0.02) == []


def silence_of(transport: SlurmTransport, for_s: float = 0.3) -> None:
    """Nothing happens for a while."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        assert transport.wait(0.02) == []


def run_script(folder: Path, job_id: str, element: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script to its end, as Slurm would in an allocation."""
    with started_script(folder, job_id, element, **environment) as process:
        output, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, output)


@contextmanager
def started_script(folder: Path, job_id: str, element: int = 0, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A job's script at work."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    slurm = {"SLURM_ARRAY_JOB_ID": job_id, "SLURM_ARRAY_TASK_ID": str(element)}
    with subprocess.Popen(
        ["bash", str(folder / "job.sh")],
        cwd=folder,
        env={**inherited, **slurm, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
