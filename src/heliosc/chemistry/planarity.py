"""Planarity of the conjugated system of a conformer: distance from the mean plane, and twists between its units.

Validity: for systems that are meant to lie in one plane. The distances grow with the size of the system at equal
twist, so compare like sizes, or the twists; of a helicene, bowl or fullerene they only say that it is bent.

References
----------
Lu, J. Mol. Model. 2021, 27, 263, 10.1007/s00894-021-04884-0: molecular planarity parameter MPP = [sum d_i^2 / n]^1/2
(eq. 5) and span of deviation from plane SDP = max d_i - min d_i (eq. 6), d_i the signed distance from the least-squares
plane through the geometric centre of the n atoms: no masses, and only the atoms of interest (hydrogen is none of them).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph
from heliosc.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Planarity:
    """How flat the largest conjugated system of one conformer is.

    Attributes
    ----------
    deviation : MPP, A
    span : SDP, A
    torsions : twist of each single bond between two conjugated units, 0 (flat) to 90 degrees, in the order of
        ``unit_bonds``
    """

    deviation: float
    span: float
    torsions: tuple[float, ...]

    @property
    def largest_torsion(self) -> float:
        """Largest twist, degrees; 0 without one."""
        return max(self.torsions, default=0.0)


def planarity(molecule: Chem.Mol, positions: FloatArray) -> Planarity:
    """Planarity of the largest conjugated system.

    Parameters
    ----------
    molecule : the graph
    positions : (n, 3), A, n the heavy atoms in the graph's order, or with the hydrogens of ``Chem.AddHs`` after them

    Raises
    ------
    InputError : no conjugated system, or fewer positions than heavy atoms
    """
    molecule = Chem.RemoveHs(molecule)
    if len(positions) < molecule.GetNumAtoms():
        raise InputError(f"{len(positions)} positions for {molecule.GetNumAtoms()} heavy atoms; expected one for each")
    systems = conjugated_systems(molecule)
    if not systems:
        raise InputError(
            f"{Chem.MolToSmiles(molecule)[:80]!r} has no conjugated system; planarity means nothing for it"
        )
    distances = plane_distances(positions[sorted(systems[0])])
    bonds = unit_bonds(molecule, systems[0])
    torsions = tuple(_twist(molecule, bond, systems[0], positions) for bond in bonds)
    return Planarity(float(np.sqrt(np.mean(distances**2))), float(np.ptp(distances)), torsions)


def plane_distances(positions: FloatArray) -> FloatArray:
    """Signed distance of each point from the least-squares plane of all, (n,), A."""
    centred = positions - positions.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
    return np.asarray(centred @ normal)


def unit_bonds(structure: Structure, system: frozenset[int]) -> list[tuple[int, int]]:
    """Single, acyclic bonds inside a conjugated system around which its units can turn.

    A bond to a linear (sp) atom is none: turning about it changes nothing beside it.
    """
    graph = as_graph(structure)
    in_rings = graph.once(_ring_bonds)
    return [
        (begin, end)
        for begin, end, order in graph.bonds
        if order == 1.0
        and begin in system
        and end in system
        and frozenset((begin, end)) not in in_rings
        and _turns(graph, begin, system)
        and _turns(graph, end, system)
        and graph.is_single(begin, end)
    ]


def _ring_bonds(graph: MolecularGraph) -> set[frozenset[int]]:
    return {frozenset(pair) for ring in graph.rings for pair in zip(ring, (*ring[1:], ring[0]), strict=True)}


def _turns(graph: MolecularGraph, atom: int, system: frozenset[int]) -> bool:
    n_inside = sum(neighbour in system for neighbour in graph.neighbours[atom])
    return n_inside >= 2 and not graph.is_linear(atom)


def _twist(molecule: Chem.Mol, bond: tuple[int, int], system: frozenset[int], positions: FloatArray) -> float:
    """Mean of the folded torsions about a bond, 0 to 90 degrees."""
    first, second = bond
    starts, ends = (
        [
            n.GetIdx()
            for n in molecule.GetAtomWithIdx(here).GetNeighbors()
            if n.GetIdx() != there and n.GetIdx() in system
        ]
        for here, there in ((first, second), (second, first))
    )
    angles = [abs(_torsion(positions[[start, first, second, end]])) for start, end in product(starts, ends)]
    return float(np.mean([min(angle, 180.0 - angle) for angle in angles]))


def _torsion(points: FloatArray) -> float:
    """Torsion of four points, degrees, -180 to 180."""
    before, axis, after = np.diff(points, axis=0)
    first, second = np.cross(before, axis), np.cross(axis, after)
    sine = np.linalg.norm(axis) * (before @ second)
    return float(np.degrees(np.arctan2(sine, first @ second)))
