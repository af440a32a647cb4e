"""Posteriors of prepared molecules, and the prior fitted to them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from heliosc.generation.jtvae.arrays import PreparedSet, RowReader
from heliosc.generation.jtvae.batch import make_batch
from heliosc.generation.jtvae.feeding import TrainingSet
from heliosc.generation.jtvae.network import Network, Posterior
from heliosc.generation.jtvae.prior import LatentPrior, fit_prior

ENCODING_BATCH = 256


def encode_prepared(network: Network, prepared: PreparedSet) -> Posterior:
    """Posteriors of prepared molecules, (n_molecules, latent)."""
    device = network.tables.words.weight.device
    reader = RowReader(prepared)
    means: list[Tensor] = []
    log_variances: list[Tensor] = []
    with torch.no_grad():
        for start in range(0, len(prepared), ENCODING_BATCH):
            indices = np.arange(start, min(start + ENCODING_BATCH, len(prepared)))
            posterior = network.encode(make_batch(reader, indices, device=device))
            means.append(posterior.mean)
            log_variances.append(posterior.log_variance)
    return Posterior(torch.cat(means), torch.cat(log_variances))


def prior_of(network: Network, data: TrainingSet, *, seed: int) -> LatentPrior:
    """Mixture over the latent vectors; unknown properties are filled in by the heads."""
    posterior = encode_prepared(network, data.prepared)
    with torch.no_grad():
        predicted = network.predict(posterior.mean).double().cpu().numpy()
    properties = np.where(np.isnan(data.targets), predicted, data.targets)
    spread = posterior.log_variance.exp().mean(0).double().cpu().numpy()
    means = posterior.mean.double().cpu().numpy()
    return fit_prior(means, spread, properties, seed=seed, weights=data.sampling_weights)
