"""Starting coordinates of fullerene cages, which distance geometry cannot embed.

The three lowest non-trivial eigenvectors of the cage's adjacency matrix place its atoms on a sphere ("topological
coordinates"), so every fullerene and its derivatives are covered, not only C60.

References
----------
Manolopoulos, Fowler, J. Chem. Phys. 1992, 96, 7603.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

CAGE_BOND_A = 1.43
_SMALLEST_FULLERENE = 20


def fullerene_cage(molecule: Chem.Mol) -> list[int]:
    """Atoms of the carbon cage in which every atom has three cage neighbours; empty when there is none."""
    cage = {atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 6}
    while True:
        outside = {index for index in cage if len(cage.intersection(_neighbours(molecule, index))) < 3}
        if not outside:
            return sorted(cage) if len(cage) >= _SMALLEST_FULLERENE else []
        cage -= outside


def cage_positions(molecule: Chem.Mol, cage: list[int]) -> NDArray[np.float64]:
    """Topological coordinates of the cage atoms, (n_cage, 3), A, mean bond length ``CAGE_BOND_A``."""
    adjacency = Chem.GetAdjacencyMatrix(molecule)[np.ix_(cage, cage)].astype(np.float64)
    values, vectors = np.linalg.eigh(adjacency)
    positions = vectors[:, -4:-1] / np.sqrt(values[-1] - values[-4:-1])
    first, second = np.nonzero(np.triu(adjacency))
    return positions * (CAGE_BOND_A / np.linalg.norm(positions[first] - positions[second], axis=1).mean())


def _neighbours(molecule: Chem.Mol, index: int) -> list[int]:
    return [atom.GetIdx() for atom in molecule.GetAtomWithIdx(index).GetNeighbors()]
