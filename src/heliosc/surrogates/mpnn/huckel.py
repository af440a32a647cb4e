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

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.surrogates.mpnn.features import AtomKind, unpack_atom, unpack_bond

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
_DEGENERATE = 1e-6  # |beta|
_CHARGE_SHIFT = 1.0  # h gained per unit of positive formal charge
_METHYL_SHIFT = -0.2  # h of an atom for each saturated carbon it bears (inductive effect)
_SINGLE = int(Chem.BondType.SINGLE)
_BOND_SCALE = {_SINGLE: 0.85, int(Chem.BondType.DOUBLE): 1.1, int(Chem.BondType.TRIPLE): 1.2}
_PLANAR = (int(Chem.HybridizationType.SP2), int(Chem.HybridizationType.SP))


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


class _Site(NamedTuple):
    electrons: int
    h: float
    k: float


@lru_cache(maxsize=100_000)
def _site(code: int) -> _Site | None:
    """What an atom brings to the pi system; None when it has no part in one."""
    kind = unpack_atom(code)
    number = _STAND_INS.get(kind.atomic_number, kind.atomic_number)
    electrons = _pi_electrons(kind, number)
    if electrons is None:
        return None
    h, k = _PARAMETERS.get((number, electrons)) or _PARAMETERS[number, 1]
    return _Site(electrons, h + _CHARGE_SHIFT * kind.charge, k)


def _pi_electrons(kind: AtomKind, number: int) -> int | None:
    """Electrons given to the pi system by an atom that behaves as element ``number``."""
    if number in (9, 17):
        return 2 if kind.degree == 1 else None
    if kind.hybridization not in _PLANAR:
        return None
    if number in (6, 14):
        return 1 - kind.charge if abs(kind.charge) <= 1 else None
    if number == 5:
        return 0
    n_bonds = kind.degree - kind.charge  # an onium counts as the neutral atom with the bond less
    if number in (7, 15):
        return 2 if n_bonds >= 3 else 1
    if number in (8, 16):
        return 2 if n_bonds >= 2 else 1
    return None


def solve_pi_system(atom_codes: Sequence[int], bonds: Sequence[tuple[int, int, int]]) -> PiSystem | None:
    """Orbitals of the pi system; None when the molecule has fewer than two pi atoms or no pi electrons.

    Parameters
    ----------
    atom_codes : see ``features.atom_code``
    bonds : (atom, atom, bond code) each
    """
    sites = {index: site for index, code in enumerate(atom_codes) if (site := _site(code)) is not None}
    n_electrons = sum(site.electrons for site in sites.values())
    if len(sites) < 2 or not n_electrons:
        return None
    rows = {index: row for row, index in enumerate(sites)}
    hamiltonian = np.diag([-site.h for site in sites.values()])
    pi_bonds, is_single = [], []
    for begin, end, code in bonds:
        if begin in rows and end in rows:
            kind = unpack_bond(code).bond_type
            beta = -sites[begin].k * sites[end].k * _BOND_SCALE.get(kind, 1.0)
            hamiltonian[rows[begin], rows[end]] = hamiltonian[rows[end], rows[begin]] = beta
            pi_bonds.append((rows[begin], rows[end]))
            is_single.append(kind == _SINGLE)
        elif begin in rows or end in rows:
            inside, outside = (begin, end) if begin in rows else (end, begin)
            if unpack_atom(atom_codes[outside]).atomic_number == 6:
                hamiltonian[rows[inside], rows[inside]] -= _METHYL_SHIFT
    energies, orbitals = np.linalg.eigh(hamiltonian)
    n_occupied = min((n_electrons + 1) // 2, len(rows))
    given = np.array([site.electrons for site in sites.values()])
    charges = given - orbitals**2 @ _occupation(energies, n_electrons, n_occupied)
    return PiSystem(
        energies,
        orbitals,
        n_occupied,
        np.array(pi_bonds, dtype=np.int64).reshape(-1, 2),
        np.array(is_single, dtype=bool),
        charges,
        np.array(list(sites), dtype=np.int64),
    )


def _occupation(energies: FloatArray, n_electrons: int, n_occupied: int) -> FloatArray:
    """Electrons in each orbital; degenerate frontier orbitals share theirs, so that symmetry is kept."""
    frontier = np.abs(energies - energies[n_occupied - 1]) < _DEGENERATE
    below = (energies < energies[n_occupied - 1]) & ~frontier
    return 2.0 * below + frontier * (n_electrons - 2 * below.sum()) / frontier.sum()
