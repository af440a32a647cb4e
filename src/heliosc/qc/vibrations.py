"""Harmonic frequencies from gradients, for engines without second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A

FloatArray = NDArray[np.float64]

STEP_BOHR = 0.005
PER_CM = 5140.48714  # sqrt(Eh/(bohr^2 u)) in cm^-1, CODATA 2018
_RIGID = 1e-6  # singular values of the rigid-body motions below this share are those of a linear molecule


@dataclass(frozen=True, slots=True)
class Vibrations:
    """Harmonic vibrations at a stationary point.

    Attributes
    ----------
    frequencies_per_cm : ascending, imaginary ones negative, without rotation and translation
    lowest_mode : (n_atoms, 3), displacements of the first, the largest of length 1; ``None`` = not given
    """

    frequencies_per_cm: tuple[float, ...]
    lowest_mode: FloatArray | None = None


def scaled_mode(displacements: FloatArray) -> FloatArray:
    """Displacements (n_atoms, 3) scaled so that the largest has length 1."""
    return np.asarray(displacements / np.linalg.norm(displacements, axis=1).max())


def vibrations_from_gradients(gradient: Callable[[FloatArray], FloatArray], geometry: Geometry) -> Vibrations:
    """Vibrations by central differences.

    Parameters
    ----------
    gradient : positions (n_atoms, 3) in A -> gradient (n_atoms, 3) in Eh/bohr
    """
    from ase.data import atomic_masses, atomic_numbers

    masses = np.repeat([atomic_masses[atomic_numbers[symbol]] for symbol in geometry.symbols], 3)
    columns = []
    for index in range(3 * geometry.n_atoms):
        shift = np.zeros(3 * geometry.n_atoms)
        shift[index] = STEP_BOHR * BOHR_A
        ahead, behind = (gradient(geometry.positions + sign * shift.reshape(-1, 3)) for sign in (1.0, -1.0))
        columns.append((ahead - behind).ravel() / (2.0 * STEP_BOHR))
    hessian = np.array(columns)
    weighted = 0.5 * (hessian + hessian.T) / np.sqrt(np.outer(masses, masses))
    inner = _internal_space(geometry.positions, masses)
    values, modes = np.linalg.eigh(inner.T @ weighted @ inner)
    lowest = (inner @ modes[:, 0] / np.sqrt(masses)).reshape(-1, 3)
    frequencies = tuple(float(value) for value in np.sign(values) * np.sqrt(np.abs(values)) * PER_CM)
    return Vibrations(frequencies, scaled_mode(lowest))


def _internal_space(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Orthonormal mass-weighted displacements (3 n_atoms, n_vibrations) that move neither centre nor axes."""
    centred = positions - np.average(positions, axis=0, weights=masses[::3])
    roots = np.sqrt(masses)
    translations = [roots * np.tile(axis, len(positions)) for axis in np.eye(3)]
    rotations = [roots * np.cross(axis, centred).ravel() for axis in np.eye(3)]
    rigid = np.array([*translations, *rotations]).T
    left, sizes, _ = np.linalg.svd(rigid, full_matrices=True)
    n_rigid = int(np.sum(sizes > _RIGID * sizes[0]))
    return np.asarray(left[:, n_rigid:])
