"""Redundant internal coordinates: bonds, angles, linear bends and torsions, their values and Wilson B matrix.

A linear bend is the component of the sum of the two unit bond vectors along a fixed axis perpendicular to the chain;
torsions run through linear chains (as in diarylacetylenes), so no soft rotation is left out.

References
----------
Peng, Ayala, Schlegel, Frisch, J. Comput. Chem. 1996, 17, 49 (redundant internals).
Blondel, Karplus, J. Comput. Chem. 1996, 17, 1132 (torsion derivatives).
Lindh, Bernhardsson, Karlstroem, Malmqvist, Chem. Phys. Lett. 1995, 241, 423 (model Hessian; its constants at bonded
distances, with stiffer bends and torsions, which nearly halve the number of steps for conjugated molecules).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from heliosc.qc.rigid_motion import rigid_motions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

LINEAR_ANGLE = np.deg2rad(168.0)
STRETCH_CONSTANT = 0.45  # Eh/bohr^2
BEND_CONSTANT = 0.20  # Eh/rad^2
TORSION_CONSTANT = 0.015  # Eh/rad^2


@dataclass(frozen=True, slots=True)
class InternalCoordinates:
    """Which atoms span which coordinate.

    Attributes
    ----------
    bonds : (n_bonds, 2)
    angles : (n_angles, 3), the middle atom second
    bends : (n_bends, 3), linear angles, each twice
    bend_axes : (n_bends, 3), unit vectors
    torsions : (n_torsions, 4)
    """

    bonds: IntArray
    angles: IntArray
    bends: IntArray
    bend_axes: FloatArray
    torsions: IntArray

    @property
    def n_coordinates(self) -> int:
        return len(self.bonds) + len(self.angles) + len(self.bends) + len(self.torsions)

    def model_force_constants(self) -> FloatArray:
        """Diagonal of the model Hessian, (n_coordinates,), Eh/bohr^2 and Eh/rad^2."""
        counts = (len(self.bonds), len(self.angles) + len(self.bends), len(self.torsions))
        return np.repeat((STRETCH_CONSTANT, BEND_CONSTANT, TORSION_CONSTANT), counts).astype(np.float64)

    def values(self, positions: FloatArray) -> FloatArray:
        """Values at a geometry, (n_coordinates,), bohr and rad, for positions (n_atoms, 3) in bohr."""
        return self._evaluate(positions)[0]

    def difference(self, after: FloatArray, before: FloatArray) -> FloatArray:
        """``after - before``, (n_coordinates,), torsions wrapped to (-pi, pi]."""
        change = after - before
        n_torsions = len(self.torsions)
        if n_torsions:
            change[-n_torsions:] = np.mod(change[-n_torsions:] + np.pi, 2 * np.pi) - np.pi
        return change

    def wilson_matrix(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values (n_coordinates,) and B matrix (n_coordinates, 3 n_atoms) at positions (n_atoms, 3) in bohr."""
        values, blocks = self._evaluate(positions)
        matrix = np.zeros((self.n_coordinates, len(positions), 3))
        row = 0
        for atoms, derivatives in blocks:
            rows = np.arange(row, row + len(atoms))
            for column, derivative in enumerate(derivatives):
                matrix[rows, atoms[:, column]] += derivative
            row += len(atoms)
        flat = matrix.reshape(self.n_coordinates, -1)
        if len(self.bends):
            first = len(self.bonds) + len(self.angles)
            self._hold_frame(flat[first : first + len(self.bends)], positions)
        return values, flat

    @staticmethod
    def _hold_frame(rows: FloatArray, positions: FloatArray) -> None:
        """Take rotations of the whole molecule out of the rows of linear bends, in place.

        Their axes are fixed in space, so turning a slightly bent chain about itself changes them. An optimiser would
        spin the molecule, at no cost to any other coordinate, to change a bend.
        """
        rigid = rigid_motions(positions)
        rows -= (rows @ rigid) @ rigid.T

    def _evaluate(self, x: FloatArray) -> tuple[FloatArray, list[tuple[IntArray, list[FloatArray]]]]:
        parts = (
            (self.bonds, _stretches(x, self.bonds)),
            (self.angles, _angles(x, self.angles)),
            (self.bends, _linear_bends(x, self.bends, self.bend_axes)),
            (self.torsions, _torsions(x, self.torsions)),
        )
        values = np.concatenate([value for _, (value, _) in parts])
        return values, [(atoms, derivatives) for atoms, (_, derivatives) in parts]


