"""Molecules as flat arrays, and batches of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliosc.surrogates.schnet.geometries import IntArray, MolecularGeometry
from heliosc.surrogates.schnet.network import AtomBatch


@dataclass(frozen=True, slots=True, eq=False)
class FlatGeometries:
    """Geometries laid end to end.

    Attributes
    ----------
    atomic_numbers : (n_atoms,)
    positions : (n_states, n_atoms, 3), A
    offsets : (n_molecules + 1,) first atom of each molecule
    """

    atomic_numbers: IntArray
    positions: NDArray[np.float32]
    offsets: IntArray

    @classmethod
    def of(cls, geometries: Sequence[MolecularGeometry], *, states: Sequence[str]) -> FlatGeometries:
        """Flatten the wanted charge states; all must be there."""
        sizes = [len(geometry.atomic_numbers) for geometry in geometries]
        none = np.zeros((0, 3))
        return cls(
            np.concatenate([np.zeros(0, dtype=np.int64), *(geometry.atomic_numbers for geometry in geometries)]),
            np.stack(
                [np.concatenate([none, *(geometry.positions[state] for geometry in geometries)]) for state in states]
            ).astype(np.float32),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        )

    @property
    def n_molecules(self) -> int:
        return len(self.offsets) - 1

    def rows(self, rows: IntArray) -> FlatGeometries:
        """Some of the molecules, in the order asked for."""
        atoms, sizes = self._atoms(rows)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return FlatGeometries(self.atomic_numbers[atoms], self.positions[:, atoms], offsets)

    @property
    def fingerprint(self) -> str:
        """Short hash of all atoms and positions."""
        digest = hashlib.sha256()
        for array in (self.atomic_numbers, self.positions, self.offsets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def batch(self, rows: IntArray, descriptors: Tensor, *, device: torch.device) -> AtomBatch:
        """Network input of some molecules.

        Parameters
        ----------
        descriptors : (n_rows, n_descriptors) standardised
        """
        atoms, sizes = self._atoms(rows)
        return AtomBatch(
            torch.from_numpy(self.atomic_numbers[atoms]).to(device),
            torch.from_numpy(self.positions[:, atoms]).to(device),
            torch.from_numpy(np.repeat(np.arange(len(rows)), sizes)).to(device),
            descriptors.to(device),
        )

    def _atoms(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Numbers of the atoms of some molecules, end to end, and how many each has."""
        sizes = np.diff(self.offsets)[rows]
        ends = np.cumsum(sizes)
        return np.repeat(self.offsets[rows] - (ends - sizes), sizes) + np.arange(sizes.sum()), sizes


@dataclass(frozen=True, slots=True, eq=False)
class GeometryData:
    """What every member learns from.

    Attributes
    ----------
    geometries : of all molecules
    descriptors : (n_molecules, n_descriptors) standardised, float32
    targets : (n_molecules, n_keys) standardised, float32, NaN = unknown
    """

    geometries: FlatGeometries
    descriptors: Tensor
    targets: Tensor

    def batch(self, rows: IntArray, *, device: torch.device) -> AtomBatch:
        """Network input of some molecules."""
        return self.geometries.batch(rows, self.descriptors[rows], device=device)
