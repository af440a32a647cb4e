"""Choosing what to compute, replayed on labelled pools, beside random, greedy and forest-UCB in the same run.

1. Harvard Clean Energy subset (reference data): share of the best hundredth found, and two objectives with the effect
   of a similarity cap within batches.
2. OCELOT, development part (reference data): hole reorganisation energy within a window of IE; electron affinity.
3. Selection of 64 from 100,000 candidates under three objectives: seconds and memory.
4. Voc of donor:acceptor pairs as estimated from computed levels, rank correlation with the measured (reference data).

Replays are kept one by one in ``benchmarks/results/al_replays.json``: the same command goes on after a stop.
``--seeds`` and ``--only`` do less. Writes ``benchmarks/results/al.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console

from heliosc.campaign.retrospective import (
    BASELINES,
    DEFAULT_ARM,
    Arm,
    Task,
    parse_derivation,
    parse_objective,
    parse_window,
    read_pool,
    replay_all,
    summarise,
)
from heliosc.cli.output import table_of

REFERENCE_DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RESULTS = Path(__file__).parent / "results" / "al.json"
REPLAYS = Path(__file__).parent / "results" / "al_replays.json"
RANDOM, GREEDY, UCB = BASELINES
LEARNT = replace(DEFAULT_ARM, name="heliosc, all learnt", uses_exact=False, uses_derived=False)
CAPPED = replace(DEFAULT_ARM, name="heliosc, cap 0.7", max_similarity=0.7)
DERIVED = ("pce_1 from gap, lumo", "pce_2 from gap, lumo")
console = Console()


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def replay_task(
    file: str, objectives: list[str], *, arms: list[Arm], seeds: int, at: list[float], windows: tuple[str, ...] = (),
    exact: tuple[str, ...] = (), derived: tuple[str, ...] = (),
) -> list[dict[str, Any]]:  # fmt: skip
    """Table of one pool; the last of ``at`` is where the replays end."""
    pool = read_pool(REFERENCE_DATA / file)
    names = frozenset(pool.columns)
    task = Task(
        pool,
        tuple(parse_objective(text, names) for text in objectives),
        dict(parse_window(text, names) for text in windows),
        frozenset(exact),
        dict(parse_derivation(text, names) for text in derived),
        labelled_share=at[-1],
    )
    curves = replay_all(task, arms, seeds=range(seeds), file=REPLAYS, progress=log)
    rows = summarise(curves, at=at)
    console.print(table_of(rows, title=f"{file}: {'; '.join([*objectives, *windows])}; mean and std of {seeds} seeds"))
    return rows


def one_objective(seeds: int) -> list[dict[str, Any]]:
    return replay_task(
        "tartarus_hce.csv", ["maximise pce_1 - sas"], exact=("sas",), derived=DERIVED, seeds=seeds,
        at=[0.02, 0.03, 0.05, 0.08, 0.10], arms=[RANDOM, DEFAULT_ARM, LEARNT, UCB, GREEDY],
    )  # fmt: skip


def two_objectives(seeds: int) -> list[dict[str, Any]]:
    return replay_task(
        "tartarus_hce.csv", ["maximise pce_1 - sas", "maximise pce_2 - sas"], exact=("sas",), derived=DERIVED,
        seeds=seeds, at=[0.05, 0.08], arms=[RANDOM, DEFAULT_ARM, CAPPED, UCB],
    )  # fmt: skip


def ocelot(seeds: int) -> dict[str, Any]:
    file, arms, seeds = "ocelot_chromophore_v1_development.csv", [RANDOM, DEFAULT_ARM, UCB, GREEDY], min(seeds, 2)
    return {
        "lambda_hole in an IE window": replay_task(
            file, ["minimise hr"], windows=("vie in 6.0:6.8",), arms=arms, seeds=seeds, at=[0.05, 0.10]
        ),
        "electron affinity": replay_task(file, ["minimise aea"], arms=arms, seeds=seeds, at=[0.05, 0.10]),
    }


PARTS = {"one": one_objective, "two": two_objectives, "ocelot": ocelot}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS)
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            results[name] = part(arguments.seeds)
            RESULTS.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
