"""Parsl's workers on the real Slurm, one node, started here: a cancelled block is replaced, none is left."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import INSTALL, SlurmCluster, missing_programs, wait_until

from heliosc.execution import Counts, QCResultStore, TaskRequest, WorkerSettings, run_tasks
from heliosc.execution.parsl.settings import ParslSettings
from heliosc.execution.parsl.transport import ParslTransport

pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")
pytestmark = [pytest.mark.program, pytest.mark.slow]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    if absent := missing_programs():
        pytest.skip(f"{', '.join(absent)} not installed: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        started = SlurmCluster(Path(name))
        try:
            started.start()
            monkeypatch.setenv("SLURM_CONF", str(started.configuration))
            yield started
        finally:
            started.stop()


def test_a_campaign_survives_the_loss_of_its_block(cluster: SlurmCluster, tmp_path: Path) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    settings = ParslSettings(
        workers_per_node=2,
        provider="slurm",
        options={
            "partition": "debug",
            "walltime": "00:10:00",
            "exclusive": False,
            "cores_per_node": 2,
            "worker_init": f"export PYTHONPATH={Path(__file__).parent}",
        },
        folder=tmp_path / "parsl",
        heartbeat_s=1,
        lost_after_s=5,
    )
    jobs: list[str] = []

    def cancel_first_block() -> bool:
        if not jobs and log.exists():
            jobs.extend(cluster.ask("squeue", "--noheader", "--format=%i").split())
            cluster.ask("scancel", *jobs)
            gate.touch()
        return False

    with QCResultStore(tmp_path / "store.db") as store:
        payloads: list[dict[str, Any]] = [{"x": x, "log": str(log), "gate": str(gate), "sleep_s": 2} for x in range(4)]
        keys = store.submit_many(
            TaskRequest("slurm_calculations:logged_square", payload, max_attempts=1) for payload in payloads
        ).keys
        workers = WorkerSettings(scratch=tmp_path / "scratch")
        counts = run_tasks(store, transport=lambda of: ParslTransport(settings, workers), stop=cancel_first_block)
        assert counts == Counts(done=4)
        assert [store.result(key) for key in keys] == [{"square": x**2} for x in range(4)]
        outcomes = [attempt.outcome for key in keys for attempt in store.attempts(key)]
    assert len(jobs) == 1
    assert outcomes.count("interrupted") >= 2  # those that ran on the cancelled block
    assert set(outcomes) == {"done", "interrupted"}
    assert "R" not in cluster.ask("squeue", "--noheader", "--format=%t", f"--user={os.getuid()}").split()
    assert list((tmp_path / "parsl").iterdir()) == []
    wait_until(lambda: list((tmp_path / "scratch").iterdir()) == [], "the guards on the node")
