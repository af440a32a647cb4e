"""Optimisation of a dimer with both molecules rigid: six degrees of freedom, energies and forces from GFN2-xTB.

The second molecule is placed by a quaternion and a translation; the gradient with respect to them follows from the
forces on its atoms. Rigid molecules keep the comparison between arrangements one of the contact alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from heliosc.qc.condensed.dimers import Dimer
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import TbliteSession

FloatArray = NDArray[np.float64]

_GRADIENT = 2e-4  # Eh per A and per unit of the quaternion; interaction energies settle to about 1 meV
_MAX_STEPS = 80
_NO_TURN = (1.0, 0.0, 0.0, 0.0)


def relax_rigid_dimer(dimer: Dimer) -> tuple[Dimer, float]:
    """The nearest minimum and its energy, Eh; the first molecule stays where it is.

    The search ends after ``_MAX_STEPS`` steps at the latest: the surface is flat, and a few meV do not matter here.

    Raises
    ------
    InputError, ConvergenceError : see ``heliosc.qc.xtb.engine.TbliteSession.evaluate``
    """
    together = dimer.together()
    session = TbliteSession(together.symbols)
    n_first = dimer.first.n_atoms
    centre = dimer.second.positions.mean(axis=0)
    body = dimer.second.positions - centre

    def placed(parameters: FloatArray) -> FloatArray:
        return np.asarray(body @ rotation(parameters[:4])[0].T + centre + parameters[4:])

    def energy_and_gradient(parameters: FloatArray) -> tuple[float, FloatArray]:
        state = session.evaluate(np.vstack([dimer.first.positions, placed(parameters)]))
        forces = state.gradient[n_first:] / BOHR_A  # Eh/A
        turns = np.einsum("kij,aj,ai->k", rotation(parameters[:4])[1], body, forces)
        return state.energy, np.concatenate([turns, forces.sum(axis=0)])

    found = minimize(
        energy_and_gradient,
        np.array([*_NO_TURN, 0.0, 0.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_STEPS, "gtol": _GRADIENT, "ftol": 1e-10},
    )
    return Dimer(dimer.first, Geometry(dimer.second.symbols, placed(found.x))), float(found.fun)


def rotation(quaternion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotation matrix (3, 3) of a quaternion of any length, and its derivatives (4, 3, 3).

    References
    ----------
    Kuipers, Quaternions and Rotation Sequences, Princeton University Press 1999.
    """
    w, x, y, z = quaternion
    norm = float(quaternion @ quaternion)
    matrix = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    derivatives = 2.0 * np.array(
        [
            [[w, -z, y], [z, w, -x], [-y, x, w]],
            [[x, y, z], [y, -x, -w], [z, w, -x]],
            [[-y, x, w], [x, y, z], [-w, z, -y]],
            [[-z, -w, x], [w, -z, y], [x, y, z]],
        ]
    )
    return matrix / norm, derivatives / norm - 2.0 * quaternion[:, None, None] * matrix / norm**2
