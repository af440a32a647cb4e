"""kill -9 of the driver at random moments: nothing lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliosc.execution import Counts, QCResultStore, TaskRequest

N_TASKS = 60
N_KILLS = 6
N_WORKERS = 2
FAKES = Path(__file__).parents[1] / "unit" / "execution"
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - kill -9 does not depend on the disk
RUN = """
import sys
from pathlib import Path
from heliosc.execution import QCResultStore, run_tasks
store = QCResultStore(Path(sys.argv[1]))
run_tasks(store, n_workers=int(sys.argv[2]), on_event=lambda event: print(event["state"], flush=True))
"""


class Campaign:
    """A store full of fake tasks, and the command that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "executions.log"
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True)
        self.mark = f"FAKE_CAMPAIGN={uuid.uuid4().hex}"  # inherited by everything the driver starts
        self.store = QCResultStore(folder / "store.db")
        self.keys = self.store.submit_many(
            TaskRequest("fake_calculations:logged_square", {"x": x, "sleep_s": 0.05}) for x in range(N_TASKS)
        ).keys

    def start(self) -> subprocess.Popen[str]:
        name, _, value = self.mark.partition("=")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(FAKES), *(entry for entry in sys.path if entry)]),
            "FAKE_LOG": str(self.log),
            "TMPDIR": str(self.scratch),
            name: value,
        }
        command = [sys.executable, "-c", RUN, str(self.store.path), str(N_WORKERS)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def run_to_end(self) -> None:
        with self.start() as process:
            process.communicate(timeout=60)
        assert process.returncode == 0

    def executions(self) -> Counter[str]:
        """How often each task was started."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line.removeprefix("start ") for line in lines if line.startswith("start"))

    def finished(self) -> set[str]:
        """Tasks whose result is committed, by their x."""
        return {str(x) for x, key in enumerate(self.keys) if self.store.states([key])[key] == "done"}

    def living(self) -> dict[int, str]:
        """Pid and command of the processes that carry the campaign's mark."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it has just ended
                continue
        return found

    def wait_until_nothing_lives(self) -> None:
        deadline = time.monotonic() + 10
        while left := self.living():
            assert time.monotonic() < deadline, f"orphans 10 s later: {left}"
            time.sleep(0.05)


@pytest.fixture
def folder() -> Iterator[Path]:
    parent = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        yield Path(name)


def test_a_campaign_killed_at_random_moments_ends_as_if_undisturbed(folder: Path) -> None:
    undisturbed = Campaign(folder / "undisturbed")
    undisturbed.run_to_end()
    assert set(undisturbed.executions().values()) == {1}
    undisturbed.wait_until_nothing_lives()

    killed = Campaign(folder / "killed")
    moments = random.Random(20261122)
    for _ in range(N_KILLS):
        with killed.start() as process:
            assert process.stdout is not None
            process.stdout.readline()  # at work
            time.sleep(moments.uniform(0, 0.2))
            process.kill()
        finished, executed = killed.finished(), killed.executions()
        killed.wait_until_nothing_lives()
        with killed.start() as process:  # and once more, killed before or while it starts its workers
            time.sleep(moments.uniform(0, 0.2))
            process.kill()
        assert {x: killed.executions()[x] for x in finished} == {x: executed[x] for x in finished}
    assert 0 < len(killed.finished()) < N_TASKS  # the kills came in the middle
    killed.run_to_end()

    assert killed.store.counts() == Counts(done=N_TASKS)
    assert [killed.store.result(key)["square"] for key in killed.keys] == [x**2 for x in range(N_TASKS)]
    assert killed.store.export() == undisturbed.store.export()
    assert sum(killed.executions().values()) - N_TASKS <= 2 * N_KILLS * N_WORKERS  # those in flight
    killed.wait_until_nothing_lives()
    assert list(killed.scratch.iterdir()) == []
    for campaign in (undisturbed, killed):
        campaign.store.close()


def test_the_programs_of_a_killed_worker_die_with_it(folder: Path) -> None:
    campaign = Campaign(folder / "worker")
    with campaign.start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = [pid for pid, command in campaign.living().items() if "heliosc.execution.worker" in command]
        os.kill(workers[0], signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert campaign.store.counts() == Counts(done=N_TASKS)
    campaign.wait_until_nothing_lives()
    campaign.store.close()
