"""Losses that skip missing targets."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST_VARIANCE = 1e-4  # of standardised targets; keeps the likelihood bounded
_LEAST_SHARE = 1e-9  # where nothing is known, no loss instead of a division by zero


def masked_loss(
    mean: Tensor, variance: Tensor, targets: Tensor, *, beta: float | None, weights: Tensor | None = None
) -> Tensor:
    """Weighted average of the loss over the known targets.

    Parameters
    ----------
    mean, variance : (n_molecules, n_keys)
    targets : (n_molecules, n_keys), standardised, NaN = unknown
    beta : None for half the squared error (variance untouched), else the exponent of beta-NLL
    weights : (n_keys,) positive, how much each key counts; None = all alike

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
    share = known.float() if weights is None else known * weights
    return (torch.where(known, terms, 0.0) * share).sum() / share.sum().clamp_min(_LEAST_SHARE)


def known_weight(targets: Tensor, weights: Tensor | None = None) -> float:
    """Sum of the weights of the known targets: what ``masked_loss`` divides by."""
    known = torch.isfinite(targets)
    return float(known.sum() if weights is None else (known * weights).sum())
