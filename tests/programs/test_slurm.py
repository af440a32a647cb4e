"""The real Slurm, one node, started here: nothing lost and nothing doubled, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from slurm_cluster import INSTALL, SlurmCluster, missing_programs, wait_until

from heliosc.execution import Counts, QCResultStore, TaskRequest, run_tasks
from heliosc.execution.slurm import SlurmSettings, SlurmTransport

pytestmark = pytest.mark.program

HERE = Path(__file__).parent
DRIVER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from test_slurm import quick_settings
from heliosc.execution import QCResultStore, RunInterruptedError, run_tasks
from heliosc.execution.slurm import SlurmTransport
folder = Path(sys.argv[2])
settings = quick_settings(folder, tasks_per_job=2)
try:
    run_tasks(
        QCResultStore(folder / "store.db"),
        transport=lambda store: SlurmTransport(settings, store),
        on_event=lambda event: print(event["state"], flush=True),
    )
except RunInterruptedError as error:
    sys.exit(error.exit_code)
"""


def quick_settings(folder: Path, **changes: Any) -> SlurmSettings:
    return SlurmSettings(folder / "jobs", **{"poll_s": 0.3, "look_s": 0.1, "grace_s": 1.0, **changes})


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    if absent := missing_programs():
        pytest.skip(f"{', '.join(absent)} not installed: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        started = SlurmCluster(Path(name))
        before = os.environ.get("SLURM_CONF")
        try:
            started.start()
            os.environ["SLURM_CONF"] = str(started.configuration)
            yield started
        finally:
            started.stop()
            os.environ.pop("SLURM_CONF", None)
            if before is not None:
                os.environ["SLURM_CONF"] = before


class Campaign:
    """Fake tasks in a store, and what they say they did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "executions.log"
        self.gate = folder / "gate"
        self.store = QCResultStore(folder / "store.db")

    def submit(self, n_tasks: int, *, gated: bool = False, **fields: Any) -> list[str]:
        gate = {"gate": str(self.gate)} if gated else {}
        first = self.store.counts().total
        return self.store.submit_many(
            TaskRequest("slurm_calculations:logged_square", {"x": x, "log": str(self.log), **gate}, **fields)
            for x in range(first, first + n_tasks)
        ).keys

    def local_export(self) -> str:
        """Hash of the canonical export after the same tasks ran on this machine."""
        with QCResultStore(self.folder / "local.db") as local:
            for line in self.store._db.rows("SELECT callable, payload, timeout_s FROM tasks ORDER BY id"):
                local.submit(line[0], json.loads(line[1]), timeout_s=line[2])
            run_tasks(local, n_workers=2)
            self.log.unlink()
            return local.export()

    def executions(self) -> Counter[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line for line in lines if line.startswith("start"))

    def wait_for_starts(self, n_tasks: int) -> None:
        wait_until(lambda: len(self.executions()) >= n_tasks, f"{n_tasks} tasks to start, got {self.executions()}")

    def jobs(self) -> list[tuple[Any, ...]]:
        """Name, folder and id of the jobs, oldest first."""
        return self.store._db.rows("SELECT name, folder, external_id FROM jobs ORDER BY created_at")

    @contextmanager
    def running(self, **changes: Any) -> Iterator[Future[Counts]]:
        """A driver at work in the background; the block may wait for its end."""
        stop = Event()
        settings = quick_settings(self.folder, **changes)
        with ThreadPoolExecutor(1) as thread:
            driver = thread.submit(
                run_tasks, self.store, transport=lambda store: SlurmTransport(settings, store), stop=stop.is_set
            )
            try:
                yield driver
            finally:
                stop.set()
            driver.result(timeout=120)

    def driver(self, **environment: str) -> subprocess.Popen[str]:
        """A driver in a process of its own."""
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(HERE), str(self.folder)],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def campaign(tmp_path: Path, cluster: SlurmCluster) -> Iterator[Campaign]:
    made = Campaign(tmp_path)
    yield made
    made.gate.touch()
    made.store.close()


def states_of(cluster: SlurmCluster, job_id: str) -> set[str]:
    return set(
        cluster.ask("squeue", "--noheader", "--array", "--states=all", f"--jobs={job_id}", "--format=%T").split()
    )


def processes_of(job_id: str, cluster: SlurmCluster) -> list[int]:
    """Pids of a job's own processes."""
    marks = {f"SLURM_JOB_ID={job_id}".encode(), f"SLURM_CONF={cluster.configuration}".encode()}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return found


def crash_node(job_id: str, cluster: SlurmCluster) -> None:
    """End the node's daemon, the job, and what watches it."""
    cluster.kill_node()
    processes = processes_of(job_id, cluster)
    parents = {int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in processes}
    watchers = [pid for pid in parents if Path(f"/proc/{pid}/comm").read_text().startswith("slurmstepd")]
    assert watchers
    for pid in [*watchers, *processes]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_packed_arrays_give_the_same_answers_as_this_machine(campaign: Campaign) -> None:
    campaign.submit(30, timeout_s=60.0)
    expected = campaign.local_export()
    with campaign.running(tasks_per_job=5, cores_per_job=2) as driver:
        assert driver.result(timeout=120) == Counts(done=30)
    assert campaign.store.export() == expected
    assert set(campaign.executions().values()) == {1}
    assert len(campaign.jobs()) == 1  # one array of six elements
    assert list((campaign.folder / "jobs").iterdir()) == []


def test_a_cancelled_job_is_tried_again_and_a_second_copy_ends_at_once(
    campaign: Campaign, cluster: SlurmCluster
) -> None:
    keys = campaign.submit(2, gated=True)
    with campaign.running() as driver:
        campaign.wait_for_starts(2)
        _, folder, job_id = campaign.jobs()[0]
        copy = cluster.ask(
            "sbatch", "--parsable", f"--chdir={folder}", f"--output={folder}/copy.txt", f"{folder}/job.sh"
        ).strip()
        wait_until(lambda: states_of(cluster, copy) == {"COMPLETED"}, "the copy's end")
        assert f"belongs to {job_id}: {copy} is a second copy" in (Path(folder) / "copy.txt").read_text()
        assert len(campaign.executions()) == 2
        cluster.ask("scancel", f"{job_id}_1")
        wait_until(lambda: len(campaign.jobs()) == 2, "the second try")
        campaign.gate.touch()
        assert driver.result(timeout=120) == Counts(done=2)
    outcomes = sorted([attempt.outcome for attempt in campaign.store.attempts(key)] for key in keys)
    assert outcomes == [["done"], ["failed", "done"]]
    failed = next(key for key in keys if len(campaign.store.attempts(key)) == 2)
    assert campaign.store.attempts(failed)[0].reason == "cancelled on the cluster"


def test_sbatch_that_queues_and_reports_a_time_out_leaves_one_job(
    campaign: Campaign, cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = campaign.folder / "bin"
    programs.mkdir()
    real = subprocess.run(["which", "sbatch"], capture_output=True, text=True, check=True).stdout.strip()
    (programs / "sbatch").write_text(
        f'#!/bin/sh\n"{real}" "$@" > /dev/null\n'
        "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2\nexit 1\n"
    )
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    campaign.submit(2, timeout_s=60.0)
    with campaign.running(tasks_per_job=2) as driver:
        assert driver.result(timeout=120) == Counts(done=2)
    [(name, _, job_id)] = campaign.jobs()
    assert cluster.ask("squeue", "--noheader", "--states=all", f"--name={name}", "--format=%F").split() == [job_id]
    assert set(campaign.executions().values()) == {1}


def test_a_driver_killed_again_and_again_is_followed_by_one_that_adopts(campaign: Campaign) -> None:
    campaign.submit(4, gated=True, timeout_s=60.0)
    campaign.submit(4, gated=True, timeout_s=50.0)  # other resources: a second array
    campaign.gate.touch()
    expected = campaign.local_export()
    campaign.gate.unlink()
    with campaign.driver(HELIOSC_FAULT="job-submit:after") as driver:
        assert driver.wait(timeout=120) == 137
    assert [job[2] for job in campaign.jobs()] == [None]
    with campaign.driver(HELIOSC_FAULT="job-submit:before") as driver:  # finds the first array, intends the second
        assert driver.wait(timeout=120) == 137
    assert len(campaign.jobs()) == 2
    with campaign.driver() as driver:
        campaign.wait_for_starts(4)
        driver.kill()
    with campaign.driver() as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(timeout=60) == 143
    assert campaign.store.counts().running >= 2  # on the cluster they go on
    campaign.gate.touch()
    with campaign.driver() as driver:
        driver.communicate(timeout=120)
    assert driver.returncode == 0
    assert campaign.store.export() == expected
    assert set(campaign.executions().values()) == {1}
    [given_up] = (campaign.folder / "jobs").iterdir()  # intended and not submitted: its claim keeps it so
    assert (given_up / "claim").read_text() == "driver"


def test_a_controller_that_dies_is_waited_for(
    campaign: Campaign, cluster: SlurmCluster, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = campaign.submit(2, gated=True, timeout_s=60.0)
    with campaign.running(max_jobs=1, command_timeout_s=2.0) as driver:
        campaign.wait_for_starts(1)
        cluster.kill_controller()
        wait_until(lambda: "waiting for the controller" in caplog.text, "the warning")
        campaign.gate.touch()
        wait_until(lambda: campaign.store.states([first])[first] == "done", "a result without a controller")
        cluster.start_controller()
        assert driver.result(timeout=120) == Counts(done=2)
    assert set(campaign.executions().values()) == {1}
    assert [attempt.outcome for attempt in campaign.store.attempts(second)] == ["done"]  # submitted when it answered


def test_a_node_s_daemon_that_dies_takes_no_job_with_it(campaign: Campaign, cluster: SlurmCluster) -> None:
    campaign.submit(1, gated=True, timeout_s=60.0)
    with campaign.running() as driver:
        campaign.wait_for_starts(1)
        cluster.kill_node()
        campaign.gate.touch()
        assert driver.result(timeout=120) == Counts(done=1)
    cluster.start_node()
    assert set(campaign.executions().values()) == {1}


@pytest.mark.slow
def test_a_node_that_crashes_goes_on_with_what_has_no_result(campaign: Campaign, cluster: SlurmCluster) -> None:
    [done] = campaign.submit(1, timeout_s=60.0)
    campaign.submit(2, gated=True, timeout_s=60.0)
    with campaign.running(tasks_per_job=3) as driver:
        campaign.wait_for_starts(2)
        wait_until(lambda: campaign.store.states([done])[done] == "done", "the first result")
        [(_, _, job_id)] = campaign.jobs()
        crash_node(job_id, cluster)
        wait_until(lambda: states_of(cluster, job_id) == {"PENDING"}, "the cluster to notice")
        campaign.gate.touch()
        cluster.start_node()
        assert driver.result(timeout=90) == Counts(done=3)
    assert campaign.executions() == {"start 0": 1, "start 1": 2, "start 2": 1}  # only what was running runs again
    assert len(campaign.jobs()) == 1  # the same job, queued again by the cluster


def test_a_cancelled_task_that_is_stopped_is_ended_on_the_cluster(campaign: Campaign, cluster: SlurmCluster) -> None:
    [key] = campaign.submit(1, gated=True, timeout_s=60.0)
    with campaign.running() as driver:
        campaign.wait_for_starts(1)
        job_id = campaign.jobs()[0][2]
        for pid in processes_of(job_id, cluster):
            os.kill(pid, signal.SIGSTOP)
        campaign.store.cancel([key])
        assert driver.result(timeout=120) == Counts(cancelled=1)
    wait_until(lambda: states_of(cluster, job_id) == {"CANCELLED"}, "the job's end")
    wait_until(lambda: not processes_of(job_id, cluster), "the end of its processes")
    campaign.gate.touch()
    time.sleep(0.2)
    assert "end" not in campaign.log.read_text()


def test_past_the_time_limit_of_its_job_a_task_has_timed_out(campaign: Campaign, cluster: SlurmCluster) -> None:
    running, waiting = campaign.submit(2, gated=True, max_attempts=1)
    with campaign.running(tasks_per_job=2, max_time_s=3600) as driver:
        campaign.wait_for_starts(1)
        job_id = campaign.jobs()[0][2]
        cluster.ask("scontrol", "update", f"jobid={job_id}", "EndTime=now+1")
        wait_until(lambda: campaign.store.states([running])[running] == "failed", "the time-out")
        campaign.gate.touch()
        assert driver.result(timeout=120) == Counts(done=1, failed=1)
    failure = campaign.store.failure(running)
    assert failure is not None
    assert failure.error_class == "timeout"
    assert [attempt.outcome for attempt in campaign.store.attempts(waiting)] == ["interrupted", "done"]


THIOPHENES = (
    "c1ccsc1",
    "Cc1cccs1",
    "Cc1ccsc1",
    "Fc1cccs1",
    "N#Cc1cccs1",
    "COc1cccs1",
    "O=Cc1cccs1",
    "Clc1cccs1",
    "CSc1cccs1",
    "Nc1cccs1",
    "Cc1ccc(C)s1",
    "Cc1cscc1C",
    "Fc1ccc(F)s1",
    "C#Cc1cccs1",
    "C=Cc1cccs1",
    "c1cc2ccsc2s1",
    "c1csc2ccsc12",
    "c1ccc2sccc2c1",
    "CCc1cccs1",
    "CN(C)c1cccs1",
)


@pytest.mark.slow
def test_xtb_gives_the_same_answers_on_the_cluster(campaign: Campaign) -> None:
    """Six molecules; ``HELIOSC_SLURM_MOLECULES=20`` takes all."""
    from heliosc.campaign.calculations import submit_four_points
    from heliosc.config import QCSettings

    molecules = THIOPHENES[: int(os.environ.get("HELIOSC_SLURM_MOLECULES", "6"))]
    with QCResultStore(campaign.folder / "local.db") as local:
        submit_four_points(local, molecules, QCSettings())
        assert run_tasks(local, n_workers=2) == Counts(done=len(molecules))
        expected = local.export()
    submit_four_points(campaign.store, molecules, QCSettings())
    with campaign.running(tasks_per_job=3, max_jobs=2) as driver:
        assert driver.result(timeout=600) == Counts(done=len(molecules))
    assert campaign.store.export() == expected
    print(f"{len(molecules)} molecules, canonical export {expected}, Slurm jobs {len(campaign.jobs())}")
