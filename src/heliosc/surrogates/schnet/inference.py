"""All members of an ensemble on the same molecules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from heliosc.surrogates.mpnn.inference import MemberOutputs
from heliosc.surrogates.schnet.data import FlatGeometries
from heliosc.surrogates.schnet.geometries import IntArray
from heliosc.surrogates.schnet.network import SchNetNetwork

ATOMS_PER_BATCH = 4_096
"""Edges, and with them memory, grow with the atoms; 4,096 take about 200 MB."""


def predict_members(
    networks: Sequence[SchNetNetwork], geometries: FlatGeometries, descriptors: Tensor, *, device: torch.device
) -> MemberOutputs:
    """Standardised means and variances, and the fingerprints of the first member.

    Parameters
    ----------
    descriptors : (n_molecules, n_descriptors) standardised
    """
    shape = (len(networks), geometries.n_molecules, networks[0].n_keys)
    fingerprints = np.empty((geometries.n_molecules, networks[0].width), dtype=np.float32)
    outputs = MemberOutputs(np.empty(shape), np.empty(shape), fingerprints)
    with torch.inference_mode():
        for rows in _chunks(geometries):
            batch = geometries.batch(rows, descriptors[rows], device=device)
            for member, network in enumerate(networks):
                fingerprint = network.eval().fingerprint(batch)
                mean, variance = network.read_out(fingerprint, batch)
                outputs.means[member, rows], outputs.variances[member, rows] = mean.cpu(), variance.cpu()
                if member == 0:
                    fingerprints[rows] = fingerprint.cpu()
    return outputs


def _chunks(geometries: FlatGeometries) -> Iterator[IntArray]:
    """Row numbers in pieces of at most ``ATOMS_PER_BATCH`` atoms, or of one molecule."""
    sizes = np.diff(geometries.offsets)
    rows: list[int] = []
    n_atoms = 0
    for row, size in enumerate(sizes.tolist()):
        if rows and n_atoms + size > ATOMS_PER_BATCH:
            yield np.array(rows, dtype=np.int64)
            rows, n_atoms = [], 0
        rows.append(row)
        n_atoms += size
    if rows:
        yield np.array(rows, dtype=np.int64)
