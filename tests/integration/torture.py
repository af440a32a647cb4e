"""kill -9 of driver, worker, program or guard at random moments of a campaign, until it is through.

``python tests/integration/torture.py --rounds 20 --round-size 100 --kills 200`` prints the figures as JSON and ends
with 1 if a promise was broken. ``make torture`` is the long form, a test of the fast suite the short one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from heliosc.execution import QCResultStore

HERE = Path(__file__).parent
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - kill -9 does not depend on the disk
ORPHAN_LIMIT_S = 10.0
# what is killed, and how often relative to the others; "start" is a driver that is not yet at work
VICTIMS = {"driver": 5, "start": 2, "worker": 3, "program": 2, "guard": 1}
COMMANDS = {"worker": "heliosc.execution.worker", "program": "sleep 0", "guard": "heliosc.execution.guard"}


class Campaign:
    """The folder of one campaign and the command that runs it.

    Parameters
    ----------
    folder : new folder for store, log, scratch and export
    n_rounds, round_size, sleep_s : see ``torture_campaign``
    """

    def __init__(self, folder: Path, *, n_rounds: int, round_size: int, sleep_s: float) -> None:
        folder.mkdir(parents=True)
        self.store = folder / "store.sqlite"
        self.log = folder / "executions.log"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.exported = folder / "export.jsonl"
        self.mark = f"FAKE_CAMPAIGN={uuid.uuid4().hex}"  # inherited by everything that the driver starts
        self._sleep_s = sleep_s
        self._arguments = [str(self.store), str(n_rounds), str(round_size), str(self.exported)]

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start the driver; its standard output tells each change."""
        name, _, value = self.mark.partition("=")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)]),
            "FAKE_LOG": str(self.log),
            "FAKE_SLEEP_S": str(self._sleep_s),
            "TMPDIR": str(self.scratch),
            name: value,
            **variables,
        }
        command = [sys.executable, str(HERE / "torture_campaign.py"), *self._arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def run_to_end(self) -> None:
        """Run without a disturbance until the end; tasks that failed for good are asked for again."""
        with self.start() as process:
            process.communicate()
        if process.returncode:
            raise RuntimeError(f"the campaign ended with exit code {process.returncode}")

    def executions(self) -> Counter[str]:
        """How often each task was started."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line.split()[1] for line in lines)

    def committed(self) -> set[str]:
        """Tasks whose result is in the store, asked without the code under test."""
        if not self.store.exists():
            return set()
        with closing(sqlite3.connect(self.store, timeout=60)) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return set()
            query = "SELECT json_extract(t.payload, '$.x') FROM tasks t JOIN results r ON r.key = t.key"
            return {str(x) for (x,) in connection.execute(query)}

    def living(self, command: str = "") -> dict[int, str]:
        """Pid and command line of what the campaign started and of which the command line holds this text."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it has just ended
                continue
        return {pid: line for pid, line in found.items() if command in line}

    def orphans(self) -> dict[int, str]:
        """What still lives when it should not, after the time it is given to end."""
        deadline = time.monotonic() + ORPHAN_LIMIT_S
        while (left := self.living()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left


class Torture:
    """Kills a campaign and keeps the books.

    Parameters
    ----------
    campaign : not yet started
    seed : of the moments and the victims
    """

    def __init__(self, campaign: Campaign, *, seed: int) -> None:
        self._campaign = campaign
        self._random = random.Random(seed)
        self._when_committed: dict[str, int] = {}  # task -> executions when its result was first seen committed
        self.killed: Counter[str] = Counter()
        self.n_orphans = 0

    def run(self, n_kills: int) -> None:
        """Kill so often, then let the campaign end."""
        process: subprocess.Popen[str] | None = None
        while self.killed.total() < n_kills:
            victim = self._random.choices(list(VICTIMS), weights=list(VICTIMS.values()))[0]
            if process is None:
                process = self._campaign.start()
            if process.poll() is not None:
                raise RuntimeError(f"the campaign ended after {self.killed.total()} kills: give it more tasks")
            if victim != "start" and process.stdout is not None:
                process.stdout.readline()  # at work
            time.sleep(self._random.uniform(0, 0.3))
            if self._kill(victim, process):
                process = None
        if process is not None:
            self._end_driver(process)
        self._campaign.run_to_end()

    def n_executed_after_commit(self) -> int:
        """Executions of tasks whose results were committed already."""
        executions = self._campaign.executions()
        return sum(executions[x] - before for x, before in self._when_committed.items())

    def _kill(self, victim: str, process: subprocess.Popen[str]) -> bool:
        """Returns whether that was the driver's end."""
        if victim in ("driver", "start"):
            self._end_driver(process)
            self.killed[victim] += 1
            return True
        living = list(self._campaign.living(COMMANDS[victim]))
        if living:
            self._kill_process(self._random.choice(living))
            self.killed[victim] += 1
        return False

    def _end_driver(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()
        orphans = self._campaign.orphans()
        self.n_orphans += len(orphans)
        for pid in orphans:
            self._kill_process(pid)
        executions = self._campaign.executions()
        for x in self._campaign.committed().difference(self._when_committed):
            self._when_committed[x] = executions[x]

    def _kill_process(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def torture(
    folder: Path, *, n_rounds: int, round_size: int, n_kills: int, sleep_s: float, seed: int
) -> dict[str, object]:
    """Run a campaign undisturbed and the same one killed; returns the figures."""
    started = time.monotonic()
    size = {"n_rounds": n_rounds, "round_size": round_size}
    undisturbed = Campaign(folder / "undisturbed", sleep_s=0.0, **size)
    undisturbed.run_to_end()
    killed = Campaign(folder / "killed", sleep_s=sleep_s, **size)
    books = Torture(killed, seed=seed)
    books.run(n_kills)
    books.n_orphans += len(killed.orphans())
    n_tasks = n_rounds * round_size
    with QCResultStore(killed.store) as store:
        store.check()
        n_doubled = sum(len([a for a in store.attempts(key) if a.outcome == "done"]) - 1 for key in store.states())
    return {
        "tasks": n_tasks,
        "kills": books.killed.total(),
        "killed": dict(sorted(books.killed.items())),
        "lost": n_tasks - len(killed.committed()),
        "doubled": n_doubled,
        "executed after commit": books.n_executed_after_commit(),
        "executed again (in flight when killed)": killed.executions().total() - n_tasks,
        "orphans": books.n_orphans,
        "scratch folders left": len(list(killed.scratch.iterdir())),
        "export hash": _digest(killed.exported),
        "export hash undisturbed": _digest(undisturbed.exported),
        "wall_s": round(time.monotonic() - started, 1),
    }


def broken_promises(figures: dict[str, object]) -> list[str]:
    """Names of the figures that are not what was promised."""
    zero = ("lost", "doubled", "executed after commit", "orphans", "scratch folders left")
    differs = figures["export hash"] != figures["export hash undisturbed"]
    return [name for name in zero if figures[name]] + ["export hash"] * differs


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--round-size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sleep", type=float, default=0.1, help="seconds that a fake calculation takes")
    parser.add_argument("--seed", type=int, default=20261122)
    wanted = parser.parse_args()
    parent = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="heliosc-torture-", dir=parent))
    try:
        figures = torture(
            folder,
            n_rounds=wanted.rounds,
            round_size=wanted.round_size,
            n_kills=wanted.kills,
            sleep_s=wanted.sleep,
            seed=wanted.seed,
        )
    finally:
        shutil.rmtree(folder)
    broken = broken_promises(figures)
    print(json.dumps({**figures, "broken": broken}, indent=2))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
