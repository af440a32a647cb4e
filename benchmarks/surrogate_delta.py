"""What GFN2-xTB values add for a DFT-level head: OCELOT molecules with both levels.

    heliosc label molecules.csv --out xtb             # some OCELOT molecules, GFN2-xTB, minutes to hours
    python benchmarks/bench_surrogate.py --part delta --labels xtb

All models learn DFT values of the same few hundred molecules. *structure alone*: the network. *ridge on xTB*: linear in
all xTB values. *delta*: the network on what that ridge leaves (``DeltaSurrogate``). Five random splits by skeleton,
70/15/15; errors are of the test parts, which no model has seen, over all splits.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from surrogate_data import NAMES, load_ocelot

from heliosc.datasets.library.load import load_library
from heliosc.datasets.splits import random_split
from heliosc.properties import DEFAULT_TARGETS, PropertyKey, PropertyTable
from heliosc.surrogates.delta import Baseline, DeltaSurrogate
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig

N_SPLITS = 5
FRACTIONS = (0.7, 0.15, 0.15)
CONFIG = MPNNConfig(n_members=3, device="cpu")
EXTRA = (
    PropertyKey("adiabatic_ionization_energy", "gfn2"),
    PropertyKey("adiabatic_electron_affinity", "gfn2"),
)
MODELS = ("structure alone", "ridge on xTB", "delta")


def both_levels(labels: Path) -> tuple[PropertyTable, PropertyTable]:
    """xTB and DFT values of the molecules that have all of the former."""
    cheap = load_library(labels).property_table((*DEFAULT_TARGETS, *EXTRA))
    cheap = cheap.rows(np.flatnonzero(np.isfinite(cheap.values).all(axis=1)))
    dft = load_ocelot()
    row_of = {text: row for row, text in enumerate(dft.smiles)}
    known = [row for row, text in enumerate(cheap.smiles) if text in row_of]
    cheap = cheap.rows(known)
    return cheap, dft.rows([row_of[text] for text in cheap.smiles])


def delta(arguments: argparse.Namespace) -> dict[str, Any]:
    """Errors of the three models over the splits."""
    if arguments.labels is None:
        raise SystemExit("--labels FOLDER is missing: xTB values of OCELOT molecules, as `heliosc label` writes them")
    torch.set_num_threads(1)
    cheap, dft = both_levels(arguments.labels)
    errors: dict[str, list[np.ndarray]] = {name: [] for name in MODELS}
    began = time.process_time()
    for seed in range(N_SPLITS):
        sides = random_split(dft.smiles, fractions=FRACTIONS, seed=seed)
        split, test = (sides.train, sides.validation, sides.test), dft.rows(sides.test)
        baseline = Baseline.fit(cheap.rows(sides.train), dft.rows(sides.train))
        plain = SurrogateEnsemble.train(dft, split=split, config=CONFIG, seed=seed)
        corrected = DeltaSurrogate.train(dft, split=split, cheap=cheap, config=CONFIG, seed=seed)
        guesses = (
            plain.predict(test.smiles).mean,
            baseline(cheap.rows(sides.test).values),
            corrected.predict(test.smiles).mean,
        )
        for name, guess in zip(MODELS, guesses, strict=True):
            errors[name].append(np.abs(guess - test.values))
        print(f"split {seed + 1} of {N_SPLITS} done", flush=True)
    result = {
        "load": os.getloadavg()[0],
        "molecules": len(dft.smiles),
        "training_molecules": len(sides.train),
        "splits": N_SPLITS,
        "members": CONFIG.n_members,
        "CPU_s": time.process_time() - began,
        "xtb": [str(key) for key in cheap.keys],
        "mae": {name: dict(zip(NAMES, _mean(found), strict=True)) for name, found in errors.items()},
    }
    print_delta(result)
    return result


def _mean(errors: list[np.ndarray]) -> list[float]:
    return np.nanmean(np.concatenate(errors), axis=0).tolist()


def print_delta(result: dict[str, Any]) -> None:
    mae = result["mae"]
    title = f"Test MAE / eV, {result['training_molecules']} training molecules, {result['splits']} random splits"
    table = Table("property", *MODELS, "gain of delta", title=title)
    for name in NAMES:
        gain = 1 - mae["delta"][name] / mae["structure alone"][name]
        table.add_row(name, *(f"{mae[model][name]:.3f}" for model in MODELS), f"{100 * gain:+.0f} %")
    Console(width=120).print(table)
