"""Quantities that follow from the targets by definition, learnt beside them.

A relaxation energy is a small difference of two large energies. As a target of its own it weighs as much as they do,
and so the network learns to get the difference right, not only its two ends. The further heads are cut off after
training.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.mpnn.network import Network

FloatArray = NDArray[np.float64]

IDENTITIES: tuple[tuple[str, dict[str, int]], ...] = (
    ("homo_lumo_gap", {"lumo_energy": 1, "homo_energy": -1}),
    ("fundamental_gap", {"vertical_ionization_energy": 1, "vertical_electron_affinity": -1}),
    ("cation_relaxation", {"vertical_ionization_energy": 1, "adiabatic_ionization_energy": -1}),
    ("neutral_relaxation_from_cation", {
        "lambda_hole": 1, "vertical_ionization_energy": -1, "adiabatic_ionization_energy": 1}),
    ("anion_relaxation", {"adiabatic_electron_affinity": 1, "vertical_electron_affinity": -1}),
    ("neutral_relaxation_from_anion", {
        "lambda_electron": 1, "adiabatic_electron_affinity": -1, "vertical_electron_affinity": 1}),
)  # fmt: skip
"""Quantity -> the properties that it is the signed sum of, all at one level, signs as the properties define them."""


def auxiliary_targets(table: PropertyTable) -> FloatArray:
    """Values of every identity whose parts are columns at one level, and which is no column itself.

    Returns
    -------
    (n_molecules, n_auxiliary) NaN where a part is unknown
    """
    columns = []
    for level in dict.fromkeys(key.level for key in table.keys):
        at_level = {key.name: table.column(key) for key in table.keys if key.level == level}
        for name, parts in IDENTITIES:
            if name not in at_level and parts.keys() <= at_level.keys():
                columns.append(sum(sign * at_level[part] for part, sign in parts.items()))
    return np.array(columns, dtype=np.float64).reshape(len(columns), len(table.smiles)).T


def without_auxiliary(network: Network, keys: tuple[PropertyKey, ...]) -> Network:
    """The network with the heads of ``keys`` alone, which come first."""
    n_all, n_kept = network.n_keys, len(keys)
    if n_all == n_kept:
        return network
    kept = [*range(n_kept), *range(n_all, n_all + n_kept)]  # means, then variances
    cut = copy.deepcopy(network)
    cut.n_keys = n_kept
    last = cut.predictor.last_layer
    last.weight = torch.nn.Parameter(last.weight.detach()[kept].clone())
    last.bias = torch.nn.Parameter(last.bias.detach()[kept].clone())
    last.out_features = 2 * n_kept
    return cut
