"""How quickly a store takes tasks and hands them out when many are queued, and how much memory that needs.

Run as ``python benchmarks/store_rates.py LOCATION N_TASKS`` in a process of its own, so that the peak memory is that of
the store alone; prints one line of JSON. ``bench_execution.py`` starts it for a file and for a PostgreSQL server.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

from heliosc.execution import QCResultStore, TaskRequest

BATCH = 1_000
N_CLAIMS = 500
LOOK_AHEAD = 100  # keys that a driver offers to one claim


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measured(location: str, n_tasks: int) -> dict[str, float]:
    """Rates in tasks per second, times in seconds, peak resident memory in MB."""
    with QCResultStore(location) as store:

        def submit() -> None:
            for start in range(0, n_tasks, BATCH):
                store.submit_many(request(x) for x in range(start, min(start + BATCH, n_tasks)))

        def claim_any() -> None:
            for _ in range(N_CLAIMS):
                store.claim("bench", 3_600.0)

        def claim_offered() -> None:
            for start in range(0, N_CLAIMS * LOOK_AHEAD, LOOK_AHEAD):
                store.claim("bench", 3_600.0, keys=keys[start % (n_tasks // 2) :][:LOOK_AHEAD])

        def claim_together() -> None:
            with store.transaction():
                claim_any()

        submit_s, resubmit_s = seconds(submit), seconds(submit)
        keys = list(store.states())[n_tasks // 2 :]
        figures = {
            "n_tasks": n_tasks,
            "submit_per_s": n_tasks / submit_s,
            "resubmit_per_s": n_tasks / resubmit_s,
            "submit_at_once_s": seconds(lambda: store.submit_many(request(x) for x in range(n_tasks, 2 * n_tasks))),
            "claim_per_s": N_CLAIMS / seconds(claim_any),
            "claim_among_keys_per_s": N_CLAIMS / seconds(claim_offered),
            "claim_in_one_transaction_per_s": N_CLAIMS / seconds(claim_together),
            "export_s": seconds(store.export),
            "check_s": seconds(store.check),
        }
        figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return figures


def request(x: int) -> TaskRequest:
    """A task as the campaign submits them: a payload of some hundred characters and an identity."""
    molecule = {"smiles": f"c1ccsc1C{x}", "charge": 0, "method": "GFN2-xTB", "keywords": ["opt", "tight"]}
    return TaskRequest("package.module:compute", {**molecule, "folder": f"calculations/{x:06d}"}, identity=molecule)


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
