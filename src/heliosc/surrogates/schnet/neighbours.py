"""Which atoms see each other: a dense list of distances a molecule, without compiled extensions.

For molecules of up to a few hundred atoms a padded table of all distances is faster than a cell list, and so neither
torch-cluster nor pyg-lib is needed.
"""

from __future__ import annotations

import torch
from torch import Tensor


class DenseNeighbours:
    """Pairs of atoms of one molecule within a cutoff, as PyTorch Geometric's ``interaction_graph``.

    Parameters
    ----------
    cutoff : A
    """

    def __init__(self, cutoff: float) -> None:
        self.cutoff = cutoff

    @torch.compiler.disable
    def __call__(self, positions: Tensor, molecule_of_atom: Tensor) -> tuple[Tensor, Tensor]:
        """Edges and their lengths: first every pair (i < j), then every pair again, reversed, in the same order.

        Parameters
        ----------
        positions : (n_atoms, 3), A
        molecule_of_atom : (n_atoms,), ascending

        Returns
        -------
        edges : (2, 2 n_pairs) atom numbers
        distances : (2 n_pairs,), A
        """
        sizes = torch.bincount(molecule_of_atom)
        starts = torch.cumsum(sizes, 0) - sizes
        place = torch.arange(len(molecule_of_atom), device=positions.device) - starts[molecule_of_atom]
        padded = positions.new_full((len(sizes), int(sizes.max()), 3), torch.nan)  # NaN is within no cutoff
        padded[molecule_of_atom, place] = positions
        # the faster way by matrix products loses four digits
        distances = torch.cdist(padded, padded, compute_mode="donot_use_mm_for_euclid_dist")
        molecule, first, second = torch.nonzero(torch.triu(distances < self.cutoff, diagonal=1), as_tuple=True)
        pairs = torch.stack([starts[molecule] + first, starts[molecule] + second])
        lengths = distances[molecule, first, second]
        return torch.cat([pairs, pairs.flip(0)], dim=1), torch.cat([lengths, lengths])
