"""Hueckel theory on the molecular graph: frontier orbitals for the price of one small eigenvalue problem.

Message passing sees a few bonds far; frontier orbitals of a conjugated molecule span all of it. The orbitals of the
one-electron pi Hamiltonian give the network that missing view: levels, delocalisation, and how strongly each frontier
orbital binds along single and double bonds (what relaxes when a carrier sits on the molecule).

Energies are in units of |beta|, relative to carbon, occupied levels negative.

References
----------
Van-Catledge, J. Org. Chem. 1980, 45, 4801 (10.1021/jo01312a060): heteroatom parameters h and k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

FloatArray = NDArray[np.float64]

# atomic number, number of pi electrons -> (h, k to carbon)
_PARAMETERS = {
    (6, 1): (0.00, 1.00),
    (5, 0): (-0.45, 0.73),
    (7, 1): (0.51, 1.02),
    (7, 2): (1.37, 0.89),
    (8, 1): (0.97, 1.06),
    (8, 2): (2.09, 0.66),
    (9, 2): (2.71, 0.52),
    (14, 1): (0.00, 0.75),
    (15, 1): (0.19, 0.77),
    (15, 2): (0.75, 0.76),
    (16, 1): (0.46, 0.81),
    (16, 2): (1.11, 0.69),
    (17, 2): (1.48, 0.62),
}
# Selenium and tellurium behave much as sulfur, bromine and iodine as chlorine, in a pi system.
_STAND_INS = {34: 16, 52: 16, 35: 17, 53: 17}
_HALOGENS = frozenset({9, 17, 35, 53})
_DEGENERATE = 1e-6  # |beta|
_CHARGE_SHIFT = 1.0  # h gained per unit of positive formal charge
_METHYL_SHIFT = -0.2  # h of an atom for each saturated carbon it bears (inductive effect)
_BOND_SCALE = {Chem.BondType.SINGLE: 0.85, Chem.BondType.DOUBLE: 1.1, Chem.BondType.TRIPLE: 1.2}


@dataclass(frozen=True, slots=True)
class PiSystem:
    """Orbitals of the pi electrons.

    Attributes
    ----------
    energies : (n_pi,) |beta|, ascending
    orbitals : (n_pi, n_pi), column i belongs to energy i
    n_occupied : doubly (or, for the last of an odd count, singly) occupied orbitals
    bonds : (n_bonds, 2) rows of the bonds between pi atoms
    is_single : (n_bonds,) formal single bonds
    charges : (n_pi,) net pi charge of each atom, e
    atoms : (n_pi,) atom indices in the molecule
    """

    energies: FloatArray
    orbitals: FloatArray
    n_occupied: int
    bonds: NDArray[np.int64]
    is_single: NDArray[np.bool_]
    charges: FloatArray
    atoms: NDArray[np.int64]


def _pi_electrons(atom: Chem.Atom) -> int | None:
    """Electrons an atom gives to the pi system; None when it has no part in one."""
    number, charge = atom.GetAtomicNum(), atom.GetFormalCharge()
    number = _STAND_INS.get(number, number)
    hybridization = atom.GetHybridization()
    if number in _HALOGENS:
        return 2 if atom.GetDegree() == 1 else None
    if hybridization not in (Chem.HybridizationType.SP2, Chem.HybridizationType.SP):
        return None
    if number in (6, 14):
        return 1 - charge if abs(charge) <= 1 else None
    if number == 5:
        return 0
    if number in (7, 15):
        return 2 if atom.GetTotalDegree() - charge >= 3 or charge < 0 else 1
    if number in (8, 16):
        return 2 if (atom.GetTotalDegree() - charge >= 2 or charge < 0) else 1
    return None


def solve_pi_system(molecule: Chem.Mol) -> PiSystem | None:
    """Orbitals of the pi system; None when the molecule has fewer than two pi atoms or no pi electrons."""
    rows: dict[int, int] = {}
    electrons, h, k = [], [], []
    for atom in molecule.GetAtoms():
        n_electrons = _pi_electrons(atom)
        if n_electrons is None:
            continue
        number = _STAND_INS.get(atom.GetAtomicNum(), atom.GetAtomicNum())
        site = _PARAMETERS.get((number, n_electrons)) or _PARAMETERS.get((number, 1), _PARAMETERS[6, 1])
        rows[atom.GetIdx()] = len(rows)
        electrons.append(n_electrons)
        h.append(site[0] + _CHARGE_SHIFT * atom.GetFormalCharge())
        k.append(site[1])
    n_electrons_total = sum(electrons)
    if len(rows) < 2 or not n_electrons_total:
        return None
    hamiltonian = np.diag(-np.array(h))
    bonds, is_single = [], []
    for bond in molecule.GetBonds():
        begin, end = rows.get(bond.GetBeginAtomIdx()), rows.get(bond.GetEndAtomIdx())
        if begin is None or end is None:
            for row, other in ((begin, bond.GetEndAtom()), (end, bond.GetBeginAtom())):
                if row is not None and other.GetAtomicNum() == 6:
                    hamiltonian[row, row] -= _METHYL_SHIFT
            continue
        kind = bond.GetBondType()
        hamiltonian[begin, end] = hamiltonian[end, begin] = -k[begin] * k[end] * _BOND_SCALE.get(kind, 1.0)
        bonds.append((begin, end))
        is_single.append(kind == Chem.BondType.SINGLE)
    energies, orbitals = np.linalg.eigh(hamiltonian)
    n_occupied = min((n_electrons_total + 1) // 2, len(rows))
    charges = np.array(electrons) - orbitals**2 @ _occupation(energies, n_electrons_total, n_occupied)
    return PiSystem(
        energies,
        orbitals,
        n_occupied,
        np.array(bonds, dtype=np.int64).reshape(-1, 2),
        np.array(is_single, dtype=bool),
        charges,
        np.array(list(rows), dtype=np.int64),
    )


def _occupation(energies: FloatArray, n_electrons: int, n_occupied: int) -> FloatArray:
    """Electrons in each orbital; degenerate frontier orbitals share theirs, so that symmetry is kept."""
    frontier = np.abs(energies - energies[n_occupied - 1]) < _DEGENERATE
    below = (energies < energies[n_occupied - 1]) & ~frontier
    return 2.0 * below + frontier * (n_electrons - 2 * below.sum()) / frontier.sum()
