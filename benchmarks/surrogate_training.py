"""Training speed beside chemprop at equal accuracy.

    python benchmarks/bench_surrogate.py --part training

Both train the same network (300 wide, depth 3, mean of the atoms, one hidden layer with dropout 0.1, no descriptors) on
the same molecules of the OCELOT development file, in batches of 64, by AdamW with the same learning rates and clipping,
for the same number of epochs of squared error, validation after each included, in single precision on one thread.
Weights and order of molecules are drawn by each for itself, so that accuracies agree within chance: the mean over seeds
is told. CPU seconds of the process; the two take turns, so that a change in the machine's load meets both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from surrogate_data import NAMES, load_ocelot, split_ocelot
from surrogate_peer import train_peer

from heliosc.properties import PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.protocol import Split

N_TRAIN, N_VALIDATION = 4_000, 500
EPOCHS = 20
SEEDS = (0, 1)
CONFIG = MPNNConfig(
    n_members=1, use_descriptors=False, epochs=EPOCHS, mean_epochs=EPOCHS, patience=EPOCHS, device="cpu"
)
TARGET = 5.0
TOLERANCE = 0.02
Figures = dict[str, float | list[float]]


def same_network(n_keys: int, unscale: Any) -> Any:
    """chemprop's network with our shape, optimiser and learning rates."""
    from chemprop import models, nn

    class SameSchedule(models.MPNN):
        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), CONFIG.learning_rate, weight_decay=CONFIG.weight_decay)
            steps = self.trainer.estimated_stepping_batches / EPOCHS
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: learning_rate(step / steps) / CONFIG.learning_rate
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    head = nn.RegressionFFN(
        n_tasks=n_keys,
        input_dim=CONFIG.hidden,
        hidden_dim=CONFIG.head_hidden,
        n_layers=CONFIG.head_layers,
        dropout=CONFIG.dropout,
        output_transform=unscale,
    )
    return SameSchedule(nn.BondMessagePassing(d_h=CONFIG.hidden, depth=CONFIG.depth), nn.MeanAggregation(), head)


def learning_rate(epoch: float) -> float:
    """Linear warm-up from a tenth, then cosine decay, as our training does."""
    peak, last, warm_up = CONFIG.learning_rate, CONFIG.final_learning_rate, CONFIG.warmup_epochs
    if epoch < warm_up:
        return peak * (0.1 + 0.9 * epoch / warm_up)
    return last + (peak - last) * 0.5 * (1 + np.cos(np.pi * min((epoch - warm_up) / (EPOCHS - warm_up), 1.0)))


def chemprop_figures(data: PropertyTable, split: Split, *, seed: int) -> Figures:
    """Rates and test errors of chemprop."""
    with tempfile.TemporaryDirectory() as folder:
        run = train_peer(
            data,
            split,
            network=same_network,
            epochs=EPOCHS,
            seed=seed,
            gradient_clip=CONFIG.gradient_clip,
            folder=Path(folder),
        )
    return _figures(run.featurise_s, run.train_s, run.test, data.rows(split.test).values, len(split.train))


def our_figures(data: PropertyTable, split: Split, *, seed: int) -> Figures:
    """Rates and test errors of ours. What comes before the first epoch is featurising."""
    ends: list[float] = []
    began = time.process_time()
    model = SurrogateEnsemble.train(
        data, split=split, config=CONFIG, seed=seed, progress=lambda _: ends.append(time.process_time())
    )
    train_s = (ends[-1] - ends[0]) * EPOCHS / (EPOCHS - 1)
    featurise_s = ends[-1] - began - train_s
    test = data.rows(split.test)
    return _figures(featurise_s, train_s, model.predict(test.smiles).mean, test.values, len(split.train))


def _figures(featurise_s: float, train_s: float, predicted: np.ndarray, known: np.ndarray, n_train: int) -> Figures:
    errors = np.nanmean(np.abs(predicted - known), axis=0)
    return {
        "molecules_per_s": n_train * EPOCHS / train_s,
        "with_featurising_per_s": n_train * EPOCHS / (featurise_s + train_s),
        "epoch_s": train_s / EPOCHS,
        "featurise_s": featurise_s,
        "mean_mae_eV": float(errors.mean()),
        "mae_eV": errors.round(5).tolist(),
    }


def training(arguments: argparse.Namespace) -> dict[str, Any]:
    """Molecules a CPU second at equal accuracy."""
    torch.set_num_threads(1)
    data = load_ocelot()
    whole = split_ocelot(data, "random")
    chosen = np.random.default_rng(0)
    split = Split(
        np.sort(chosen.choice(whole.train, N_TRAIN, replace=False)),
        np.sort(chosen.choice(whole.validation, N_VALIDATION, replace=False)),
        whole.test,
    )
    rows = np.concatenate(split)
    data, ends = data.rows(rows), np.cumsum([len(part) for part in split])
    split = Split(np.arange(ends[0]), np.arange(ends[0], ends[1]), np.arange(ends[1], ends[2]))
    kinds = {"chemprop 2.3.1": chemprop_figures, "heliosc": our_figures}
    runs: dict[str, list[Figures]] = {name: [] for name in kinds}
    for seed in SEEDS:
        for name, measure in kinds.items():
            runs[name].append(measure(data, split, seed=seed))
    means = {
        name: {figure: np.mean([row[figure] for row in rows], axis=0) for figure in rows[0]}
        for name, rows in runs.items()
    }
    pairs = zip(runs["heliosc"], runs["chemprop 2.3.1"], strict=True)
    ratios = [float(one["mean_mae_eV"] / other["mean_mae_eV"]) for one, other in pairs]
    ours, peer = means["heliosc"], means["chemprop 2.3.1"]
    result = {
        "load": os.getloadavg()[0],
        "molecules": {"train": N_TRAIN, "validation": N_VALIDATION, "test": len(split.test)},
        "epochs": EPOCHS,
        "seeds": len(SEEDS),
        **{name: {figure: np.round(value, 5).tolist() for figure, value in row.items()} for name, row in means.items()},
        "times": float(ours["molecules_per_s"] / peer["molecules_per_s"]),
        "times_with_featurising": float(ours["with_featurising_per_s"] / peer["with_featurising_per_s"]),
        "mae_ratio": float(ours["mean_mae_eV"] / peer["mean_mae_eV"]),
        "mae_ratio_by_seed": ratios,
    }
    print_training(means, result)
    return result


def print_training(means: dict[str, dict[str, Any]], result: dict[str, Any]) -> None:
    """One column a program."""
    table = Table(title=f"{N_TRAIN} molecules, {EPOCHS} epochs, one thread, mean of {len(SEEDS)} seeds")
    table.add_column("")
    for name in means:
        table.add_column(name, justify="right")
    for figure in ("molecules_per_s", "with_featurising_per_s", "epoch_s", "featurise_s", "mean_mae_eV"):
        table.add_row(figure.replace("_", " "), *(f"{row[figure]:,.4g}" for row in means.values()))
    for column, name in enumerate(NAMES):
        table.add_row(f"MAE {name}, eV", *(f"{row['mae_eV'][column]:.4f}" for row in means.values()))
    console = Console(width=120)
    console.print(table)
    console.print(
        f"{result['times']:.2f} times as fast (target {TARGET:g}), "
        f"with featurising {result['times_with_featurising']:.2f}, "
        f"at {result['mae_ratio']:.3f} times the mean MAE (equal within {TOLERANCE:.0%})"
    )
