"""Refreshing a generator: weighted retraining on some molecules, whose new words join the vocabulary.

References
----------
Tripp, Daxberger, Hernandez-Lobato, NeurIPS 2020, arXiv:2006.09191 (weighted retraining).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.generation.jtvae.feeding import TrainingSet
from heliosc.generation.jtvae.io import StoredModel, round_to_half
from heliosc.generation.jtvae.making import target_weights
from heliosc.generation.jtvae.posteriors import prior_of
from heliosc.generation.jtvae.prior import MOLECULES_PER_COMPONENT, LatentPrior, effective_number
from heliosc.generation.jtvae.schedule import grow_vocabulary, prepare_graphs, read_graphs
from heliosc.generation.jtvae.train import Progress, Trainer
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.properties import PropertyTable

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What fine-tuning used.

    Attributes
    ----------
    n_used : distinct molecules learned from
    n_new_words : words added to the vocabulary
    refused : SMILES -> reason
    """

    n_used: int
    n_new_words: int
    refused: dict[str, str]


def refresh(
    stored: StoredModel,
    smiles: Sequence[str],
    *,
    properties: PropertyTable | None,
    weights: NDArray | None,
    epochs: int,
    learning_rate: float,
    seed: int,
    progress: Progress | None,
) -> tuple[FineTuning, LatentPrior]:
    """Train the network on, and grow its vocabulary, both in place; what was done, and the new prior.

    Parameters
    ----------
    weights : (n,) chance of each molecule to be drawn; equal by default

    Raises
    ------
    InputError : nothing usable, or weights, epochs or a learning rate that do not fit
    """
    if epochs < 0 or not 0 < learning_rate < np.inf:
        raise InputError(f"fine-tuning with epochs={epochs}, learning rate {learning_rate}; expected >= 0 and above 0")
    graphs, refused = read_graphs(smiles)
    if not graphs:
        raise InputError(f"none of {len(smiles)} molecules can be used for fine-tuning; expected at least one")
    drawn = _checked_weights(weights, n=len(smiles), rows=tuple(graphs))
    vocabulary, network, scale = stored.vocabulary, stored.network, stored.scale
    n_new = grow_vocabulary(vocabulary, graphs.values())
    network.grow(n_words=len(vocabulary), n_ports=vocabulary.n_ports, n_sites=vocabulary.n_sites)
    found = prepare_graphs(smiles, graphs, refused=refused, vocabulary=vocabulary, legal=LegalMoves(vocabulary))
    data = TrainingSet(
        found.prepared,
        scale.targets(found.prepared.smiles, properties),
        target_weights(stored.config, scale.keys),
        drawn,
    )
    settings = replace(stored.config.training, epochs=epochs, learning_rate=learning_rate)
    Trainer(network, data, config=settings, seed=seed, is_fine_tuning=True).run(progress=progress)
    round_to_half(network)
    prior = stored.prior.mixed_with(prior_of(network, data, seed=seed), _share_of_new(data))
    return FineTuning(len(found.prepared), n_new, refused), prior


def _share_of_new(data: TrainingSet) -> float:
    """How far the prior follows the molecules of a fine-tuning: half at as many as make one component."""
    weights = np.ones(len(data.prepared)) if data.sampling_weights is None else data.sampling_weights
    n = effective_number(weights)
    return n / (n + MOLECULES_PER_COMPONENT)


def _checked_weights(weights: NDArray | None, *, n: int, rows: Sequence[int]) -> FloatArray | None:
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all() or (values < 0).any() or values[list(rows)].sum() <= 0:
        raise InputError(f"weights of shape {values.shape}; expected ({n},) non-negative values that are not all zero")
    return values[list(rows)]
