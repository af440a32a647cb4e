"""Starting geometries of dimers: slipped cofacial, edge to face, and overlapping end groups.

The frame is that of the conjugated atoms: long axis, short axis and normal of their plane. The second molecule is a
copy, brought up until its nearest atom stands at the contact distance, so that side chains cannot overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from heliosc.errors import InputError
from heliosc.qc.geometries import Geometry

FloatArray = NDArray[np.float64]

STACKING_DISTANCE_A = 3.5
CONTACT_A = 4.0
_HYDROGEN_CONTACT_A = 2.7  # nearest approach of any two atoms where the faces do not meet
_SLIP_A = 1.5
_END_GROUP_A = 5.0  # length of the end groups that overlap, about that of a dicyanoindanone's bicycle
_STEP_A = 0.05


@dataclass(frozen=True, slots=True)
class Dimer:
    """Two molecules of the same kind.

    Attributes
    ----------
    first, second : the same atoms in the same order
    """

    first: Geometry
    second: Geometry

    def together(self) -> Geometry:
        """Both as one geometry, the first molecule's atoms before the second's."""
        return Geometry(
            self.first.symbols + self.second.symbols, np.vstack([self.first.positions, self.second.positions])
        )


def dimer_starts(monomer: Geometry, pi_atoms: Sequence[int]) -> dict[str, Dimer]:
    """Dimers by name of their arrangement: ``slipped``, ``edge_to_face``, ``end_group``.

    Parameters
    ----------
    pi_atoms : indices of the conjugated atoms, at least three

    Raises
    ------
    InputError : too few conjugated atoms to span a plane
    """
    if len(pi_atoms) < 3:
        raise InputError(f"{len(pi_atoms)} conjugated atoms span no plane; stacking needs at least three")
    centre, (long_axis, _, normal) = pi_frame(monomer.positions[list(pi_atoms)])
    positions = monomer.positions - centre
    length = float(np.ptp(positions[list(pi_atoms)] @ long_axis))
    turned = Rotation.from_rotvec(np.pi * normal).apply(positions)  # antiparallel: dipoles oppose each other
    on_edge = Rotation.from_rotvec(np.pi / 2 * long_axis).apply(positions)
    shift = max(length - _END_GROUP_A, 0.5 * length)
    copies = {
        "slipped": _brought_up(positions, turned + _SLIP_A * long_axis, normal, contact=STACKING_DISTANCE_A),
        "edge_to_face": _brought_up(positions, on_edge, normal, contact=_HYDROGEN_CONTACT_A),
        "end_group": _brought_up(positions, turned + shift * long_axis, normal, contact=STACKING_DISTANCE_A),
    }
    first = Geometry(monomer.symbols, positions)
    return {name: Dimer(first, Geometry(monomer.symbols, copy)) for name, copy in copies.items()}


def pi_frame(positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre (3,), A, and the axes (3, 3): long axis, short axis and normal of a set of atoms, a right-handed frame."""
    centre = positions.mean(axis=0)
    axes = np.linalg.svd(positions - centre, full_matrices=False)[2]
    return centre, np.array([axes[0], axes[1], np.cross(axes[0], axes[1])])


def contact_share(dimer: Dimer, pi_atoms: Sequence[int]) -> float:
    """Share of the conjugated atoms of both molecules that have one of the other's within ``CONTACT_A``."""
    chosen = list(pi_atoms)
    distances = _distances(dimer.first.positions[chosen], dimer.second.positions[chosen])
    close = distances < CONTACT_A
    return float(0.5 * (close.any(axis=0).mean() + close.any(axis=1).mean()))


def _brought_up(still: FloatArray, copy: FloatArray, direction: FloatArray, *, contact: float) -> FloatArray:
    """The copy moved along a direction to the nearest place at which no two atoms are closer than the contact."""
    height = 0.0
    while _distances(still, copy + height * direction).min() < contact:
        height += _STEP_A
    return np.asarray(copy + height * direction)


def _distances(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(first[:, None] - second[None, :], axis=-1))
