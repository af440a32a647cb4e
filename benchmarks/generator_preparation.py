"""Preparation of many molecules on disk: rate, and peak memory of the process, for two numbers of molecules.

    python benchmarks/bench_generator.py preparation
    python benchmarks/generator_preparation.py 300000 --shard 10000   # one number, here in this process

The molecules are enumerated, none twice: a start, four units and an end, 1.8 million in all, 34 heavy atoms on average.
Each figure comes from a process of its own with one worker. Peak memory that grows with the shard, and not with the
number of molecules, is what lets millions through.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

STARTS = (
    "N#Cc1ccc({x})cc1",
    "Cc1ccc({x})s1",
    "COc1ccc({x})cc1",
    "CN(C)c1ccc({x})cc1",
    "Fc1ccc({x})cc1",
    "c1cc({x})sc1",
    "CCCCc1ccc({x})s1",
    "O=Cc1ccc({x})s1",
)
UNITS = (
    "c{r}ccc({x})s{r}",
    "c{r}ccc({x})cc{r}",
    "c{r}ccc({x})o{r}",
    "c{r}cc(F)c({x})cc{r}",
    "c{r}cc(C)c({x})s{r}",
    "C=C{x}",
    "C#C{x}",
    "c{r}cnc({x})cn{r}",
    "c{r}ccc({x})n{r}C",
    "c{r}nnc({x})s{r}",
    "c{r}ccc({x})[se]{r}",
    "c{r}cc(OC)c({x})cc{r}OC",
)
ENDS = (
    "c{r}ccsc{r}",
    "c{r}ccccc{r}",
    "C#N",
    "F",
    "c{r}ccncc{r}",
    "N(C)C",
    "C=C(C#N)C#N",
    "C(=O)OC",
    "c{r}ccc(C)cc{r}",
    "c{r}ccc(Cl)s{r}",
    "OCCCC",
)
N_UNITS = 4
N_ALL = len(STARTS) * len(UNITS) ** N_UNITS * len(ENDS)
STRIDE = 1_000_003  # a prime: every number below N_ALL is met once, in no order
SIZES, SHARD = (3_000, 12_000), 1_500


@dataclass(frozen=True, slots=True)
class Enumerated:
    """The first ``n`` molecules; can be walked any number of times and holds none."""

    n: int

    def __iter__(self) -> Iterator[str]:
        for number in range(self.n):
            yield molecule(number * STRIDE % N_ALL)


def molecule(number: int) -> str:
    """SMILES of a number below ``N_ALL``."""
    number, end = divmod(number, len(ENDS))
    text = ENDS[end].format(r=N_UNITS + 2)
    for place in range(N_UNITS):
        number, unit = divmod(number, len(UNITS))
        text = UNITS[unit].format(r=N_UNITS + 1 - place, x=text)
    return STARTS[number].format(x=text)


def prepare(n: int, *, shard_size: int) -> dict[str, Any]:
    """Rate and peak memory of this process."""
    from heliosc.generation.jtvae.preparation import prepare_on_disk

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = prepare_on_disk(Enumerated(n), Path(folder), held_out=0.05, shard_size=shard_size)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        manifest, n_words = found.manifest, len(found.vocabulary)
    seconds = time.process_time() - start
    return {
        "molecules": n,
        "shard": shard_size,
        "prepared": manifest["n_molecules"],
        "refused": sum(manifest["refused"].values()) + sum(manifest["unknown"].values()),
        "words": n_words,
        "molecules_per_cpu_s": n / seconds,
        "memory_of_imports_mb": before,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "disk_mb": size / 2**20,
    }


def measure_preparation() -> dict[str, Any]:
    """Both numbers, and what a million more costs in memory if the difference is all growth."""
    rows = [_in_own_process(n) for n in SIZES]
    grown = (rows[1]["peak_memory_mb"] - rows[0]["peak_memory_mb"]) / (SIZES[1] - SIZES[0])
    return {"rows": rows, "peak_mb_for_a_million_more": grown * 1e6}


def _in_own_process(n: int) -> dict[str, Any]:
    command = [sys.executable, __file__, str(n), "--shard", str(SHARD)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return dict(json.loads(done.stdout))


def preparation_table(figures: dict[str, Any]) -> Table:
    """One row for each number of molecules."""
    table = Table(title=f"Preparation on disk, one core, shards of {SHARD:,}")
    for heading in ("molecules", "prepared", "molecules/CPU s", "peak MB", "of which imports", "disk MB"):
        table.add_column(heading, justify="right")
    for row in figures["rows"]:
        shown = (row["molecules"], row["prepared"], row["molecules_per_cpu_s"], row["peak_memory_mb"])
        table.add_row(*(f"{value:,.0f}" for value in (*shown, row["memory_of_imports_mb"], row["disk_mb"])))
    table.caption = f"a million more molecules: {figures['peak_mb_for_a_million_more']:,.0f} MB at most"
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--shard", type=int, default=SHARD)
    asked = parser.parse_args()
    print(json.dumps(prepare(asked.n, shard_size=asked.shard)))


if __name__ == "__main__":
    main()
