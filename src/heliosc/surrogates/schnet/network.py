"""One member: PyTorch Geometric's SchNet with a mean-variance head.

SchNet sees atomic numbers and distances alone, so its output does not change when the molecule is moved, turned,
mirrored, or its atoms are renumbered. Where geometries of the ions are given too, every edge of the neutral geometry
also carries how much its length changes in each ion: what a charge moves is what reorganisation energies are made of.

References
----------
Schuett et al., J. Chem. Phys. 2018, 148, 241722 (10.1063/1.5019779): SchNet.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliosc.errors import MissingDependencyError
from heliosc.surrogates.mpnn.network import MeanVarianceHead
from heliosc.surrogates.schnet.config import SchNetConfig
from heliosc.surrogates.schnet.neighbours import DenseNeighbours

_CHANGES_A = (0.02, 0.2)  # bonds change by some 0.02 A, distances across a turning bond by ten times as much
_ATOMS = 30.0  # so that sums over the atoms of a usual molecule are of order one


class AtomBatch(NamedTuple):
    """Molecules laid end to end.

    Attributes
    ----------
    atomic_numbers : (n_atoms,)
    positions : (n_states, n_atoms, 3), A, float32
    molecule_of_atom : (n_atoms,) ascending; every molecule has atoms
    descriptors : (n_molecules, n_descriptors), standardised
    """

    atomic_numbers: Tensor
    positions: Tensor
    molecule_of_atom: Tensor
    descriptors: Tensor


class SchNetNetwork(nn.Module):
    """One member of the ensemble.

    Parameters
    ----------
    n_descriptors : numbers of the whole molecule joined to the fingerprint; 0 for none

    Raises
    ------
    MissingDependencyError : PyTorch Geometric is not installed
    """

    def __init__(self, config: SchNetConfig, *, n_keys: int, n_descriptors: int) -> None:
        super().__init__()
        self.config = config
        self.n_keys = n_keys
        self.n_descriptors = n_descriptors
        self.schnet = _make_schnet(config)
        self.predictor = MeanVarianceHead(self.width + n_descriptors, config, n_keys)

    @property
    def width(self) -> int:
        """Numbers of a fingerprint."""
        return 2 * self.config.hidden

    def forward(self, batch: AtomBatch) -> tuple[Tensor, Tensor]:
        """Mean and variance of the standardised targets, both (n_molecules, n_keys)."""
        return self.read_out(self.fingerprint(batch), batch)

    def read_out(self, fingerprint: Tensor, batch: AtomBatch) -> tuple[Tensor, Tensor]:
        """Mean and variance of the standardised targets from the fingerprints."""
        inputs = torch.cat([fingerprint, batch.descriptors], dim=1) if self.n_descriptors else fingerprint
        mean, raw_variance = self.predictor(inputs).chunk(2, dim=1)
        return mean, functional.softplus(raw_variance)

    def fingerprint(self, batch: AtomBatch) -> Tensor:
        """Learned fingerprints, (n_molecules, width): mean of the atoms, and their sum for what grows with size."""
        atoms = self.schnet.act(self.schnet.lin1(self._atom_vectors(batch))).float()
        shape = (len(batch.descriptors), atoms.shape[1])
        total = atoms.new_zeros(shape).index_add(0, batch.molecule_of_atom, atoms)
        sizes = torch.bincount(batch.molecule_of_atom, minlength=shape[0]).unsqueeze(1)
        return torch.cat([total / sizes, total / _ATOMS], dim=1)

    def _atom_vectors(self, batch: AtomBatch) -> Tensor:
        """(n_atoms, hidden) after all interactions."""
        edges, distances = self.schnet.interaction_graph(batch.positions[0], batch.molecule_of_atom)
        n_pairs = len(distances) // 2
        inputs = self.schnet.distance_expansion(distances[:n_pairs])
        if len(batch.positions) > 1:
            changes = _length_changes(batch.positions, edges[:, :n_pairs], distances[:n_pairs])
            inputs = torch.cat([inputs, changes], dim=1)
        atoms = self.schnet.embedding(batch.atomic_numbers)
        for interaction in self.schnet.interactions:
            atoms = atoms + interaction(atoms, edges, distances, inputs)
        return atoms


class _PairFilters(nn.Sequential):
    """Filters of the pairs, computed once and used for both directions: half the work of the dearest layer."""

    def forward(self, pair_inputs: Tensor) -> Tensor:
        """(2 n_pairs, filters) of (n_pairs, n_inputs)."""
        filters = super().forward(pair_inputs)
        return torch.cat([filters, filters])


def _import_schnet() -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its own modules use torch.jit.script while they load
            from torch_geometric.nn.models.schnet import GaussianSmearing, SchNet
    except ImportError as error:
        raise MissingDependencyError(
            f"the three-dimensional model needs PyTorch Geometric ({error}); install it: pip install 'heliosc[3d]'"
        ) from error
    return SchNet, GaussianSmearing


def _make_schnet(config: SchNetConfig) -> Any:
    SchNet, GaussianSmearing = _import_schnet()
    n_changes = len(_CHANGES_A) * (len(config.states) - 1)
    schnet = SchNet(
        hidden_channels=config.hidden,
        num_filters=config.filters,
        num_interactions=config.interactions,
        num_gaussians=config.gaussians + n_changes,
        cutoff=config.cutoff,
        interaction_graph=DenseNeighbours(config.cutoff),
    )
    schnet.distance_expansion = GaussianSmearing(0.0, config.cutoff, config.gaussians)
    schnet.distance_expansion.register_buffer("offset", schnet.distance_expansion.offset, persistent=False)
    for interaction in schnet.interactions:
        interaction.conv.nn = _PairFilters(*interaction.mlp)
        del interaction.mlp  # the same module under a second name
    schnet.lin1 = nn.Linear(config.hidden, config.hidden)
    del schnet.lin2  # SchNet's own head; ours follows
    return schnet


def _length_changes(positions: Tensor, pairs: Tensor, distances: Tensor) -> Tensor:
    """How much longer each pair is in the ions, on each scale, between -1 and 1: (n_pairs, n_scales n_ions)."""
    first, second = positions[1:, pairs[0]], positions[1:, pairs[1]]
    longer = (torch.linalg.vector_norm(first - second, dim=2) - distances).T
    return torch.cat([torch.tanh(longer / scale) for scale in _CHANGES_A], dim=1)
