"""The network: chemprop's directed-edge MPNN with a mean-variance head, run on environment classes.

Parameter names and shapes are those of ``chemprop.models.MPNN(BondMessagePassing, MeanAggregation, MveFFN)``, so that
weights move freely between the two (``to_chemprop``); the forward pass here does the same sums on deduplicated rows.
It runs in the precision of its parameters; a batch must be of the same.

References
----------
Yang et al., J. Chem. Inf. Model. 2019, 59, 3370 (10.1021/acs.jcim.9b00237): directed message passing.
Nix, Weigend, Proc. ICNN 1994, 55 (10.1109/ICNN.1994.374138): mean-variance heads.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.environments import Bags, BatchPlan
from heliosc.surrogates.mpnn.features import ATOM_FEATURES, BOND_FEATURES


class Batch(NamedTuple):
    """A ``BatchPlan`` as tensors, with the molecules' descriptors (n_molecules, n_descriptors), standardised."""

    edge_inputs: Tensor
    steps: tuple[tuple[Tensor, Tensor], ...]
    atom_inputs: Tensor
    atoms: tuple[Tensor, Tensor]
    molecules: tuple[Tensor, Tensor]
    descriptors: Tensor


def to_batch(
    plan: BatchPlan, descriptors: Tensor, *, device: torch.device, dtype: torch.dtype = torch.float32
) -> Batch:
    """Move a plan to the device, features as numbers of ``dtype``."""

    def tensors(bags: Bags) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(bags.rows).to(device), torch.from_numpy(bags.offsets).to(device)

    return Batch(
        torch.from_numpy(plan.edge_inputs).to(device, dtype),
        tuple(tensors(bags) for bags in plan.steps),
        torch.from_numpy(plan.atom_inputs).to(device, dtype),
        tensors(plan.atoms),
        tensors(plan.molecules),
        descriptors.to(device, dtype),
    )


def sum_bags(values: Tensor, bags: tuple[Tensor, Tensor], mode: str = "sum") -> Tensor:
    """Sum (or mean) of the rows named in each bag, (n_bags, width)."""
    rows, offsets = bags
    if values.requires_grad:  # in training half precision is for products; sums and their gradients stay in single
        values = values.float()
    return functional.embedding_bag(rows, values, offsets, mode=mode, include_last_offset=True)


class _MessagePassing(nn.Module):
    """Weights of chemprop's ``BondMessagePassing``."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.W_i = nn.Linear(ATOM_FEATURES + BOND_FEATURES, hidden, bias=False)
        self.W_h = nn.Linear(hidden, hidden, bias=False)
        self.W_o = nn.Linear(ATOM_FEATURES + hidden, hidden)

    def forward(self, batch: Batch) -> Tensor:
        """Hidden vectors of the atom classes, (n_atom_classes, hidden).

        A product with a sum is the sum of the products: so the matrices act on the classes of the layer below, which
        are several times fewer, and the sums are taken afterwards.
        """
        initial = self.W_i(batch.edge_inputs)
        edges = initial.relu()
        for bags in batch.steps:
            edges = sum_bags(torch.cat([self.W_h(edges), initial]), bags).relu_()
        for_atoms, for_edges = self.W_o.weight.split([ATOM_FEATURES, self.W_h.in_features], dim=1)
        atoms = functional.linear(batch.atom_inputs, for_atoms, self.W_o.bias)
        return sum_bags(torch.cat([functional.linear(edges, for_edges), atoms]), batch.atoms).relu_()


class HeadSettings(Protocol):
    """What the readout needs to know of a configuration."""

    @property
    def head_hidden(self) -> int: ...
    @property
    def head_layers(self) -> int: ...
    @property
    def dropout(self) -> float: ...


class MeanVarianceHead(nn.Module):
    """Weights of chemprop's ``MveFFN``: one mean and one raw variance a key over a shared trunk."""

    def __init__(self, n_inputs: int, config: HeadSettings, n_keys: int) -> None:
        super().__init__()
        sizes = [n_inputs, *[config.head_hidden] * config.head_layers]
        blocks: list[nn.Module] = [nn.Sequential(nn.Linear(sizes[0], sizes[1]))]
        blocks += [
            nn.Sequential(nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.head_hidden, size))
            for size in [*sizes[2:], 2 * n_keys]
        ]
        self.ffn = nn.Sequential(*blocks)

    def forward(self, inputs: Tensor) -> Tensor:
        """Means and raw variances, (n_molecules, 2 n_keys), in single precision: of the last layer if it is."""
        *hidden, last = self.ffn
        for block in hidden:
            inputs = block(inputs)
        return last(inputs.to(next(last.parameters()).dtype)).float()

    @property
    def last_layer(self) -> nn.Linear:
        """The layer whose outputs are told."""
        return [module for module in self.ffn.modules() if isinstance(module, nn.Linear)][-1]

    def keep_last_single(self) -> None:
        """Undo a rounding to half precision for the layer whose outputs are told."""
        self.ffn[-1].float()


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
        self.predictor = MeanVarianceHead(config.hidden + n_descriptors, config, n_keys)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and variance of the standardised targets, both (n_molecules, n_keys)."""
        return self.read_out(self.fingerprint(batch), batch)

    def read_out(self, fingerprint: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and variance of the standardised targets from the fingerprints."""
        inputs = torch.cat([fingerprint, batch.descriptors], dim=1) if self.n_descriptors else fingerprint
        mean, raw_variance = self.predictor(inputs).chunk(2, dim=1)
        return mean, functional.softplus(raw_variance)

    def fingerprint(self, batch: Batch) -> Tensor:
        """Learned fingerprints of the molecules, (n_molecules, hidden)."""
        return sum_bags(self.message_passing(batch), batch.molecules, mode="mean")


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
