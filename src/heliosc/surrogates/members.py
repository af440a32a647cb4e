"""What each member of an ensemble begins with: data, settings, schedule and weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.properties import PropertyTable
from heliosc.surrogates.auxiliary import auxiliary_targets
from heliosc.surrogates.mpnn.aggregation import make_network
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.environments import find_environments
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.mpnn.training import Schedule, TrainingData
from heliosc.surrogates.protocol import Split
from heliosc.surrogates.scaling import Scaling
from heliosc.surrogates.training_config import TrainingConfig

FloatArray = NDArray[np.float64]

_REPLAY_PER_NEW = 4
_MIN_REPLAY = 512


def training_data(graphs: MoleculeGraphs, values: FloatArray, scaling: Scaling, config: MPNNConfig) -> TrainingData:
    """Standardised input and targets, (n_molecules, n_keys), of all molecules."""
    targets = scaling.targets(values) if values.shape[1] else values.astype(np.float32)
    return TrainingData(
        find_environments(graphs, depth=config.depth),
        torch.from_numpy(scaling.descriptors(graphs.descriptors)),
        torch.from_numpy(targets),
    )


def with_auxiliary(
    data: TrainingData, table: PropertyTable, parts: Split, config: MPNNConfig
) -> tuple[TrainingData, MPNNConfig]:
    """The data with the auxiliary targets behind the others, and settings that weigh them."""
    values = auxiliary_targets(table) if config.auxiliary_weight else np.empty((len(table.smiles), 0))
    known = np.isfinite(values[parts.train]).any(axis=0)
    if not known.any():
        return data, config
    values = values[:, known]
    standardised = Scaling.fit(values[parts.train], np.empty((len(parts.train), 0))).targets(values)
    targets = torch.cat([data.targets, torch.from_numpy(standardised)], dim=1)
    weights = (config.target_weights or (1.0,) * len(table.keys)) + (config.auxiliary_weight,) * values.shape[1]
    return replace(data, targets=targets), replace(config, target_weights=weights)


def training_schedule(config: TrainingConfig) -> Schedule:
    """Of a training from the beginning."""
    return Schedule(
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        final_learning_rate=config.final_learning_rate,
        warmup_epochs=config.warmup_epochs,
        mean_epochs=config.mean_epochs,
        patience=config.patience,
    )


def fine_tuning_schedule(epochs: int, lr: float, *, n_new: int) -> Schedule:
    """Of learning some new molecules beside a draw of the old ones."""
    # The validation part does not hold the new chemistry, so stopping on it would stop the learning: keep the last.
    return Schedule(
        epochs=epochs,
        learning_rate=lr,
        final_learning_rate=0.0,
        warmup_epochs=0.5,
        mean_epochs=0,
        patience=epochs,
        keep_best=False,
        replay_size=max(_MIN_REPLAY, _REPLAY_PER_NEW * n_new),
    )


def rounded(network: Network) -> Network:
    """Round the weights to half precision, so that a saved and loaded model predicts exactly the same."""
    network.load_state_dict({name: value.half().float() for name, value in network.state_dict().items()})
    return network


def copied(network: Network) -> Network:
    """A network of its own with the same weights."""
    copy = make_network(network.config, n_keys=network.n_keys, n_descriptors=network.n_descriptors)
    copy.load_state_dict(network.state_dict())
    return copy


def initial_network(config: MPNNConfig, data: TrainingData, *, seed: int, member: int) -> Network:
    """Random weights that follow from seed and member alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng([seed, member]).integers(2**62)))
        return make_network(config, n_keys=data.targets.shape[1], n_descriptors=data.descriptors.shape[1])
