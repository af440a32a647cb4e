"""Reading recorded outputs: heliosc against cclib, the same files in the same run.

Counts, for each program, the files that hold a usable result according to each reader, and the CPU seconds spent. cclib
is asked for the file as a user would ask it: a result counts for it when it returns data with an energy and does not
say that the run failed. Then one output of 62 MiB (an optimisation of ORCA with its middle repeated), for time and
memory. Prints tables and writes ``benchmarks/results/parse_logs.json``. The outputs are reference data
(``HELIOSC_REFERENCE_DATA``, by default ../shared/data).
"""

from __future__ import annotations

import json
import logging
import os
import resource
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from cclib.io.ccio import ccread
from rich.console import Console
from rich.table import Table

from heliosc.qc.logs.folder import FolderReport, read_file, read_folder
from heliosc.qc.logs.jobs import LogJob

REPOSITORY = Path(__file__).parents[1]
LOGS = Path(os.environ.get("HELIOSC_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data")) / "qc-logs"
RESULTS = Path(__file__).parent / "results" / "parse_logs.json"
CYCLES = ("GEOMETRY OPTIMIZATION CYCLE   2", "GEOMETRY OPTIMIZATION CYCLE   3")


def cclib_says_success(path: Path) -> bool | None:
    """Whether cclib gives a result; ``None`` when it raises."""
    try:
        data = ccread(str(path), loglevel=logging.CRITICAL)
    except Exception:  # noqa: BLE001 - which exceptions it raises is part of what is measured
        return None
    return bool(data is not None and len(getattr(data, "scfenergies", ())) and data.metadata.get("success", False))


def compare(report: FolderReport) -> tuple[dict[str, Counter[str]], float]:
    """Counts by program, and the CPU seconds of cclib."""
    programs = {item.source.file: item.program or "none" for item in (*report.jobs, *report.failures)}
    ours = {job.source.file for job in report.jobs}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    began = time.process_time()
    for name, program in programs.items():
        theirs = cclib_says_success(LOGS / name)
        counts[program]["files"] += 1
        counts[program]["heliosc: usable"] += name in ours
        counts[program]["heliosc: refused with reason"] += name not in ours
        counts[program]["cclib: success"] += bool(theirs)
        counts[program]["cclib: raises"] += theirs is None
        counts[program]["cclib: success, heliosc refuses"] += bool(theirs) and name not in ours
    return counts, time.process_time() - began


def huge_output(size_mb: int = 62) -> dict[str, float]:
    """CPU seconds and peak memory of one very large optimisation."""
    text = (LOGS / "cclib/ORCA6.0/dvb_gopt.out").read_text(errors="replace")
    start, end = (text.index(mark) for mark in CYCLES)
    middle = text[start:end]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "huge.out"
        path.write_text(text[:start] + middle * (size_mb * 2**20 // len(middle)) + text[end:])
        began = time.process_time()
        (job,) = read_file(path, name=path.name)
        seconds = time.process_time() - began
    if not isinstance(job, LogJob):
        raise SystemExit(f"the large output was refused: {job.reason}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"size_mb": size_mb, "cpu_s": seconds, "peak_memory_of_process_mb": peak_mb}


def main() -> None:
    if not LOGS.is_dir():
        raise SystemExit(
            f"REFERENCE DATA MISSING: {LOGS}; set HELIOSC_REFERENCE_DATA to the folder that holds qc-logs/"
        )
    huge = huge_output()
    began = time.process_time()
    report = read_folder(LOGS)
    ours_s = time.process_time() - began
    counts, theirs_s = compare(report)
    table = Table(title=f"CPU seconds: heliosc {ours_s:.2f}, cclib {theirs_s:.2f}")
    names = list(next(iter(counts.values())))
    for column in ("program", *names):
        table.add_column(column)
    for program, row in sorted(counts.items()):
        table.add_row(program, *(str(row[name]) for name in names))
    console = Console(width=160)
    console.print(table)
    console.print(f"{huge['size_mb']} MiB: {huge['cpu_s']:.2f} s CPU, {huge['peak_memory_of_process_mb']:.0f} MiB")
    result: dict[str, Any] = {
        "heliosc_cpu_s": ours_s,
        "cclib_cpu_s": theirs_s,
        "programs": {program: dict(row) for program, row in sorted(counts.items())},
        "huge": huge,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
