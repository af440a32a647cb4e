"""A few cheap numbers of the whole molecule, joined to the learned fingerprint (chemprop's ``x_d``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.surrogates.mpnn.features import unpack_atom
from heliosc.surrogates.mpnn.huckel import PiSystem, solve_pi_system

FloatArray = NDArray[np.float64]

_ELEMENTS = (5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35)
_N_COUNTS = len(_ELEMENTS) + 7
_SMEARING = 0.03  # |beta|
_N_PER_ORBITAL = 7
_N_PI = 4 * _N_PER_ORBITAL + 5
N_DESCRIPTORS = _N_COUNTS + _N_PI


def describe(molecule: Chem.Mol, atom_codes: Sequence[int], bonds: Sequence[tuple[int, int, int]]) -> FloatArray:
    """Composition, ring and chain counts, and the frontier orbitals of Hueckel theory, (N_DESCRIPTORS,).

    Parameters
    ----------
    atom_codes : of the molecule's atoms, see ``features.atom_code``
    bonds : (atom, atom, bond code) each
    """
    pi_system = solve_pi_system(atom_codes, bonds)
    pi = np.zeros(_N_PI) if pi_system is None else _pi_numbers(molecule, pi_system)
    return np.concatenate([_counts(molecule, atom_codes), pi])


def _counts(molecule: Chem.Mol, atom_codes: Sequence[int]) -> FloatArray:
    kinds = [unpack_atom(code) for code in atom_codes]
    numbers = [kind.atomic_number for kind in kinds]
    rings = [len(ring) for ring in molecule.GetRingInfo().AtomRings()]
    return np.array(
        [
            *(numbers.count(element) for element in _ELEMENTS),
            len(numbers),
            sum(kind.hydrogens for kind in kinds),
            sum(kind.aromatic for kind in kinds),
            len(rings),
            rings.count(5),
            rings.count(6),
            1 / len(numbers),
        ],
        dtype=float,
    )


def _pi_numbers(molecule: Chem.Mol, pi: PiSystem) -> FloatArray:
    homo, energies = pi.n_occupied - 1, pi.energies
    lumo = min(homo + 1, len(energies) - 1)
    distance = Chem.GetDistanceMatrix(molecule)[np.ix_(pi.atoms, pi.atoms)]
    whole = [
        len(energies),
        energies[lumo] - energies[homo],
        # For point charges |dipole|^2 = -1/2 sum q_i q_j r_ij^2; bonds counted along the graph stand in for r.
        -0.5 * pi.charges @ distance**2 @ pi.charges,
        pi.charges @ pi.charges,
        distance.max(),
    ]
    return np.concatenate([_frontier_numbers(pi, np.arange(homo - 1, homo + 3)).ravel(), whole])


def _frontier_numbers(pi: PiSystem, indices: NDArray[np.int64]) -> FloatArray:
    """Energy, participation ratio, and bonding along single and multiple bonds, (n_indices, 7); zeros where none is.

    Orbitals within ``_SMEARING`` of the one asked for are averaged: members of a degenerate level come in no fixed
    order, their average does not depend on how the molecule was written.
    """
    exists = (indices >= 0) & (indices < len(pi.energies))
    energies = pi.energies[np.where(exists, indices, 0)]
    weights = np.exp(-(((pi.energies[:, None] - energies) / _SMEARING) ** 2))
    weights /= weights.sum(axis=0)
    density = pi.orbitals**2 @ weights  # (n_pi, n_indices)
    along = (pi.orbitals[pi.bonds[:, 0]] * pi.orbitals[pi.bonds[:, 1]]) @ weights  # (n_bonds, n_indices)
    single = along[pi.is_single]
    participation = (density**2).sum(axis=0)
    numbers = [
        energies,
        participation,
        1 / participation,
        (along**2).sum(axis=0),
        (single**2).sum(axis=0),
        single.sum(axis=0),
        along.sum(axis=0),
    ]
    return np.where(exists[:, None], np.stack(numbers, axis=1), 0.0)
