"""Net force and torque, which integration grids and solvent surfaces leave in a gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LINEAR = 1e-6  # size of the rotation of a linear molecule about itself


def rigid_motions(positions: FloatArray) -> FloatArray:
    """Orthonormal translations and rotations, (3 n_atoms, 6), or 5 for a linear molecule."""
    centred = positions - positions.mean(axis=0)
    motions = [np.tile(axis, (len(positions), 1)) for axis in np.eye(3)]
    motions += [np.cross(axis, centred) for axis in np.eye(3)]
    basis, sizes, _ = np.linalg.svd(np.array([motion.ravel() for motion in motions]).T, full_matrices=False)
    return np.asarray(basis[:, sizes > _LINEAR])


def without_rigid_motion(gradient: FloatArray, positions: FloatArray) -> FloatArray:
    """The gradient (n_atoms, 3) without the net force and torque that a finite grid leaves in it."""
    rigid = rigid_motions(positions)
    return np.asarray(gradient - (rigid @ (rigid.T @ gradient.ravel())).reshape(gradient.shape))
