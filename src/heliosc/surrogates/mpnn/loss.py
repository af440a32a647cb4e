"""Losses that skip missing targets."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST_VARIANCE = 1e-4  # of standardised targets; keeps the likelihood bounded


def masked_loss(mean: Tensor, variance: Tensor, targets: Tensor, *, beta: float | None) -> Tensor:
    """Average loss over the known targets.

    Parameters
    ----------
    mean, variance : (n_molecules, n_keys)
    targets : (n_molecules, n_keys), standardised, NaN = unknown
    beta : None for half the squared error (variance untouched), else the exponent of beta-NLL

    References
    ----------
    Seitzer et al., ICLR 2022 (arXiv 2203.09168), eq. 4: beta-NLL.
    """
    known = torch.isfinite(targets)
    error = torch.where(known, mean - torch.nan_to_num(targets), 0.0)
    if beta is None:
        terms = 0.5 * error**2
    else:
        bounded = variance.clamp_min(_SMALLEST_VARIANCE)
        terms = 0.5 * (error**2 / bounded + bounded.log())
        if beta:
            terms = terms * bounded.detach() ** beta
    return torch.where(known, terms, 0.0).sum() / known.sum().clamp_min(1)
