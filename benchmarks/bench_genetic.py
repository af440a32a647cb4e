"""Molecules a second of the genetic generator beside sampling of the shipped JT-VAE, and how both samples look.

One process, one thread, CPU time. The genetic generator's population is the training part of the embedded library; both
are asked for molecules without conditions and evaluated against it. About two CPU minutes at the defaults; writes
``benchmarks/results/genetic.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from rich.console import Console
from rich.table import Table

from heliosc.campaign.models import load_generator
from heliosc.datasets.library.load import library_smiles
from heliosc.generation import GeneticGenerator
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.evaluation.report import evaluate
from heliosc.generation.protocol import Generator

RESULTS = Path(__file__).parent / "results" / "genetic.json"
SHOWN = ("validity", "uniqueness", "novelty", "internal_diversity", "scaffold_similarity", "sa_score", "alert_rate")


def molecules_a_second(generator: Generator, n: int) -> float:
    """Of CPU time, distinct or not, as the generator gives them."""
    generator.generate(32, seed=1)  # loads what is loaded once
    started = time.process_time()
    found = generator.generate(n, seed=0)
    return len(found) / (time.process_time() - started)


def measure(generator: Generator, training: list[str], *, n_timed: int, n_samples: int) -> dict[str, Any]:
    """Speed and the figures of unconditional samples."""
    speed = molecules_a_second(generator, n_timed)
    found = evaluate(generator, [], training=training, properties=None, n_samples=n_samples, seed=0)
    return {"molecules_per_cpu_s": speed, "n_timed": n_timed, **found.to_document()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecules", type=int, default=2_000)
    parser.add_argument("--samples", type=int, default=500)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    jtvae = load_generator(device="cpu")
    training, _ = split_held_out(list(library_smiles()), jtvae.config.training.held_out)
    genetic = GeneticGenerator.of(training)
    results = {
        "machine": platform.machine(),
        "population": len(genetic.population.smiles),
        "genetic": measure(genetic, training, n_timed=arguments.molecules, n_samples=arguments.samples),
        "jtvae": measure(jtvae, training, n_timed=arguments.molecules // 10, n_samples=arguments.samples),
    }
    RESULTS.write_text(json.dumps(results, indent=1))
    table = Table(title=f"Unconditional molecules, {arguments.samples} samples, one core", title_justify="left")
    for name in ("figure", "genetic", "shipped JT-VAE", "training molecules"):
        table.add_column(name)
    for name in ("molecules_per_cpu_s", *SHOWN):
        beside = results["genetic"].get(f"{name}_training")
        cells = [results["genetic"][name], results["jtvae"][name], beside]
        table.add_row(name.replace("_", " "), *("-" if cell is None else f"{cell:.3f}" for cell in cells))
    for name, row in results["genetic"]["property_distances"].items():
        peer = results["jtvae"]["property_distances"][name]
        table.add_row(
            f"Wasserstein, {name.replace('_', ' ')}", f"{row['distance']:.3f}", f"{peer['distance']:.3f}",
            f"(std {row['training_std']:.3f})",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
