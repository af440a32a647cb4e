"""The network: chemprop's directed-edge MPNN with a mean-variance head, run on environment classes.

Parameter names and shapes are those of ``chemprop.models.MPNN(BondMessagePassing, MeanAggregation, MveFFN)``, so that
weights move freely between the two (``to_chemprop``); the forward pass here does the same sums on deduplicated rows.

References
----------
Yang et al., J. Chem. Inf. Model. 2019, 59, 3370 (10.1021/acs.jcim.9b00237): directed message passing.
Nix, Weigend, Proc. ICNN 1994, 55 (10.1109/ICNN.1994.374138): mean-variance heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.environments import Bags, BatchPlan
from heliosc.surrogates.mpnn.features import ATOM_FEATURES, BOND_FEATURES


@dataclass(frozen=True, slots=True)
class Batch:
    """A ``BatchPlan`` as tensors, with the molecules' descriptors (n_molecules, n_descriptors), standardised."""

    edge_inputs: Tensor
    steps: tuple[tuple[Tensor, Tensor, Tensor], ...]
    atom_inputs: Tensor
    atom_children: tuple[Tensor, Tensor]
    molecules: tuple[Tensor, Tensor]
    descriptors: Tensor


def to_batch(plan: BatchPlan, descriptors: Tensor, *, device: torch.device) -> Batch:
    """Move a plan to the device."""

    def tensors(bags: Bags) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(bags.rows).to(device), torch.from_numpy(bags.offsets).to(device)

    return Batch(
        torch.from_numpy(plan.edge_inputs).to(device),
        tuple((torch.from_numpy(first).to(device), *tensors(children)) for first, children in plan.steps),
        torch.from_numpy(plan.atom_inputs).to(device),
        tensors(plan.atom_children),
        tensors(plan.molecules),
        descriptors.to(device),
    )


def _sum_bags(values: Tensor, bags: tuple[Tensor, Tensor], mode: str = "sum") -> Tensor:
    rows, offsets = bags
    return functional.embedding_bag(rows, values.float(), offsets, mode=mode, include_last_offset=True)


class _MessagePassing(nn.Module):
    """Weights of chemprop's ``BondMessagePassing``."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.W_i = nn.Linear(ATOM_FEATURES + BOND_FEATURES, hidden, bias=False)
        self.W_h = nn.Linear(hidden, hidden, bias=False)
        self.W_o = nn.Linear(ATOM_FEATURES + hidden, hidden)

    def forward(self, batch: Batch) -> Tensor:
        """Hidden vectors of the atom classes, (n_atom_classes, hidden)."""
        initial = self.W_i(batch.edge_inputs)
        edges = initial.relu()
        for first, *children in batch.steps:
            edges = (initial[first] + self.W_h(_sum_bags(edges, (children[0], children[1])))).relu()
        arriving = _sum_bags(edges, batch.atom_children)
        return self.W_o(torch.cat([batch.atom_inputs, arriving], dim=1)).relu()


class _Head(nn.Module):
    """Weights of chemprop's ``MveFFN``: one mean and one raw variance a key over a shared trunk."""

    def __init__(self, n_inputs: int, config: MPNNConfig, n_keys: int) -> None:
        super().__init__()
        sizes = [n_inputs, *[config.head_hidden] * config.head_layers]
        blocks: list[nn.Module] = [nn.Sequential(nn.Linear(sizes[0], sizes[1]))]
        blocks += [
            nn.Sequential(nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.head_hidden, size))
            for size in [*sizes[2:], 2 * n_keys]
        ]
        self.ffn = nn.Sequential(*blocks)


class Network(nn.Module):
    """One member of the ensemble.

    Parameters
    ----------
    n_descriptors : numbers of the whole molecule joined to the fingerprint; 0 for none
    """

    def __init__(self, config: MPNNConfig, *, n_keys: int, n_descriptors: int) -> None:
        super().__init__()
        self.config = config
        self.n_keys = n_keys
        self.n_descriptors = n_descriptors
        self.message_passing = _MessagePassing(config.hidden)
        self.predictor = _Head(config.hidden + n_descriptors, config, n_keys)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and variance of the standardised targets, both (n_molecules, n_keys)."""
        fingerprint = _sum_bags(self.message_passing(batch), batch.molecules, mode="mean")
        if self.n_descriptors:
            fingerprint = torch.cat([fingerprint, batch.descriptors], dim=1)
        mean, raw_variance = self.predictor.ffn(fingerprint).float().chunk(2, dim=1)
        return mean, functional.softplus(raw_variance)


def to_chemprop(network: Network) -> Any:
    """The same network as a ``chemprop.models.MPNN``, e.g. to save it as a chemprop checkpoint.

    Its predictions are those of the standardised targets; ``x_d`` are the standardised descriptors.
    """
    from chemprop import models  # takes seconds to import, so only when asked for
    from chemprop import nn as chemprop_nn

    config = network.config
    twin = models.MPNN(
        chemprop_nn.BondMessagePassing(d_h=config.hidden, depth=config.depth),
        chemprop_nn.MeanAggregation(),
        chemprop_nn.MveFFN(
            n_tasks=network.n_keys,
            input_dim=config.hidden + network.n_descriptors,
            hidden_dim=config.head_hidden,
            n_layers=config.head_layers,
            dropout=config.dropout,
        ),
    )
    missing, unexpected = twin.load_state_dict(network.state_dict(), strict=False)
    left_out = [name for name in missing if "task_weights" not in name]
    if unexpected or left_out:
        raise RuntimeError(f"chemprop's MPNN has other weights: missing {left_out}, unexpected {unexpected}")
    return twin.eval()
