"""Merging data sets: rows a second of each stage, peak memory, and what 10.5 million rows would take.

Rows in the exact form of csce_gap_synth are made by joining SMILES of the embedded library end to end (elements C F H
N O S), with 2 % duplicates and some unreadable rows. The peer is the plain way: one pandas loop over the same rows
that parses, writes canonical SMILES and InChIKey, computes the SA score, and groups by InChIKey.

    python benchmarks/bench_data.py                     20,000 rows
    python benchmarks/bench_data.py --rows 1000000 --work /tmp/bench --no-peer    resumable with the same command

Writes ``benchmarks/results/data.json`` (``data_ROWS.json`` for other numbers of rows).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console
from rich.table import Table

from heliosc.datasets.declaration import shipped_source
from heliosc.datasets.library.load import library_smiles
from heliosc.datasets.locate import given_files
from heliosc.datasets.merge import MergeProgress, MergeReport, MergeSettings, merge

FULL_ROWS = 10_502_904
DEFAULT_ROWS = 20_000
PEER_ROWS = 2_000
BRIDGES = ("", "C", "C=C", "C#C", "O", "N", "CC", "S", "NC", "CO")
RESULTS = Path(__file__).parent / "results"
console = Console()


def csce_rows(n_rows: int, *, seed: int = 0) -> Iterator[str]:
    """Lines of a csce-format file."""
    rng = random.Random(seed)
    letters = set("CFHNOScnos[]()=#123456789+-H")
    known = [text for text in library_smiles() if set(text) <= letters and "Se" not in text and "Si" not in text]
    heads = sorted(text for text in known if len(text) <= 34 and _joins(f"{text}C"))
    tails = sorted(text for text in known if len(text) <= 22 and _joins(f"C{text}"))
    n_molecules = len(heads) * len(BRIDGES) * len(tails)
    step = 7_368_787  # prime: visits every molecule once
    yield "id,smiles,n_atoms,gap,synth\n"
    for row in range(n_rows):
        index = (row - 49 if row % 50 == 49 else row) * step % n_molecules  # every fiftieth repeats another row
        index, tail = divmod(index, len(tails))
        index, bridge = divmod(index, len(BRIDGES))
        smiles = "not a molecule" if row % 10_000 == 77 else heads[index] + BRIDGES[bridge] + tails[tail]
        yield f"{row},{smiles},{len(smiles)},{rng.uniform(2, 6):.4f},{rng.uniform(1, 5):.3f}\n"


def _joins(text: str) -> bool:
    from heliosc.chemistry.identity import parse_smiles
    from heliosc.errors import InputError

    try:
        parse_smiles(text)
    except InputError:
        return False
    return True


class MemoryWatch(threading.Thread):
    """Largest proportional set size of this process and its children, bytes, looked at twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.5):
            self.peak = max(self.peak, sum(_memory(process) for process in _family()))


def _family() -> list[Path]:
    own = os.getpid()
    return [p for p in Path("/proc").iterdir() if p.name.isdigit() and own in (int(p.name), _parent(p))]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return -1


def _memory(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def run_merge(n_rows: int, work: Path, n_workers: int) -> tuple[MergeReport, int]:
    """Merge generated rows; returns the report and the peak memory in bytes."""
    file = work / "csce_gap_synth.csv"
    if not file.is_file():
        with file.with_suffix(".part").open("w") as stream:
            stream.writelines(csce_rows(n_rows))
        file.with_suffix(".part").replace(file)
    settings = MergeSettings(work / "store", work / "raw" / "all_mols.csv", n_workers=n_workers)
    watch = MemoryWatch()
    watch.start()
    report = merge([given_files(shipped_source("csce_gap_synth"), file)], settings, listener=_tell)
    watch.is_over.set()
    watch.join()
    return report, watch.peak


_last_told = 0.0


def _tell(step: MergeProgress) -> None:
    global _last_told
    if time.monotonic() - _last_told > 20:
        _last_told = time.monotonic()
        console.print(f"{step.stage} {100 * step.done / max(1, step.total):.1f} %  {step.n_rows:,} rows")


def run_peer(file: Path, n_rows: int) -> float:
    """Rows a second of the plain pandas loop."""
    import pandas as pd
    from rdkit import Chem

    from heliosc.chemistry.synthesizability import sa_score

    start = time.perf_counter()
    frame = pd.read_csv(file, nrows=n_rows)
    molecules = [Chem.MolFromSmiles(text) for text in frame["smiles"]]
    frame["smiles"] = [Chem.MolToSmiles(m) if m else None for m in molecules]
    frame["inchikey"] = [Chem.MolToInchiKey(m) if m else None for m in molecules]
    frame["sa"] = [sa_score(m) if m else None for m in molecules]
    frame.dropna(subset="inchikey").groupby("inchikey").median(numeric_only=True)
    return n_rows / (time.perf_counter() - start)


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=None, help="kept, so that the same command resumes")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="bench_data."))
    work.mkdir(parents=True, exist_ok=True)
    try:
        cpu = os.times()
        report, peak = run_merge(options.rows, work, options.workers)
        spent = os.times()
        peer = None if options.no_peer else run_peer(work / "csce_gap_synth.csv", min(PEER_ROWS, options.rows))
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)
    cpu_seconds = sum(spent[:4]) - sum(cpu[:4])
    show(report, options.rows, options.workers, peak, peer, cpu_seconds)


def show(report: MergeReport, n_rows: int, n_workers: int, peak: int, peer: float | None, cpu_seconds: float) -> None:
    """The table, and the JSON beside this file."""
    table = Table(title=f"merge of {n_rows:,} csce-format rows, {n_workers} workers", title_justify="left")
    for column in ("stage", "seconds", "rows/s", "hours for 10.5 M rows"):
        table.add_column(column, justify="right" if column != "stage" else "left")
    stages = {**report.seconds, "all": sum(report.seconds.values())}
    for stage, seconds in stages.items():
        table.add_row(stage, f"{seconds:.1f}", f"{n_rows / seconds:,.0f}", f"{FULL_ROWS * seconds / n_rows / 3600:.2f}")
    if peer is not None:
        table.add_row("peer: pandas loop", "", f"{peer:,.0f}", f"{FULL_ROWS / peer / 3600:.2f}")
    console.print(table)
    (count,) = report.sources
    console.print(
        f"rows {count.n_rows:,} = kept {count.n_kept:,} + duplicates {count.n_duplicates:,} + quarantined "
        f"{count.n_quarantined:,}; peak memory {peak / 2**20:,.0f} MiB; {1e3 * cpu_seconds / n_rows:.2f} ms of CPU a "
        f"row; {report.n_reused} shards reused"
    )
    console.print("The peer has no descriptors but the SA score, no long store, no quarantine and holds all in memory.")
    result = {
        "rows": n_rows,
        "workers": n_workers,
        "load_average": os.getloadavg(),
        "seconds": report.seconds,
        "rows_per_s": {stage: n_rows / seconds for stage, seconds in stages.items()},
        "hours_for_10.5M": FULL_ROWS * stages["all"] / n_rows / 3600,
        "cpu_ms_per_row": 1e3 * cpu_seconds / n_rows,
        "peak_memory_MiB": peak / 2**20,
        "peer_rows_per_s": peer,
        "counts": {"kept": count.n_kept, "duplicates": count.n_duplicates, "quarantined": count.n_quarantined},
        "shards_reused": report.n_reused,
    }
    RESULTS.mkdir(exist_ok=True)
    name = "data.json" if n_rows == DEFAULT_ROWS else f"data_{n_rows}.json"
    (RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
