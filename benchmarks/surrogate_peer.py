"""chemprop 2.3.1 through its own Python interface and Lightning trainer, the peer of the surrogate benchmarks."""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.properties import PropertyTable
from heliosc.surrogates.protocol import Split

BATCH = 64


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What a training gave.

    Attributes
    ----------
    validation, test : (n_molecules, n_keys) predictions in the units of the keys
    featurise_s, train_s : CPU seconds of one thread, before and in the trainer (validation after every epoch included)
    epochs : how many were trained
    """

    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    featurise_s: float
    train_s: float
    epochs: int


def default_network(n_keys: int, unscale: Any) -> Any:
    """The network of ``chemprop train`` as it comes: 300 wide, depth 3, atoms summed over 100, squared error."""
    from chemprop import models, nn

    return models.MPNN(
        nn.BondMessagePassing(), nn.NormAggregation(), nn.RegressionFFN(n_tasks=n_keys, output_transform=unscale)
    )


def train_peer(
    table: PropertyTable,
    split: Split,
    *,
    network: Any = default_network,
    epochs: int = 60,
    seed: int = 0,
    gradient_clip: float | None = None,
    folder: Path,
) -> PeerRun:
    """Train as ``chemprop train`` does: graphs featurised once and kept, the weights of the best validation loss.

    Parameters
    ----------
    network : (n_keys, output transform) -> a ``chemprop.models.MPNN``
    folder : checkpoints; a run that was cut off goes on from the last epoch
    """
    _be_quiet()
    from chemprop import data, nn
    from lightning import pytorch as pl
    from lightning.pytorch.callbacks import ModelCheckpoint

    pl.seed_everything(seed, verbose=False)
    began = time.process_time()
    parts = {name: _dataset(table.rows(rows)) for name, rows in split._asdict().items()}
    featurise_s = time.process_time() - began
    scaler = parts["train"].normalize_targets()
    parts["validation"].normalize_targets(scaler)
    model = network(len(table.keys), nn.UnscaleTransform.from_standard_scaler(scaler))
    best = ModelCheckpoint(dirpath=folder, filename="best", monitor="val_loss", mode="min", save_last=True)
    trainer = pl.Trainer(
        accelerator="cpu", devices=1, max_epochs=epochs, logger=False, enable_progress_bar=False,
        enable_model_summary=False, gradient_clip_val=gradient_clip, callbacks=[best], default_root_dir=folder,
    )  # fmt: skip
    loaders = {
        name: data.build_dataloader(part, batch_size=BATCH, seed=seed, shuffle=name == "train")
        for name, part in parts.items()
    }
    last = folder / "last.ckpt"
    began = time.process_time()
    trainer.fit(
        model, loaders["train"], loaders["validation"], ckpt_path=last if last.exists() else None, weights_only=False
    )
    train_s = time.process_time() - began
    # our own file of a moment ago, so it may be unpickled
    state = torch.load(best.best_model_path, weights_only=False, map_location="cpu")["state_dict"]
    model.load_state_dict(state)
    return PeerRun(
        _predictions(trainer, model, loaders["validation"]),
        _predictions(trainer, model, loaders["test"]),
        featurise_s,
        train_s,
        trainer.current_epoch,
    )


def _dataset(table: PropertyTable) -> Any:
    from chemprop import data

    points = [data.MoleculeDatapoint.from_smi(s, y) for s, y in zip(table.smiles, table.values, strict=True)]
    dataset = data.MoleculeDataset(points)
    dataset.cache = True
    return dataset


def _predictions(trainer: Any, model: Any, loader: Any) -> NDArray[np.float64]:
    outputs = torch.cat(trainer.predict(model, loader)).double().numpy()
    return outputs[..., 0] if outputs.ndim == 3 else outputs  # mean-variance heads give the mean first


def _be_quiet() -> None:
    warnings.filterwarnings("ignore", module="lightning")
    for name in ("lightning.pytorch", "lightning.fabric", "chemprop"):
        logging.getLogger(name).setLevel(logging.ERROR)
