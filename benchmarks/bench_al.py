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
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from scipy.stats import spearmanr

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
from heliosc.properties import DEFAULT_TARGETS, PredictionTable
from heliosc.selection.batch import select_batch
from heliosc.selection.pairs import Levels, pair_up
from heliosc.selection.roles import get_role

REFERENCE_DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RESULTS = Path(__file__).parent / "results" / "al.json"
REPLAYS = Path(__file__).parent / "results" / "al_replays.json"
RANDOM, GREEDY, UCB = BASELINES
LEARNT = replace(DEFAULT_ARM, name="heliosc, all learnt", uses_exact=False, uses_derived=False)
NETWORK = replace(DEFAULT_ARM, name="heliosc, MPNN", model="mpnn")
THOMPSON = replace(DEFAULT_ARM, name="heliosc, Thompson", acquisition="thompson")
CAPPED = replace(DEFAULT_ARM, name="heliosc, cap 0.7", max_similarity=0.7)
DERIVED = ("pce_1 from gap, lumo", "pce_2 from gap, lumo")
CANDIDATES, PICKS = 100_000, 64
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
    def rows(arms: list[Arm], *, seeds: int, at: list[float]) -> list[dict[str, Any]]:
        return replay_task(
            "tartarus_hce.csv", ["maximise pce_1 - sas"], exact=("sas",), derived=DERIVED, seeds=seeds, at=at, arms=arms
        )

    found = rows([RANDOM, DEFAULT_ARM, LEARNT, UCB, GREEDY], seeds=seeds, at=[0.02, 0.03, 0.05, 0.08, 0.10])
    # ten minutes a seed on one core
    return [*found, *rows([NETWORK], seeds=1, at=[0.02, 0.03, 0.05])]


def two_objectives(seeds: int) -> list[dict[str, Any]]:
    return replay_task(
        "tartarus_hce.csv", ["maximise pce_1 - sas", "maximise pce_2 - sas"], exact=("sas",), derived=DERIVED,
        seeds=seeds, at=[0.05, 0.08], arms=[RANDOM, DEFAULT_ARM, THOMPSON, CAPPED, UCB],
    )  # fmt: skip


def ocelot(seeds: int) -> dict[str, Any]:
    file, arms, seeds = "ocelot_chromophore_v1_development.csv", [RANDOM, DEFAULT_ARM, UCB, GREEDY], min(seeds, 2)
    return {
        "lambda_hole in an IE window": replay_task(
            file, ["minimise hr"], windows=("vie in 6.0:6.8",), arms=arms, seeds=seeds, at=[0.05, 0.10]
        ),
        "electron affinity": replay_task(file, ["minimise aea"], arms=arms, seeds=seeds, at=[0.05, 0.10]),
    }


def selection(_: int) -> list[dict[str, Any]]:
    """In a process of its own, so that the memory is that of the selection."""
    program = [sys.executable, __file__, "--measure-selection"]
    rows = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    console.print(table_of(rows, title=f"{PICKS} of {CANDIDATES:,} under three objectives; aim: 5 s, 2,048 MB"))
    return rows


def measure_selection() -> list[dict[str, Any]]:
    """Seconds and peak memory; real molecules, invented predictions."""
    smiles = _distinct_smiles(CANDIDATES)
    rng = np.random.default_rng(0)
    shape = (len(smiles), len(DEFAULT_TARGETS))
    mean = rng.normal(7.0, 1.0, shape)
    mean[:, 2:4] = rng.gamma(4.0, 0.06, (len(smiles), 2))  # reorganisation energies
    predictions = PredictionTable(smiles, DEFAULT_TARGETS, mean, np.full(shape, 0.1), np.full(shape, 0.05), "invented")
    sa_scores = rng.uniform(1.5, 6.0, len(smiles))
    role = get_role("p_dopable")
    rows = []
    for name in ("pareto_ucb", "ucb", "thompson", "front_probability"):
        started, cpu = time.perf_counter(), time.process_time()
        chosen = select_batch(predictions, role=role, n=PICKS, seed=0, acquisition=name, sa_scores=sa_scores)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append(
            {
                "acquisition": name, "candidates": len(smiles), "chosen": len(chosen),
                "wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu, "peak_MB": peak,
            }
        )  # fmt: skip
    return rows


def _distinct_smiles(n: int) -> tuple[str, ...]:
    """Distinct molecules of three files, each further one with a methyl more at an aromatic carbon."""
    import pandas as pd

    files = ("nfa_smiles.csv", "tartarus_hce.csv", "cep_pce.csv")
    found = list(dict.fromkeys(text for name in files for text in pd.read_csv(REFERENCE_DATA / name)["smiles"]))
    longer = (text.replace("c1cc", "c1c(C)c", 1) for text in found if "c1cc" in text)
    return tuple(dict.fromkeys([*found, *longer]))[:n]


def pairs(_: int) -> list[dict[str, Any]]:
    """Rank correlation of the estimated with the measured Voc, over the pairs whose levels are known."""
    import pandas as pd

    folder = REFERENCE_DATA / "opep"
    measured = pd.read_csv(folder / "Experimental_PCE_updated.csv").rename(columns=str.strip)
    table = measured.merge(pd.read_csv(folder / "DFT_donor_data.csv"), on="Donor")
    table = table.merge(pd.read_csv(folder / "DFT_acceptor_data.csv"), on="Acceptor")
    # orbital energies stand for IE and EA here: the file has no others
    donors = Levels(-table["Don HOMO (eV)"].to_numpy(), -table["Don calc LUMO (eV)"].to_numpy(), "dft orbitals")
    acceptors = Levels(-table["Acc HOMO (eV)"].to_numpy(), -table["Acc calc LUMO (eV)"].to_numpy(), "dft orbitals")
    found = pair_up(donors, acceptors)
    truth = table["Voc (V)"].to_numpy()
    estimates = {
        "Voc estimate": found.voltage.diagonal(),
        "IE of the donor alone": donors.ionization_energy,
        "EA of the acceptor alone": -acceptors.electron_affinity,
    }
    rows = [
        {"against measured Voc": name, "pairs": len(table), "of": len(measured), "Spearman": float(rank.statistic)}
        for name, rank in ((name, spearmanr(values, truth)) for name, values in estimates.items())
    ]
    console.print(table_of(rows, title="Donor:acceptor pairs: estimate against measured open-circuit voltage"))
    return rows


PARTS = {"selection": selection, "pairs": pairs, "one": one_objective, "two": two_objectives, "ocelot": ocelot}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--measure-selection", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure_selection:
        print(json.dumps(measure_selection()))
        return
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            found = part(arguments.seeds)
            results = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
            results[name] = found
            RESULTS.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
