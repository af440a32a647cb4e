"""All members of an ensemble on the same molecules: one plan, one batch, one pass each."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.surrogates.mpnn.environments import find_environments, plan_batch
from heliosc.surrogates.mpnn.features import FloatArray
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs
from heliosc.surrogates.mpnn.network import Network, to_batch


class MemberOutputs(NamedTuple):
    """What the members say of some molecules.

    Attributes
    ----------
    means, variances : (n_members, n_molecules, n_keys) standardised
    fingerprints : (n_molecules, width) of the first member, float32
    """

    means: FloatArray
    variances: FloatArray
    fingerprints: NDArray[np.float32]


PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16}
"""What the members' numbers are kept in; bf16 is twice as fast and differs by some meV."""


def predict_members(
    networks: Sequence[Network],
    graphs: MoleculeGraphs,
    descriptors: torch.Tensor,
    *,
    device: torch.device,
    precision: str = "f32",
) -> MemberOutputs:
    """Run all members on some molecules.

    Parameters
    ----------
    descriptors : (n_molecules, n_descriptors) standardised
    precision : ``f32`` or ``bf16``

    Raises
    ------
    InputError : an unknown precision
    """
    dtype = precision_dtype(precision)
    n_keys = networks[0].n_keys
    means = np.empty((len(networks), graphs.n_molecules, n_keys))
    variances = np.empty_like(means)
    fingerprints = np.empty((graphs.n_molecules, networks[0].config.hidden), dtype=np.float32)
    if not graphs.n_molecules:
        return MemberOutputs(means, variances, fingerprints)
    environments = find_environments(graphs, depth=networks[0].config.depth)
    plan = plan_batch(environments, np.arange(graphs.n_molecules))
    batch = to_batch(plan, descriptors, device=device, dtype=dtype)
    with torch.inference_mode():
        for member, network in enumerate(networks):
            ready = _in_precision(network, dtype).eval()
            fingerprint = ready.fingerprint(batch)
            mean, variance = ready.read_out(fingerprint, batch)
            means[member], variances[member] = mean.cpu().numpy(), variance.cpu().numpy()
            if member == 0:
                fingerprints[:] = fingerprint.float().cpu().numpy()
    return MemberOutputs(means, variances, fingerprints)


def precision_dtype(precision: str) -> torch.dtype:
    """The number type of a precision.

    Raises
    ------
    InputError : an unknown precision
    """
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}; expected one of: {', '.join(PRECISIONS)}")
    return PRECISIONS[precision]


def _in_precision(network: Network, dtype: torch.dtype) -> Network:
    """The network itself, or a copy with rounded weights; the last layer stays single, it costs nothing."""
    if dtype == torch.float32:
        return network
    rounded = copy.deepcopy(network).to(dtype)
    rounded.predictor.keep_last_single()
    return rounded
