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

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.surrogates.mpnn.features import AtomKind, FloatArray, IntArray, unpack_atom, unpack_bond
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs

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
class PiSystems:
    """Orbitals of the pi electrons of some molecules with equally many pi atoms.

    Attributes
    ----------
    molecules : (n_systems,) their numbers among all molecules
    energies : (n_systems, n_pi) |beta|, ascending
    orbitals : (n_systems, n_pi, n_pi), column i belongs to energy i
    n_occupied : (n_systems,) doubly (or, for the last of an odd count, singly) occupied orbitals
    bond_system : (n_bonds,) the system of each bond between pi atoms
    bonds : (n_bonds, 2) the bond's rows among the system's pi atoms
    is_single : (n_bonds,) formal single bonds
    charges : (n_systems, n_pi) net pi charge of each atom, e
    atoms : (n_systems, n_pi) atom indices over all molecules
    """

    molecules: IntArray
    energies: FloatArray
    orbitals: FloatArray
    n_occupied: IntArray
    bond_system: IntArray
    bonds: IntArray
    is_single: NDArray[np.bool_]
    charges: FloatArray
    atoms: IntArray


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


@dataclass(frozen=True, slots=True)
class _PiAtoms:
    """Every atom's part in the pi systems.

    Attributes
    ----------
    is_pi : (n_atoms,)
    electrons, coulomb, k : (n_atoms,) electrons given, diagonal element / |beta|, resonance factor; 0 where no part
    rank : (n_atoms,) number among the pi atoms of its molecule
    n_pi, n_electrons : (n_molecules,)
    """

    is_pi: NDArray[np.bool_]
    electrons: FloatArray
    coulomb: FloatArray
    k: FloatArray
    rank: IntArray
    n_pi: IntArray
    n_electrons: IntArray


def solve_pi_systems(graphs: MoleculeGraphs) -> Iterator[PiSystems]:
    """Orbitals of all pi systems, solved together by size.

    Molecules with fewer than two pi atoms, or no pi electrons, have none.
    """
    parts = _pi_atoms(graphs)
    molecule_of_atom = graphs.molecule_of_atom
    begin, end = graphs.edge_source[::2], graphs.edge_target[::2]
    is_inside = parts.is_pi[begin] & parts.is_pi[end]
    begin, end = begin[is_inside], end[is_inside]
    bond_types = _bond_types(graphs.bond_codes[::2][is_inside])
    resonance = -parts.k[begin] * parts.k[end] * _bond_scales(bond_types)
    bond_molecule = molecule_of_atom[begin]
    slot = np.full(graphs.n_molecules, -1)
    for n_pi in np.unique(parts.n_pi[(parts.n_pi >= 2) & (parts.n_electrons > 0)]):
        molecules = np.flatnonzero((parts.n_pi == n_pi) & (parts.n_electrons > 0))
        slot[:] = -1
        slot[molecules] = np.arange(len(molecules))
        atoms = np.flatnonzero(parts.is_pi & (slot[molecule_of_atom] >= 0)).reshape(len(molecules), n_pi)
        chosen = slot[bond_molecule] >= 0
        system = slot[bond_molecule[chosen]]
        bonds = np.stack([parts.rank[begin[chosen]], parts.rank[end[chosen]]], axis=1)
        hamiltonians = np.zeros((len(molecules), n_pi, n_pi))
        diagonal = np.arange(n_pi)
        hamiltonians[:, diagonal, diagonal] = parts.coulomb[atoms]
        hamiltonians[system, bonds[:, 0], bonds[:, 1]] = resonance[chosen]
        hamiltonians[system, bonds[:, 1], bonds[:, 0]] = resonance[chosen]
        energies, orbitals = np.linalg.eigh(hamiltonians)
        n_electrons = parts.n_electrons[molecules]
        n_occupied = np.minimum((n_electrons + 1) // 2, n_pi)
        occupation = _occupation(energies, n_electrons, n_occupied)
        charges = parts.electrons[atoms] - (orbitals**2 @ occupation[:, :, None])[:, :, 0]
        is_single = bond_types[chosen] == _SINGLE
        yield PiSystems(molecules, energies, orbitals, n_occupied, system, bonds, is_single, charges, atoms)


def _pi_atoms(graphs: MoleculeGraphs) -> _PiAtoms:
    codes, kind = np.unique(graphs.atom_codes, return_inverse=True)
    sites = [_site(int(code)) for code in codes]
    is_pi_kind = np.array([site is not None for site in sites], dtype=bool)
    numbers = np.array([(0, 0.0, 0.0) if site is None else site for site in sites], dtype=float).reshape(-1, 3)
    is_carbon_kind = np.array([unpack_atom(int(code)).atomic_number == 6 for code in codes], dtype=bool)
    is_pi, (electrons, h, k) = is_pi_kind[kind], numbers[kind].T
    bears = is_pi[graphs.edge_source] & ~is_pi[graphs.edge_target] & is_carbon_kind[kind][graphs.edge_target]
    n_saturated = np.bincount(graphs.edge_source[bears], minlength=len(is_pi))
    molecule_of_atom = graphs.molecule_of_atom
    n_pi = np.bincount(molecule_of_atom[is_pi], minlength=graphs.n_molecules)
    n_electrons = np.bincount(molecule_of_atom, weights=electrons, minlength=graphs.n_molecules)
    before = np.cumsum(n_pi) - n_pi
    rank = np.cumsum(is_pi) - 1 - before[molecule_of_atom]
    return _PiAtoms(
        is_pi, electrons, -h - _METHYL_SHIFT * n_saturated, k, rank, n_pi, np.rint(n_electrons).astype(np.int64)
    )


def _bond_types(codes: IntArray) -> IntArray:
    kinds, kind = np.unique(codes, return_inverse=True)
    return np.array([unpack_bond(int(code)).bond_type for code in kinds], dtype=np.int64)[kind]


def _bond_scales(bond_types: IntArray) -> FloatArray:
    kinds, kind = np.unique(bond_types, return_inverse=True)
    return np.array([_BOND_SCALE.get(int(bond_type), 1.0) for bond_type in kinds])[kind]


def _occupation(energies: FloatArray, n_electrons: IntArray, n_occupied: IntArray) -> FloatArray:
    """Electrons in each orbital, (n_systems, n_pi).

    Degenerate frontier orbitals share theirs, so that symmetry is kept.
    """
    top = np.take_along_axis(energies, n_occupied[:, None] - 1, axis=1)
    frontier = np.abs(energies - top) < _DEGENERATE
    below = (energies < top) & ~frontier
    left = (n_electrons - 2 * below.sum(axis=1)) / frontier.sum(axis=1)
    return 2.0 * below + frontier * left[:, None]