def internal_coordinates(positions: FloatArray, bonds: IntArray) -> InternalCoordinates:
    """All coordinates that a bond list spans.

    Parameters
    ----------
    positions : (n_atoms, 3), decides which angles are linear
    bonds : (n_bonds, 2)
    """
    neighbours: list[list[int]] = [[] for _ in positions]
    for first, second in bonds.tolist():
        neighbours[first].append(second)
        neighbours[second].append(first)
    angles, bends, axes = _split_angles(positions, neighbours)
    linear_centres = {int(bend[1]) for bend in bends if len(neighbours[int(bend[1])]) == 2}
    torsions = _torsion_atoms(positions, neighbours, linear_centres)
    return InternalCoordinates(
        bonds.reshape(-1, 2),
        np.array(angles, dtype=np.intp).reshape(-1, 3),
        np.array(bends, dtype=np.intp).reshape(-1, 3),
        np.array(axes, dtype=np.float64).reshape(-1, 3),
        np.array(torsions, dtype=np.intp).reshape(-1, 4),
    )


def _split_angles(
    positions: FloatArray, neighbours: list[list[int]]
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]], list[FloatArray]]:
    angles, bends, axes = [], [], []
    for centre, around in enumerate(neighbours):
        for first, second in combinations(around, 2):
            if _angle(positions, first, centre, second) < LINEAR_ANGLE:
                angles.append((first, centre, second))
                continue
            bends += [(first, centre, second)] * 2
            axes += _perpendicular_axes(positions[second] - positions[first])
    return angles, bends, axes


def _torsion_atoms(
    positions: FloatArray, neighbours: list[list[int]], linear_centres: set[int]
) -> list[tuple[int, int, int, int]]:
    torsions = []
    for start, around in enumerate(neighbours):
        if start in linear_centres:
            continue
        for step in around:
            before, end = start, step
            while end in linear_centres:  # walk to the end of a linear chain
                before, end = end, next(atom for atom in neighbours[end] if atom != before)
            if end <= start:
                continue
            torsions += [
                (first, start, end, last)
                for first in neighbours[start]
                for last in neighbours[end]
                if first != step and last != before and len({first, start, end, last}) == 4
                if max(_angle(positions, first, start, end), _angle(positions, start, end, last)) < LINEAR_ANGLE
            ]
    return torsions


def _angle(x: FloatArray, first: int, centre: int, second: int) -> float:
    u, v = x[first] - x[centre], x[second] - x[centre]
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))


def _perpendicular_axes(direction: FloatArray) -> list[FloatArray]:
    seed = np.eye(3)[np.argmin(np.abs(direction))]
    first = np.cross(direction, seed)
    first /= np.linalg.norm(first)
    second = np.cross(direction, first)
    return [first, second / np.linalg.norm(second)]


def _unit(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return vectors / lengths, lengths


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.einsum("ij,ij->i", a, b)[:, None]


def _stretches(x: FloatArray, atoms: IntArray) -> tuple[FloatArray, list[FloatArray]]:
    unit, length = _unit(x[atoms[:, 0]] - x[atoms[:, 1]])
    return length[:, 0], [unit, -unit]


def _angles(x: FloatArray, atoms: IntArray) -> tuple[FloatArray, list[FloatArray]]:
    u, u_length = _unit(x[atoms[:, 0]] - x[atoms[:, 1]])
    v, v_length = _unit(x[atoms[:, 2]] - x[atoms[:, 1]])
    cosine = np.clip(_dot(u, v), -1.0, 1.0)
    sine = np.maximum(np.sqrt(1.0 - cosine**2), 1e-6)
    first, last = (cosine * u - v) / (u_length * sine), (cosine * v - u) / (v_length * sine)
    return np.arccos(cosine[:, 0]), [first, -(first + last), last]


def _linear_bends(x: FloatArray, atoms: IntArray, axes: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    u, u_length = _unit(x[atoms[:, 0]] - x[atoms[:, 1]])
    v, v_length = _unit(x[atoms[:, 2]] - x[atoms[:, 1]])
    first = (axes - _dot(axes, u) * u) / u_length
    last = (axes - _dot(axes, v) * v) / v_length
    return _dot(u + v, axes)[:, 0], [first, -(first + last), last]


def _torsions(x: FloatArray, atoms: IntArray) -> tuple[FloatArray, list[FloatArray]]:
    i, j, k, m = (x[atoms[:, column]] for column in range(4))
    f, g, h = i - j, j - k, m - k
    a, b = np.cross(f, g), np.cross(h, g)
    g_length = _unit(g)[1]
    a_squared, b_squared = np.maximum(_dot(a, a), 1e-10), np.maximum(_dot(b, b), 1e-10)
    angle = np.arctan2(_dot(np.cross(b, a), g) / g_length, _dot(a, b))
    first, last = -g_length / a_squared * a, g_length / b_squared * b
    shift = _dot(f, g) / (a_squared * g_length) * a - _dot(h, g) / (b_squared * g_length) * b
    return angle[:, 0], [first, shift - first, -shift - last, last]
