"""A few cheap numbers of the whole molecule, joined to the learned fingerprint (chemprop's ``x_d``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from heliosc.surrogates.mpnn.features import FloatArray, IntArray, unpack_atom
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs
from heliosc.surrogates.mpnn.huckel import PiSystems, solve_pi_systems

_ELEMENTS = (5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35)
_N_COUNTS = len(_ELEMENTS) + 7
_SMEARING = 0.03  # |beta|
_FRONTIER = (-1, 0, 1, 2)  # HOMO-1, HOMO, LUMO, LUMO+1, counted from the HOMO
_N_PER_ORBITAL = 7
_N_PI = len(_FRONTIER) * _N_PER_ORBITAL + 5
N_DESCRIPTORS = _N_COUNTS + _N_PI
_UNREACHABLE = 1e8  # distance between fragments, as RDKit has it
_N_ATOMS_OF_BYTES = 100  # with more atoms the sum of two distances could overflow a byte


def describe(graphs: MoleculeGraphs) -> FloatArray:
    """Composition, ring and chain counts, and the frontier orbitals of Hueckel theory, (n_molecules, N_DESCRIPTORS).

    Raises
    ------
    ValueError : the graphs come without ring counts
    """
    if graphs.ring_counts is None:
        raise ValueError("descriptors need graphs with ring counts")
    descriptors = np.zeros((graphs.n_molecules, N_DESCRIPTORS))
    descriptors[:, :_N_COUNTS] = _counts(graphs, graphs.ring_counts)
    charges = np.zeros(len(graphs.atom_codes))
    is_pi = np.zeros(len(graphs.atom_codes), dtype=bool)
    # Several BLAS threads on 40 x 40 matrices only wait for one another: seven times slower on two cores.
    with threadpool_limits(limits=1, user_api="blas"):
        for systems in solve_pi_systems(graphs):
            descriptors[systems.molecules, _N_COUNTS:] = _orbital_numbers(systems)
            charges[systems.atoms], is_pi[systems.atoms] = systems.charges, True
        for molecules, atoms, distances in _distances(graphs):
            q = charges[atoms]
            # For point charges |dipole|^2 = -1/2 sum q_i q_j r_ij^2; bonds counted along the graph stand in for r.
            descriptors[molecules, -3] = -0.5 * (q * (distances**2 @ q[:, :, None])[:, :, 0]).sum(axis=1)
            within = is_pi[atoms][:, :, None] & is_pi[atoms][:, None, :]
            descriptors[molecules, -1] = (distances * within).max(axis=(1, 2))
    return descriptors


def _counts(graphs: MoleculeGraphs, ring_counts: IntArray) -> FloatArray:
    codes, kind = np.unique(graphs.atom_codes, return_inverse=True)
    kinds = [unpack_atom(int(code)) for code in codes]
    of_kind = np.array(
        [
            [*(kind.atomic_number == element for element in _ELEMENTS), 1, kind.hydrogens, kind.aromatic]
            for kind in kinds
        ],
        dtype=float,
    ).reshape(-1, len(_ELEMENTS) + 3)
    of_molecules = np.add.reduceat(of_kind[kind], graphs.atom_offsets[:-1], axis=0)  # every molecule has atoms
    n_atoms = of_molecules[:, len(_ELEMENTS)]
    return np.column_stack([of_molecules, ring_counts, 1 / n_atoms])


def _orbital_numbers(systems: PiSystems) -> FloatArray:
    """Frontier orbitals and size of each pi system; what needs distances is left at 0, (n_systems, _N_PI)."""
    n_systems, n_pi = systems.energies.shape
    homo = systems.n_occupied - 1
    lumo = np.minimum(homo + 1, n_pi - 1)
    rows = np.arange(n_systems)
    gap = systems.energies[rows, lumo] - systems.energies[rows, homo]
    nothing = np.zeros(n_systems)
    whole = [np.full(n_systems, n_pi), gap, nothing, (systems.charges**2).sum(axis=1), nothing]
    frontier = _frontier_numbers(systems, homo[:, None] + np.array(_FRONTIER))
    return np.column_stack([frontier.reshape(n_systems, -1), *whole])


def _frontier_numbers(systems: PiSystems, indices: IntArray) -> FloatArray:
    """Energy, participation ratio, and bonding along single and multiple bonds; zeros where there is no orbital.

    Orbitals within ``_SMEARING`` of the one asked for are averaged: members of a degenerate level come in no fixed
    order, their average does not depend on how the molecule was written.

    Parameters
    ----------
    indices : (n_systems, 4) orbitals

    Returns
    -------
    (n_systems, 4, 7)
    """
    n_systems, n_pi = systems.energies.shape
    exists = (indices >= 0) & (indices < n_pi)
    energies = np.take_along_axis(systems.energies, np.where(exists, indices, 0), axis=1)
    weights = np.exp(-(((systems.energies[:, :, None] - energies[:, None, :]) / _SMEARING) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    density = systems.orbitals**2 @ weights  # (n_systems, n_pi, 4)
    begin, end = systems.bonds.T
    products = systems.orbitals[systems.bond_system, begin] * systems.orbitals[systems.bond_system, end]
    along = (products[:, None, :] @ weights[systems.bond_system])[:, 0, :]  # (n_bonds, 4)
    single = along * systems.is_single[:, None]
    participation = (density**2).sum(axis=1)

    def per_system(values: FloatArray) -> FloatArray:
        return np.stack(
            [np.bincount(systems.bond_system, weights=column, minlength=n_systems) for column in values.T], axis=1
        )

    numbers = [
        energies,
        participation,
        1 / participation,
        per_system(along**2),
        per_system(single**2),
        per_system(single),
        per_system(along),
    ]
    return np.where(exists[:, :, None], np.stack(numbers, axis=2), 0.0)


def _distances(graphs: MoleculeGraphs) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Bonds between all pairs of atoms, molecules of one size at a time.

    Yields
    ------
    molecules (n,), their atoms (n, n_atoms), distances (n, n_atoms, n_atoms)

    References
    ----------
    Floyd, Commun. ACM 1962, 5, 345 (10.1145/367766.368168).
    """
    sizes = np.diff(graphs.atom_offsets)
    molecule_of_edge = graphs.molecule_of_atom[graphs.edge_source]
    slot = np.full(graphs.n_molecules, -1)
    for size in np.unique(sizes):
        molecules = np.flatnonzero(sizes == size)
        starts = graphs.atom_offsets[molecules]
        slot[:] = -1
        slot[molecules] = np.arange(len(molecules))
        chosen = slot[molecule_of_edge] >= 0
        row = slot[molecule_of_edge[chosen]]
        kind, far = (np.uint8, _N_ATOMS_OF_BYTES) if size <= _N_ATOMS_OF_BYTES else (np.uint16, 30_000)
        steps = np.full((len(molecules), size, size), far, dtype=kind)
        diagonal = np.arange(size)
        steps[:, diagonal, diagonal] = 0
        steps[row, graphs.edge_source[chosen] - starts[row], graphs.edge_target[chosen] - starts[row]] = 1
        for via in range(size):
            np.minimum(steps, steps[:, :, via, None] + steps[:, via, None, :], out=steps)
        distances = np.where(steps == far, _UNREACHABLE, steps)
        yield molecules, starts[:, None] + diagonal, distances
