"""What a task costs beyond its own work, and what 100,000 queued tasks cost: heliosc beside Parsl, in one run.

Overhead is the time of a worker that each task takes beyond the same callable in a bare process: with two workers,
twice the time between first and last answer, a task, less the bare time. The work is CPU time, so that the driver has
to share the cores with its workers. Parsl's own figure has no durable store behind it: it is what carrying alone costs.

SQLite lies in HELIOSC_BENCH_FOLDER (by default the system's temporary folder: let it be a disk); PostgreSQL is measured
where HELIOSC_BENCH_POSTGRES holds a postgresql:// URL of a database for scratch.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliosc.execution import QCResultStore, TaskRequest, run_tasks

N_WORKERS = 2
WORK_MS = {0: 400, 10: 200, 50: 100}  # length of a task -> number of them
N_ROUNDS = 3
N_QUEUED = 100_000
N_CLAIMS = 500
RESULTS = Path(__file__).parent / "results" / "execution.json"

Clock = Callable[[int, int], tuple[float, float]]  # work in ms, number of tasks -> start-up s, worker ms a task


def spin(payload: dict[str, Any]) -> dict[str, Any]:
    """Use so much CPU time."""
    end = time.process_time() + payload["ms"] / 1000
    while time.process_time() < end:
        pass
    return {"x": payload["x"]}


def _bare(ms: int, n_tasks: int, answers: Any) -> None:
    spin({"ms": ms, "x": -1})
    began = time.perf_counter()
    for x in range(n_tasks):
        spin({"ms": ms, "x": x})
    answers.put(1000 * (time.perf_counter() - began) / n_tasks)


def direct(ms: int, n_tasks: int) -> tuple[float, float]:
    """The same callable in as many bare processes."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    began = time.perf_counter()
    processes = [context.Process(target=_bare, args=(ms, n_tasks // N_WORKERS, answers)) for _ in range(N_WORKERS)]
    for process in processes:
        process.start()
    times = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    wall_s = time.perf_counter() - began
    return wall_s - statistics.mean(times) * n_tasks / N_WORKERS / 1000, statistics.mean(times)


def heliosc_on(place: Callable[[], Any], *, parsl: bool = False) -> Clock:
    """Tasks through a store at a new place each time, on local workers or on Parsl's."""

    def clock(ms: int, n_tasks: int) -> tuple[float, float]:
        with place() as location, QCResultStore(location) as store:
            keys = store.submit_many(
                TaskRequest("bench_execution:spin", {"ms": ms, "x": x}) for x in range(n_tasks)
            ).keys
            ends: list[float] = []

            def note(event: dict[str, Any]) -> None:
                if event["state"] == "done":
                    ends.append(time.perf_counter())

            began = time.perf_counter()
            transport = _parsl_transport() if parsl else None
            run_tasks(store, keys, n_workers=None if parsl else N_WORKERS, transport=transport, on_event=note)
        return _measured(began, ends)

    return clock


def _parsl_transport() -> Any:
    from heliosc.execution.parsl.settings import ParslSettings
    from heliosc.execution.parsl.transport import ParslTransport
    from heliosc.execution.pool import WorkerSettings

    return lambda store: ParslTransport(ParslSettings(workers_per_node=N_WORKERS), WorkerSettings())


@contextmanager
def parsl_alone() -> Iterator[Clock]:
    """Parsl as its users use it: an app on a HighThroughputExecutor with as many workers."""
    import parsl
    from bench_execution import spin as importable  # from a script Parsl would send it without its imports
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor

    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        executor = HighThroughputExecutor(
            max_workers_per_node=N_WORKERS, cores_per_worker=0.001, address="127.0.0.1", encrypted=True
        )
        with parsl.load(Config(executors=[executor], run_dir=folder, initialize_logging=False)):
            app = parsl.python_app(importable)
            for future in [app({"ms": 50, "x": x}) for x in range(20)]:  # until every worker has come up
                future.result()
            start_s = time.perf_counter() - began

            def clock(ms: int, n_tasks: int) -> tuple[float, float]:
                ends: list[float] = []
                futures = [app({"ms": ms, "x": x}) for x in range(n_tasks)]
                for future in futures:
                    future.add_done_callback(lambda _: ends.append(time.perf_counter()))
                for future in futures:
                    future.result()
                return start_s, _measured(0.0, ends)[1]

            yield clock


def _measured(began: float, ends: list[float]) -> tuple[float, float]:
    ends.sort()
    return ends[0] - began, 1000 * N_WORKERS * (ends[-1] - ends[0]) / (len(ends) - 1)


# the places of stores


@contextmanager
def sqlite_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("HELIOSC_BENCH_FOLDER")) as folder:
        yield Path(folder) / "store.sqlite"


@contextmanager
def postgres_schema() -> Iterator[str]:
    import psycopg

    url, schema = os.environ["HELIOSC_BENCH_POSTGRES"], f"bench_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")  # a name of our own making
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


# 100,000 tasks


def queue(location: Path | str) -> dict[str, float]:
    """Rates of a long queue, and the most memory that submitting, claiming and running took."""
    figures = {}
    with QCResultStore(location) as store:
        began = time.perf_counter()
        keys = store.submit_many(TaskRequest("bench_execution:spin", {"ms": 0, "x": x}) for x in range(N_QUEUED)).keys
        figures["submitted_per_s"] = N_QUEUED / (time.perf_counter() - began)
        began = time.perf_counter()
        tasks = [store.claim("bench", 60, keys=keys[x : x + 100]) for x in range(N_CLAIMS)]
        figures["claimed_per_s"] = N_CLAIMS / (time.perf_counter() - began)
        for start in range(0, N_CLAIMS, 10):
            with store.transaction():
                for task in tasks[start : start + 10]:
                    store.release(task.key, task.token, "bench")
        began = time.perf_counter()
        with store.transaction():
            for x in range(N_CLAIMS):
                store.claim("bench", 60, keys=keys[x : x + 100])
        figures["claimed_together_per_s"] = N_CLAIMS / (time.perf_counter() - began)
        ends: list[float] = []
        run_tasks(
            store, keys, n_workers=N_WORKERS, stop=lambda: len(ends) >= N_CLAIMS,
            on_event=lambda event: ends.append(time.perf_counter()) if event["state"] == "done" else None,
        )  # fmt: skip
        figures["run_per_s"] = (len(ends) - 1) / (ends[-1] - ends[0])
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def queue_alone(place: Callable[[], Any]) -> dict[str, float]:
    """The same in a process of its own: its peak is then that of heliosc alone."""
    with place() as location:
        command = [sys.executable, __file__, "--queue", str(location)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout)


# the tables


def overheads(clocks: dict[str, Clock]) -> dict[str, dict[str, float]]:
    """Worker ms a task beyond the bare ones, by length of task, and the start-up; medians over interleaved rounds."""
    taken: dict[str, dict[int, list[float]]] = {name: {ms: [] for ms in WORK_MS} for name in ["direct", *clocks]}
    starts: dict[str, list[float]] = {name: [] for name in taken}
    for _ in range(N_ROUNDS):
        for ms, n_tasks in WORK_MS.items():
            for name, clock in {"direct": direct, **clocks}.items():
                start_s, each_ms = clock(ms, n_tasks)
                taken[name][ms].append(each_ms)
                starts[name].append(start_s)
    middle = {name: {ms: statistics.median(times) for ms, times in rows.items()} for name, rows in taken.items()}
    return {
        name: {
            **{f"{ms} ms": middle[name][ms] - (middle["direct"][ms] if name != "direct" else 0) for ms in WORK_MS},
            "start_s": statistics.median(starts[name]),
        }
        for name in middle
    }


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", *next(iter(rows.values())), title=title)
    for name, row in rows.items():
        table.add_row(name, *(f"{value:,.1f}" for value in row.values()))
    Console(width=140).print(table)


def main() -> None:
    if sys.argv[1:2] == ["--queue"]:
        location = sys.argv[2]
        print(json.dumps(queue(location if "://" in location else Path(location))))
        return
    logging.getLogger("parsl").setLevel(logging.ERROR)
    has_postgres = "HELIOSC_BENCH_POSTGRES" in os.environ
    load_before = os.getloadavg()[0]
    with parsl_alone() as parsl_clock:
        clocks: dict[str, Clock] = {"heliosc, SQLite": heliosc_on(sqlite_file)}
        if has_postgres:
            clocks["heliosc, PostgreSQL"] = heliosc_on(postgres_schema)
        clocks["heliosc on Parsl, SQLite"] = heliosc_on(sqlite_file, parsl=True)
        clocks["Parsl alone, nothing stored"] = parsl_clock
        overhead = overheads(clocks)
    show("ms of a worker a task: direct, then what each adds; start-up in s", overhead)
    places = {"SQLite": sqlite_file, **({"PostgreSQL": postgres_schema} if has_postgres else {})}
    queues = {name: queue_alone(place) for name, place in places.items()}
    show(f"{N_QUEUED:,} queued tasks", queues)
    load = {"before": load_before, "after": os.getloadavg()[0], "cores": float(os.cpu_count() or 0)}
    show("load average of the machine", {"": load})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"overhead": overhead, "queue": queues, "load": load}, indent=2) + "\n")


if __name__ == "__main__":
    main()
