"""The end of the Parsl transport that runs on a node, in a process of its own as Parsl would call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heliosc.execution.parsl.remote import Order, recall_file
from heliosc.execution.pool import WorkerSettings
from heliosc.execution.tasks import Task

RUN = """
import sys
from heliosc.execution.parsl import remote
remote._LOOK_EVERY_S = remote._BROKEN_PAUSE_S = 0.05
print(remote.run_order(sys.stdin.buffer.read()))
"""


def task(function: str, payload: dict[str, Any], **limits: Any) -> Task:
    return Task("key", f"fake_calculations:{function}", payload, token=7, attempt=1, **limits)


def start(order: Order) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdin is not None
    process.stdin.write(order.to_bytes())
    process.stdin.close()
    return process


def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    with process:
        assert process.stdout is not None
        return json.loads(process.stdout.read())


def run(order: Order) -> dict[str, Any]:
    return answer(start(order))


def test_an_order_survives_the_way(tmp_path: Path) -> None:
    settings = WorkerSettings(n_threads=3, scratch=tmp_path / "scratch", keep_scratch="failed")
    order = Order(task("square", {"x": 0.1}, timeout_s=5.0, cores=2, memory_mb=100), settings, tmp_path)
    assert Order.from_bytes(order.to_bytes()) == order
    assert Order.from_bytes(Order(order.task, WorkerSettings(), tmp_path).to_bytes()).settings == WorkerSettings()


def test_a_result_and_a_failure_come_back_without_store_or_shared_folder(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    done = run(Order(task("square", {"x": 3}), WorkerSettings(scratch=scratch), Path("/nowhere")))
    assert (done["event"], done["result"]) == ("done", {"square": 9})
    assert done["cost"]["wall_s"] >= 0
    slow = run(Order(task("wait_for_file", {"path": "/nowhere"}, timeout_s=0.3), WorkerSettings(), Path("/nowhere")))
    assert (slow["event"], slow["error_class"]) == ("failed", "timeout")


@pytest.mark.parametrize("way", ["called back", "driver gone"])
def test_a_task_ends_when_nobody_waits_for_it(tmp_path: Path, way: str) -> None:
    folder, begun = tmp_path / "run", tmp_path / "pid"
    (folder / "recalled").mkdir(parents=True)
    order = Order(task("starts_stubborn_program", {"pid_file": str(begun)}), WorkerSettings(), folder)
    process = start(order)
    while not begun.exists():
        assert process.poll() is None
    if way == "called back":
        recall_file(folder, order.task).touch()
    else:
        (folder / "recalled").rmdir()
        folder.rmdir()
    assert answer(process) == {"event": "lost", "reason": "called back"}


def test_a_node_on_which_nothing_runs_loses_the_task_without_failing_it() -> None:
    lost = run(Order(task("square", {"x": 3}), WorkerSettings(scratch=Path("/proc/none")), Path("/nowhere")))
    assert lost["event"] == "lost"
    assert "choose a writable folder" in lost["reason"]
