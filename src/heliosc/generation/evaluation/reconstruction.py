"""Whether an autoencoder gives molecules back, and how much of its latent space it uses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heliosc.generation.protocol import Autoencoder

N_ENCODINGS = 10
N_DECODINGS = 10
ACTIVE_VARIANCE = 0.01


def returned_greedy(model: Autoencoder, smiles: Sequence[str]) -> dict[str, str | None]:
    """What comes back of each constitution from its posterior mean with the likeliest choices.

    Parameters
    ----------
    smiles : canonical constitutions that the model covers
    """
    distinct = list(dict.fromkeys(smiles))
    return dict(zip(distinct, model.decode(model.encode(distinct)), strict=True)) if distinct else {}


def share_exact_sampled(model: Autoencoder, smiles: Sequence[str], *, seed: int) -> float:
    """Share exact of 10 draws from the posterior, each decoded 10 times at temperature 1; NaN without molecules.

    References
    ----------
    Jin, Barzilay, Jaakkola, ICML 2018, arXiv:1802.04364, section 3.1 (Monte Carlo estimate of the reconstruction).
    """
    if not smiles:
        return float("nan")
    draws = model.encode_draws(smiles, N_ENCODINGS, seed=seed)
    rows = np.repeat(draws.reshape(-1, draws.shape[2]), N_DECODINGS, axis=0)
    truth = np.repeat(np.asarray(smiles, dtype=object), N_ENCODINGS * N_DECODINGS)
    decoded = model.decode(rows, seed=seed, temperature=1.0)
    return sum(a == b for a, b in zip(decoded, truth, strict=True)) / len(rows)


def count_active_units(means: NDArray[np.float64]) -> int:
    """Latent units whose posterior mean varies over molecules by more than 0.01 (variance).

    Parameters
    ----------
    means : (n_molecules, latent)

    References
    ----------
    Burda, Grosse, Salakhutdinov, ICLR 2016, arXiv:1509.00519, section 5.2.
    """
    return int((means.var(axis=0) > ACTIVE_VARIANCE).sum())
