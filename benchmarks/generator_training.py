"""Train the JT-VAE on the OCELOT development file, 10 % held out by InChIKey skeleton; the same command resumes it.

    nohup nice -n 12 python benchmarks/generator_training.py runs/generator_ocelot > training.log 2>&1 &

Prepared arrays and the state after every epoch are kept in ``FOLDER.checkpoints``; the finished model with its held-out
figures, goes to ``FOLDER``. Every epoch prints its losses and CPU seconds.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.train import EpochReport
from heliosc.properties import PropertyKey, PropertyTable

DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))
DFT = "lc-whpbe-ot/def2-svp[gaussian]"
COLUMNS = {  # column -> property and sign; the file's aea is E(anion) - E(neutral)
    "aea": (f"adiabatic_electron_affinity@{DFT}", -1.0),
    "aie": (f"adiabatic_ionization_energy@{DFT}", 1.0),
    "hr": (f"lambda_hole@{DFT}", 1.0),
    "er": (f"lambda_electron@{DFT}", 1.0),
}


def ocelot(n: int | None) -> tuple[list[str], PropertyTable]:
    """Molecules of the development file, or some of them, with their properties."""
    with (DATA / "ocelot_chromophore_v1_development.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    if n is not None:
        rows = random.Random(0).sample(rows, n)
    smiles = tuple(row["smiles"] for row in rows)
    values = np.array([[sign * float(row[column]) for column, (_, sign) in COLUMNS.items()] for row in rows])
    return list(smiles), PropertyTable(smiles, tuple(PropertyKey.parse(key) for key, _ in COLUMNS.values()), values)


def tell(report: EpochReport) -> None:
    """One line for each epoch."""
    parts = " ".join(f"{name} {getattr(report, name):.3f}" for name in ("topology", "word", "port", "site", "kl"))
    print(
        f"epoch {report.epoch}/{report.n_epochs} {parts} property {report.property_error:.3f} "
        f"{report.molecules_per_s:.0f} molecules/s, {time.process_time():.0f} CPU s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=23, help="each shows every molecule and as many of practice")
    parser.add_argument("--hidden", type=int, default=450)
    parser.add_argument("--latent", type=int, default=96, help="of the tree, and of the graph")
    parser.add_argument(
        "--practice", type=float, help="molecules bred for each training molecule; none = never the same one twice"
    )
    parser.add_argument("--molecules", type=int, default=None, help="a random part of the file")
    parser.add_argument("--samples", type=int, default=1_000, help="molecules drawn for the evaluation")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    smiles, properties = ocelot(asked.molecules)
    practice = asked.epochs if asked.practice is None else asked.practice  # an epoch draws one for each
    config = JTVAEConfig(
        ModelConfig(hidden=asked.hidden, tree_latent=asked.latent, graph_latent=asked.latent),
        TrainingConfig(epochs=asked.epochs, held_out=0.1, beta=0.0015, amp=True, practice=practice),
    )
    model = JTVAE.train(
        smiles,
        properties=properties,
        config=config,
        progress=tell,
        checkpoint_folder=asked.out.with_name(f"{asked.out.name}.checkpoints"),
        n_evaluation_samples=asked.samples,
    )
    model.save(asked.out)
    for name, value in model.metrics.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
