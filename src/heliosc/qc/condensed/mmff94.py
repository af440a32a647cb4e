"""Terms of the MMFF94 force field for one molecule, as RDKit assigns them, and the energies they stand for.

    bond            143.9325 k/2 d^2 (1 - 2 d + 7/3 d^2)                       d = r - r0, A
    angle           143.9325 (pi/180)^2 k/2 t^2 (1 - 0.006981317 t)            t = theta - theta0, degrees
    linear angle    143.9325 k (1 + cos theta)
    stretch-bend    143.9325 pi/180 (k_ijk d_ij + k_kji d_kj) t
    out of plane    143.9325 (pi/180)^2 k/2 chi^2                              Wilson angle, degrees
    torsion         [V1 (1 + cos phi) + V2 (1 - cos 2 phi) + V3 (1 + cos 3 phi)] / 2
    van der Waals   e [1.07 R/(r + 0.07 R)]^7 [1.12 R^7/(r^7 + 0.12 R^7) - 2]  pairs three or more bonds apart
    charges         332.0716 q_i q_j/(r + 0.05), times 0.75 three bonds apart  the same pairs

kcal/mol throughout. The force field was made for conformations in vacuum and for molecules like drugs; elements beyond
H, C, N, O, F, Si, P, S, Cl, Br, I have no parameters.

References
----------
Halgren, J. Comput. Chem. 1996, 17, 490, 10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P (MMFF94).
Tosco, Stiefl, Landrum, J. Cheminform. 2014, 6, 37, 10.1186/s13321-014-0037-3 (RDKit's implementation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from heliosc.errors import InputError

_SHORTEST_FREE_PATH = 3  # pairs closer than this, in bonds, do not see each other
_LINEAR_TYPES = (4, 53, 61)  # sp carbon and nitrogen in the middle of a linear group
_LINEAR_DEGREES = 180.0


@dataclass(frozen=True, slots=True)
class ForceFieldTerms:
    """Parameters of one molecule; atoms in the order of the graph with its hydrogens.

    Attributes
    ----------
    masses : (n_atoms,), u
    charges : (n_atoms,), e
    kinds : (n_atoms,) row of each atom in ``radii`` and ``depths``
    radii, depths : (n_kinds, n_kinds) distance of the minimum, A, and its depth, kcal/mol
    bonds : (i, j, k, r0)
    angles : (i, j, k, force constant, theta0, k_ijk, k_kji, r0_ij, r0_kj), the middle atom second
    linear_angles : (i, j, k, force constant)
    out_of_plane : (i, j, k, l, force constant), l against the plane of the others, j in the middle
    torsions : (i, j, k, l, V1, V2, V3)
    near_pairs : (i, j) one or two bonds apart: without any nonbonded term
    pairs_14 : (i, j) three bonds apart
    """

    masses: NDArray[np.float64]
    charges: NDArray[np.float64]
    kinds: NDArray[np.intp]
    radii: NDArray[np.float64]
    depths: NDArray[np.float64]
    bonds: tuple[tuple[float, ...], ...]
    angles: tuple[tuple[float, ...], ...]
    linear_angles: tuple[tuple[float, ...], ...]
    out_of_plane: tuple[tuple[float, ...], ...]
    torsions: tuple[tuple[float, ...], ...]
    near_pairs: tuple[tuple[int, int], ...]
    pairs_14: tuple[tuple[int, int], ...]

    @property
    def n_atoms(self) -> int:
        """Atoms, hydrogens included."""
        return len(self.masses)


def mmff94_terms(molecule: Chem.Mol) -> ForceFieldTerms:
    """Terms of a molecule that has all its hydrogens.

    Raises
    ------
    InputError : an atom without parameters
    """
    properties = _properties(molecule)
    atoms = range(molecule.GetNumAtoms())
    distances = Chem.GetDistanceMatrix(molecule)
    pairs = list(combinations(atoms, 2))
    types = [properties.GetMMFFAtomType(i) for i in atoms]
    first_of_kind = {kind: types.index(kind) for kind in sorted(set(types))}
    lookup = [[properties.GetMMFFVdWParams(a, b)[2:] for b in first_of_kind.values()] for a in first_of_kind.values()]
    kinds = list(first_of_kind)
    angles, linear = _angles(molecule, properties)
    return ForceFieldTerms(
        masses=np.array([atom.GetMass() for atom in molecule.GetAtoms()]),
        charges=np.array([properties.GetMMFFPartialCharge(i) for i in atoms]),
        kinds=np.array([kinds.index(kind) for kind in types]),
        radii=np.array(lookup)[..., 0],
        depths=np.array(lookup)[..., 1],
        bonds=tuple(_bonds(molecule, properties)),
        angles=tuple(angles),
        linear_angles=tuple(linear),
        out_of_plane=tuple(_out_of_plane(molecule, properties)),
        torsions=tuple(_torsions(molecule, properties)),
        near_pairs=tuple((i, j) for i, j in pairs if distances[i, j] < _SHORTEST_FREE_PATH),
        pairs_14=tuple((i, j) for i, j in pairs if distances[i, j] == _SHORTEST_FREE_PATH),
    )


def check_mmff94(molecule: Chem.Mol) -> None:
    """Refuse a molecule for which the force field has no parameters.

    Raises
    ------
    InputError : an atom without parameters
    """
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(Chem.AddHs(molecule)):
        raise InputError(
            f"MMFF94 has no parameters for {Chem.MolToSmiles(Chem.RemoveHs(molecule))[:80]!r}; expected a molecule of "
            "H, C, N, O, F, Si, P, S, Cl, Br and I in usual bonds"
        )


def _properties(molecule: Chem.Mol) -> Any:
    check_mmff94(molecule)
    return rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)


def _bonds(molecule: Chem.Mol, properties: Any) -> Iterator[tuple[float, ...]]:
    for bond in molecule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        yield i, j, *_bond(molecule, properties, i, j)


def _bond(molecule: Chem.Mol, properties: Any, i: int, j: int) -> tuple[float, float]:
    """Force constant and length."""
    _, constant, length = properties.GetMMFFBondStretchParams(molecule, i, j)
    return constant, length


def _angles(molecule: Chem.Mol, properties: Any) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """Bent angles with their stretch-bend terms, and linear ones."""
    bent: list[tuple[float, ...]] = []
    linear: list[tuple[float, ...]] = []
    for middle in molecule.GetAtoms():
        j = middle.GetIdx()
        for i, k in combinations([atom.GetIdx() for atom in middle.GetNeighbors()], 2):
            _, constant, theta0 = properties.GetMMFFAngleBendParams(molecule, i, j, k)
            if properties.GetMMFFAtomType(j) in _LINEAR_TYPES:
                linear.append((i, j, k, constant))
                continue
            mixed = properties.GetMMFFStretchBendParams(molecule, i, j, k)
            lengths = (_bond(molecule, properties, i, j)[1], _bond(molecule, properties, k, j)[1])
            bent.append((i, j, k, constant, theta0, *(mixed[1:] if mixed else (0.0, 0.0)), *lengths))
    return bent, linear


def _out_of_plane(molecule: Chem.Mol, properties: Any) -> Iterator[tuple[float, ...]]:
    for middle in molecule.GetAtoms():
        if middle.GetDegree() != 3:
            continue
        j = middle.GetIdx()
        first, second, third = (atom.GetIdx() for atom in middle.GetNeighbors())
        constant = properties.GetMMFFOopBendParams(molecule, first, j, second, third)
        if constant:
            for i, k, last in ((first, second, third), (first, third, second), (second, third, first)):
                yield i, j, k, last, constant


def _torsions(molecule: Chem.Mol, properties: Any) -> Iterator[tuple[float, ...]]:
    for bond in molecule.GetBonds():
        j, k = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        for first in bond.GetBeginAtom().GetNeighbors():
            for last in bond.GetEndAtom().GetNeighbors():
                i, following = first.GetIdx(), last.GetIdx()
                if i == k or following in (j, i):
                    continue
                found = properties.GetMMFFTorsionParams(molecule, i, j, k, following)
                if found and any(found[1:]):
                    yield i, j, k, following, *found[1:]
