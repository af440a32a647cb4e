#!/usr/bin/env python3
"""FAKE: not Slurm. Stands for sbatch, squeue, scontrol, sacct and scancel, to test unclear and rare answers.

Called as ``fake_slurm.py FOLDER PROGRAM ARGUMENTS``. Jobs are files ``FOLDER/jobs/ID_ELEMENT`` that tests write too;
nothing is ever run. ``FOLDER/mode`` picks how the programs answer:

``ok``; ``queues-and-times-out`` (sbatch queues the job and reports a socket time-out); ``times-out`` (it does not
queue it); ``queues-and-hangs``; ``refuses``; ``limit`` (too many jobs); ``down`` (no controller)
"""

import json
import sys
import time
from pathlib import Path

home, program, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
mode = (home / "mode").read_text()
options = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments if argument.startswith("--"))
jobs = [json.loads(path.read_text()) for path in sorted((home / "jobs").iterdir())]
with (home / "calls").open("a") as calls:
    calls.write(f"{program} {' '.join(arguments)}\n")


def fail(message: str, code: int = 1) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


def queue_job() -> int:
    number = 1 + max((int(job["id"]) for job in jobs), default=0)
    last = options.get("array", "").partition("-")[2]
    for element in range(int(last) + 1) if last else ["N/A"]:
        job = {
            "id": number,
            "element": element,
            "state": "PENDING",
            "reason": "None",
            "name": options["job-name"],
            "folder": options["chdir"],
        }
        (home / "jobs" / f"{number}_{element}".replace("/", "")).write_text(json.dumps(job))
    return number


if mode == "down":
    fail(f"{program}: error: Unable to contact slurm controller (connect failure)")
if program == "sbatch":
    if mode == "refuses":
        fail("sbatch: error: Batch job submission failed: Invalid partition name specified")
    if mode == "limit":
        fail(
            "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates "
            "accounting/QOS policy (job submit limit, user's size and/or time limits)"
        )
    queued = None if mode == "times-out" else queue_job()
    if mode == "queues-and-hangs":
        time.sleep(60)
    if mode != "ok":
        fail("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
    print(queued)
elif program == "squeue":
    for job in jobs:
        if job["state"] != "GONE":
            print(job["id"], job["element"], job["state"], job["reason"], job["name"], job["folder"], sep="|")
elif program == "scontrol":
    fail("slurm_load_jobs error: Invalid job id specified")
elif program == "sacct":
    if not (home / "accounting").exists():
        fail("Slurm accounting storage is disabled")
    print((home / "accounting").read_text(), end="")
