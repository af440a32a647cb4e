"""A campaign of fake calculations that the torture kills and starts again; the same command always goes on.

``python torture_campaign.py STORE N_ROUNDS ROUND_SIZE EXPORT``: each round's tasks follow from the results of the
round before, as a campaign's selection does. Every start of a task goes into the file that FAKE_LOG names, and one
takes FAKE_SLEEP_S seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from heliosc.errors import TransientError
from heliosc.execution import QCResultStore, TaskRequest, run_tasks

N_WORKERS = 2


def calculation(payload: dict[str, Any]) -> dict[str, Any]:
    """Square of ``x``, by way of a program that takes its time and may be killed."""
    _append(f"start {payload['x']}")
    subprocess.Popen(["sleep", "300"], start_new_session=True)  # left behind by a careless program
    if subprocess.run(["sleep", os.environ["FAKE_SLEEP_S"]], check=False).returncode:
        raise TransientError("the program was killed; run it again")
    return {"square": payload["x"] ** 2, "text": "long " * 400}


def main(store_file: Path, n_rounds: int, round_size: int, export: Path) -> None:
    """Run the campaign from where it stands."""
    with QCResultStore(store_file) as store:
        chosen = range(round_size)
        for number in range(n_rounds):
            keys = store.submit_many(
                TaskRequest(
                    "torture_campaign:calculation",
                    {"x": number * 100_000_000 + x},
                    timeout_s=30,
                    max_attempts=20,
                )
                for x in chosen
            ).keys
            while run_tasks(store, keys, n_workers=N_WORKERS, on_event=_tell).n_final > len(store.results(keys)):
                store.retry(keys)  # one whose worker was killed twice
            chosen = select([store.result(key) for key in keys])
        store.export(export)


def select(results: list[Any]) -> list[int]:
    """As many numbers as there are results, which follow from all of them."""
    seed = hashlib.sha256(json.dumps(results, sort_keys=True).encode()).digest()
    digests = (hashlib.sha256(seed + index.to_bytes(4)).digest() for index in range(len(results)))
    return [int.from_bytes(digest[:2]) * 1_000 + index for index, digest in enumerate(digests)]


def _tell(event: dict[str, Any]) -> None:
    print(event["state"], flush=True)


def _append(line: str) -> None:
    handle = os.open(os.environ["FAKE_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line} {time.time()}\n".encode())
    os.close(handle)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
