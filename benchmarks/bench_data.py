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
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
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


class Watch(threading.Thread):
    """CPU time of each stage over all processes, and the largest memory they held together.

    CPU time does not depend on what else the machine does. Both go on from ``file`` where an interrupted run left them.

    Attributes
    ----------
    peak : proportional set size of this process and its children, bytes
    cpu, wall : stage -> seconds
    """

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        known = json.loads(file.read_text()) if file.is_file() else {}
        self.file = file
        self.peak: int = known.get("peak", 0)
        self.cpu: Counter[str] = Counter(known.get("cpu", {}))
        self.wall: Counter[str] = Counter(known.get("wall", {}))
        self.stage = "convert"
        self.is_over = threading.Event()
        self._workers: dict[int, float] = {}
        self._own = time.process_time()
        self._looked = time.perf_counter()

    def run(self) -> None:
        while not self.is_over.wait(1.0):
            self.look()
        self.look()

    def look(self) -> None:
        """Take note of what was spent since the last look; this thread's own time is not counted."""
        children = _children()
        spent = 0.0
        for child in children:
            now = _cpu_seconds(child)
            spent += max(0.0, now - self._workers.get(child, 0.0))
            self._workers[child] = now
        own = time.process_time() - time.thread_time()
        spent += max(0.0, own - self._own)
        self._own = own
        now = time.perf_counter()
        self.cpu[self.stage] += spent
        self.wall[self.stage] += now - self._looked
        self._looked = now
        self.peak = max(self.peak, sum(_memory(process) for process in (os.getpid(), *children)))
        scratch = self.file.with_suffix(".part")
        scratch.write_text(json.dumps({"peak": self.peak, "cpu": self.cpu, "wall": self.wall}))
        scratch.replace(self.file)

    def hear(self, step: MergeProgress) -> None:
        """A listener of the merge."""
        self.stage = step.stage
        _tell(step)


def _children() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]


def _cpu_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def run_merge(n_rows: int, work: Path, n_workers: int) -> tuple[MergeReport, Watch]:
    """Merge generated rows; returns the report and what was spent."""
    file = work / "csce_gap_synth.csv"
    if not file.is_file():
        with file.with_suffix(".part").open("w") as stream:
            stream.writelines(csce_rows(n_rows))
        file.with_suffix(".part").replace(file)
    settings = MergeSettings(work / "store", work / "raw" / "all_mols.csv", n_workers=n_workers)
    watch = Watch(work / "spent.json")
    watch.start()
    report = merge([given_files(shipped_source("csce_gap_synth"), file)], settings, listener=watch.hear)
    watch.is_over.set()
    watch.join()
    return report, watch


_last_told = 0.0


def _tell(step: MergeProgress) -> None:
    global _last_told
    if time.monotonic() - _last_told > 20:
        _last_told = time.monotonic()
        console.print(f"{step.stage} {100 * step.done / max(1, step.total):.1f} %  {step.n_rows:,} rows")


@dataclass(frozen=True, slots=True)
class Peer:
    """How fast the plain way is."""

    rows_per_s: float
    cpu_ms: float


def run_peer(file: Path, n_rows: int) -> Peer:
    """The plain pandas loop."""
    import pandas as pd
    from rdkit import Chem, RDConfig

    sys.path.append(str(Path(RDConfig.RDContribDir) / "SA_Score"))
    import sascorer

    sascorer.calculateScore(Chem.MolFromSmiles("C"))  # its table is loaded before the clock starts
    start, cpu = time.perf_counter(), time.process_time()
    frame = pd.read_csv(file, nrows=n_rows)
    molecules = [Chem.MolFromSmiles(text) for text in frame["smiles"]]
    frame["smiles"] = [Chem.MolToSmiles(m) if m else None for m in molecules]
    frame["inchikey"] = [Chem.MolToInchiKey(m) if m else None for m in molecules]
    frame["sa"] = [sascorer.calculateScore(m) if m else None for m in molecules]
    frame.dropna(subset="inchikey").groupby("inchikey").median(numeric_only=True)
    return Peer(n_rows / (time.perf_counter() - start), 1e3 * (time.process_time() - cpu) / n_rows)


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
        report, spent = run_merge(options.rows, work, options.workers)
        peer = None if options.no_peer else run_peer(work / "csce_gap_synth.csv", min(PEER_ROWS, options.rows))
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)
    show(report, spent, peer, n_rows=options.rows, n_workers=options.workers)


def show(report: MergeReport, spent: Watch, peer: Peer | None, *, n_rows: int, n_workers: int) -> None:
    """The table, and the JSON beside this file."""
    table = Table(title=f"merge of {n_rows:,} csce-format rows, {n_workers} workers", title_justify="left")
    for column in ("stage", "seconds", "rows/s", "CPU ms a row", "hours for 10.5 M rows", "the same on 2 free cores"):
        table.add_column(column, justify="right" if column != "stage" else "left")
    stages = {stage: (spent.wall[stage], spent.cpu[stage]) for stage in report.seconds}
    stages["all"] = (sum(spent.wall.values()), sum(spent.cpu.values()))
    if peer is not None:
        stages["peer: pandas loop"] = (n_rows / peer.rows_per_s, n_rows * peer.cpu_ms / 1e3)
    for stage, (wall, cpu) in stages.items():
        is_peer = "peer" in stage
        on_free_cores = cpu if is_peer else cpu / 2
        hours = (f"{FULL_ROWS * seconds / n_rows / 3600:.2f}" for seconds in (wall, on_free_cores))
        elapsed = "" if is_peer else f"{wall:.1f}"
        table.add_row(stage, elapsed, f"{n_rows / wall:,.0f}", f"{1e3 * cpu / n_rows:.2f}", *hours)
    console.print(table)
    (count,) = report.sources
    console.print(
        f"rows {count.n_rows:,} = kept {count.n_kept:,} + duplicates {count.n_duplicates:,} + quarantined "
        f"{count.n_quarantined:,}; peak memory of all processes {spent.peak / 2**20:,.0f} MiB; "
        f"{report.n_reused} shards of an interrupted run reused; load average {os.getloadavg()[0]:.1f}"
    )
    console.print(
        "The peer uses one core, has no descriptors but the SA score, no long store, no quarantine and holds all in "
        "memory."
    )
    result = {
        "rows": n_rows,
        "workers": n_workers,
        "load_average": os.getloadavg(),
        "seconds": {stage: wall for stage, (wall, _) in stages.items()},
        "rows_per_s": {stage: n_rows / wall for stage, (wall, _) in stages.items()},
        "cpu_ms_per_row": {stage: 1e3 * cpu / n_rows for stage, (_, cpu) in stages.items()},
        "hours_for_10.5M": FULL_ROWS * stages["all"][0] / n_rows / 3600,
        "hours_for_10.5M_on_2_free_cores": FULL_ROWS * stages["all"][1] / 2 / n_rows / 3600,
        "peak_memory_MiB": spent.peak / 2**20,
        "counts": {"kept": count.n_kept, "duplicates": count.n_duplicates, "quarantined": count.n_quarantined},
        "shards_reused": report.n_reused,
    }
    RESULTS.mkdir(exist_ok=True)
    name = "data.json" if n_rows == DEFAULT_ROWS else f"data_{n_rows}.json"
    (RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
