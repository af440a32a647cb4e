"""What tracking costs a run: time of 1,000 calls, and of the end, beside MLflow's own client called directly.

``make bench-tracking`` writes ``benchmarks/results/tracking.json``. The silent server takes connections and never
answers; at the dead address nobody listens.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from heliosc.tracking import TrackingSettings, open_tracker

N = 1_000
N_DIRECT = 20  # calls of the peer to an address that does not answer would take hours
TIMEOUT_S = 2.0
RESULTS = Path(__file__).parent / "results" / "tracking.json"


def journal(settings: TrackingSettings, folder: Path) -> dict[str, float]:
    """Seconds of ``N`` calls and of closing, with heliosc's journal and sender."""
    start = time.perf_counter()
    with open_tracker(folder, settings, name="bench", kind="test") as tracker:
        for step in range(N):
            tracker.metrics({"loss": 1.0 / (step + 1)}, step=step)
        told = time.perf_counter()
    end = time.perf_counter()
    return {"ms_a_call": 1_000 * (told - start) / N, "end_s": end - told}


def direct(address: str, n: int) -> dict[str, float]:
    """Seconds of ``n`` calls of MLflow's own client, with its default retries cut to one."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"], os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "0", "2"
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=address)
    run_id, n_failed = "none", 0
    if address.startswith("sqlite"):
        run_id = client.create_run(client.create_experiment("direct")).info.run_id
    start = time.perf_counter()
    for step in range(n):
        try:
            client.log_metric(run_id, "loss", 1.0 / (step + 1), step=step)
        except MlflowException:
            n_failed += 1
    return {"ms_a_call": 1_000 * (time.perf_counter() - start) / n, "failed_calls": n_failed}


def main() -> None:
    """Measure, print, write."""
    found: dict[str, dict[str, Any]] = {}

    def measure(name: str, call: Callable[[], dict[str, float]]) -> None:
        found[name] = call()
        print(name, found[name], flush=True)

    with (
        tempfile.TemporaryDirectory() as name,
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.socket() as dead,
    ):
        folder = Path(name)
        dead.bind(("127.0.0.1", 0))
        addresses = {
            "sqlite": f"sqlite:///{folder / 'mlflow.db'}",
            "dead address": f"http://127.0.0.1:{dead.getsockname()[1]}",
            "silent server": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        measure("journal alone", lambda: journal(TrackingSettings(), folder / "alone"))
        for place, address in addresses.items():
            limit = 300.0 if place == "sqlite" else TIMEOUT_S  # the one that answers gets the time it needs
            settings = TrackingSettings(mlflow=address, timeout_s=limit)
            measure(f"journal, MLflow {place}", lambda s=settings, p=place: journal(s, folder / p))
        measure("MLflow direct, sqlite", lambda: direct(addresses["sqlite"] + "2", 200))
        measure("MLflow direct, dead address", lambda: direct(addresses["dead address"], N_DIRECT))
        measure("MLflow direct, silent server", lambda: direct(addresses["silent server"], N_DIRECT))
    RESULTS.write_text(json.dumps({"calls": N, "timeout_s": TIMEOUT_S, "figures": found}, indent=1) + "\n")
    _print(found)


def _print(found: dict[str, dict[str, Any]]) -> None:
    table = Table(title=f"Tracking: {N} calls; the end of a place that answers nothing is at most {TIMEOUT_S:g} s")
    for column in ("what", "ms a call", "end, s", "failed calls"):
        table.add_column(column)
    for name, figures in found.items():
        end = figures.get("end_s")
        table.add_row(
            name,
            f"{figures['ms_a_call']:.3f}",
            "-" if end is None else f"{end:.2f}",
            str(figures.get("failed_calls", 0)),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
