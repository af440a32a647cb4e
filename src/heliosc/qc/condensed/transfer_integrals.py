"""Transfer integrals between two molecules by projection of the dimer's orbitals on theirs (DIPRO).

    F = S C diag(e) C^T S          Fock matrix of the dimer from its converged orbitals, in the atomic basis
    J = a^T F b,  S_ab = a^T S b,  e_a = a^T F a,  e_b = b^T F b          a, b orbitals of the isolated molecules
    J_eff = [J - (e_a + e_b) S_ab / 2] / (1 - S_ab^2)

F rests on a complete set of orthonormal orbitals, which is checked: C^T S C = 1, so that F C - S C e vanishes. (The
Hamiltonian that tblite saves is not the converged one.) The sign of J changes with the arbitrary phases of a and b;
only its size is given. Of degenerate levels the root mean square over all pairs is taken.

GFN2-xTB's minimal basis has short tails: for cofacial ethylene J falls with distance about twice as fast as in
MRCI+Q, from a quarter of it at 3.5 A (Kubas et al., J. Chem. Phys. 2014, 140, 104105). Use it to rank arrangements at
like distance, never as a number of its own. B3LYP/def2-SVP orbitals give 0.81 to 0.66 of MRCI+Q from 3.5 to 5.0 A.

References
----------
Baumeier, Kirkpatrick, Andrienko, Phys. Chem. Chem. Phys. 2010, 12, 11103, 10.1039/c002337j.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError, InputError
from heliosc.qc.condensed.dimers import Dimer
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.units import BOHR_A, HARTREE_EV
from heliosc.qc.xtb.errors import classified_error
from heliosc.qc.xtb.library import one_thread, tblite_interface

FloatArray = NDArray[np.float64]

DEGENERACY_EV = 0.01
_COMPLETE = 1e-6  # largest departure of C^T S C from the unit matrix


@dataclass(frozen=True, slots=True)
class OrbitalSet:
    """Converged orbitals of one closed-shell system, from any program with an atomic basis.

    Attributes
    ----------
    coefficients : (n_basis, n_basis), one orbital a column
    energies : (n_basis,), Eh, ascending
    overlap : (n_basis, n_basis) of the atomic basis
    n_occupied : doubly occupied orbitals
    """

    coefficients: FloatArray
    energies: FloatArray
    overlap: FloatArray
    n_occupied: int


@dataclass(frozen=True, slots=True)
class Coupling:
    """Coupling of one pair of levels, or of two degenerate manifolds.

    Attributes
    ----------
    size : |J_eff|, or its root mean square over all pairs of the manifolds, eV
    site_energies : mean energy of each molecule's level in the dimer, eV
    n_levels : degenerate levels on each side
    """

    size: float
    site_energies: tuple[float, float]
    n_levels: tuple[int, int]


def gfn2_orbitals(geometry: Geometry) -> OrbitalSet:
    """Orbitals of a neutral closed shell on GFN2-xTB.

    Raises
    ------
    InputError : odd number of electrons, or an element without parameters
    ConvergenceError : the charges do not converge
    """
    from ase.data import atomic_numbers
    from tblite.exceptions import TBLiteRuntimeError

    if electron_count(geometry.symbols, charge=0) % 2:
        raise InputError("transfer integrals need a closed shell; this neutral has an odd number of electrons")
    try:
        calculator = tblite_interface().Calculator(
            "GFN2-xTB",
            np.array([atomic_numbers[symbol] for symbol in geometry.symbols]),
            geometry.positions / BOHR_A,
            logger=_silent,
        )
        for name, value in (("verbosity", 0), ("accuracy", 0.1), ("save-integrals", 1)):
            calculator.set(name, value)
        with one_thread():
            result = calculator.singlepoint()
    except TBLiteRuntimeError as error:
        raise classified_error(str(error), program="tblite") from error
    occupations = np.asarray(result.get("orbital-occupations"))
    return OrbitalSet(
        np.asarray(result.get("orbital-coefficients")),
        np.asarray(result.get("orbital-energies")),
        np.asarray(result.get("overlap-matrix")),
        round(float(occupations.sum()) / 2.0),
    )


def transfer_integrals(
    dimer: Dimer, *, orbitals: Callable[[Geometry], OrbitalSet] = gfn2_orbitals
) -> tuple[Coupling, Coupling]:
    """Couplings of the HOMOs (holes) and of the LUMOs (electrons).

    Parameters
    ----------
    orbitals : who computes them: GFN2-xTB, or ``heliosc.qc.condensed.dft_orbitals.pyscf_orbitals`` with its settings

    Raises
    ------
    InputError : odd number of electrons, or an element without parameters
    ConvergenceError : the charges do not converge, or the orbitals are not complete
    """
    both, first, second = (orbitals(part) for part in (dimer.together(), dimer.first, dimer.second))
    return frontier_coupling(both, first, second, shift=0), frontier_coupling(both, first, second, shift=1)


def frontier_coupling(dimer: OrbitalSet, first: OrbitalSet, second: OrbitalSet, *, shift: int) -> Coupling:
    """Coupling of the HOMOs (``shift`` 0) or LUMOs (``shift`` 1) of two molecules in their dimer.

    Raises
    ------
    InputError : the bases of the molecules do not add up to the dimer's
    ConvergenceError : see ``fock_matrix``
    """
    fock = fock_matrix(dimer)
    sizes = len(first.energies), len(second.energies)
    if sum(sizes) != len(dimer.energies):
        raise InputError(f"bases of {sizes[0]} and {sizes[1]} functions do not make a dimer's {len(dimer.energies)}")
    left, right = (_manifold(molecule, shift) for molecule in (first, second))
    a = np.vstack([left, np.zeros((sizes[1], left.shape[1]))])
    b = np.vstack([np.zeros((sizes[0], right.shape[1])), right])
    energies_a, energies_b = (np.einsum("ip,ij,jp->p", x, fock, x) for x in (a, b))
    overlaps = a.T @ dimer.overlap @ b
    mean_energies = 0.5 * (energies_a[:, None] + energies_b[None, :])
    effective = (a.T @ fock @ b - mean_energies * overlaps) / (1.0 - overlaps**2)
    return Coupling(
        size=float(np.sqrt(np.mean(effective**2))) * HARTREE_EV,
        site_energies=(float(energies_a.mean()) * HARTREE_EV, float(energies_b.mean()) * HARTREE_EV),
        n_levels=(left.shape[1], right.shape[1]),
    )


def fock_matrix(orbitals: OrbitalSet) -> FloatArray:
    """F = S C diag(e) C^T S, Eh, (n_basis, n_basis).

    Raises
    ------
    ConvergenceError : the orbitals are not orthonormal and complete, so that F would not give them back
    """
    product = orbitals.overlap @ orbitals.coefficients
    departure = float(np.abs(orbitals.coefficients.T @ product - np.eye(len(orbitals.energies))).max())
    if not departure < _COMPLETE:
        raise ConvergenceError(
            f"the dimer's orbitals depart from orthonormal by {departure:.1e}; expected below {_COMPLETE:g}, or the "
            "transfer integral means nothing"
        )
    return np.asarray((product * orbitals.energies) @ product.T)


def _manifold(orbitals: OrbitalSet, shift: int) -> FloatArray:
    """Frontier level with those degenerate with it, (n_basis, n_levels)."""
    frontier = orbitals.energies[orbitals.n_occupied - 1 + shift]
    near = np.abs(orbitals.energies - frontier) * HARTREE_EV < DEGENERACY_EV
    return np.asarray(orbitals.coefficients[:, near])


def _silent(message: str) -> None:
    """tblite prints to standard output without a logger."""
