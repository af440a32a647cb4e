"""What a converged field tells: orbitals, dipole, spin, polarizability, excitations, frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliosc.errors import ConvergenceError, ParseError
from heliosc.qc.units import HARTREE_EV, POLARIZABILITY_A3
from heliosc.qc.vibrations import Vibrations, scaled_mode

N_STATES = 3


def frontier_orbitals(mean_field: Any) -> tuple[float, float]:
    """HOMO and LUMO energy, eV; the alpha ones of an open shell.

    Raises
    ------
    ParseError : the basis has no empty orbital
    """
    energies, occupations = np.asarray(mean_field.mo_energy), np.asarray(mean_field.mo_occ)
    if energies.ndim == 2:
        energies, occupations = energies[0], occupations[0]
    if (occupations == 0).sum() == 0:
        raise ParseError(f"all {len(energies)} orbitals are occupied; choose a larger basis")
    return float(energies[occupations > 0].max()) * HARTREE_EV, float(energies[occupations == 0].min()) * HARTREE_EV


def s_squared(mean_field: Any) -> float:
    """<S^2>; exactly zero for a restricted closed shell."""
    return float(mean_field.spin_square()[0]) if mean_field.mol.spin else 0.0


def dipole_debye(mean_field: Any) -> float:
    """Norm of the dipole moment, D."""
    return float(np.linalg.norm(mean_field.dip_moment(unit="Debye", verbose=0)))


def polarizability(mean_field: Any) -> float:
    """Isotropic static polarizability of a closed shell, A^3, by coupled-perturbed equations.

    alpha = -4 sum_ai h_ai u_ai, with h the dipole integrals and u the first-order orbital changes.

    References
    ----------
    Gerratt, Mills, J. Chem. Phys. 1968, 49, 1719. doi:10.1063/1.1670299
    """
    from pyscf.scf import cphf

    molecule, coefficients, occupations = mean_field.mol, mean_field.mo_coeff, mean_field.mo_occ
    occupied, virtual = coefficients[:, occupations > 0], coefficients[:, occupations == 0]
    with molecule.with_common_orig((0, 0, 0)):
        integrals = molecule.intor_symmetric("int1e_r", comp=3)
    perturbation = np.einsum("pa,xpq,qi->xai", virtual, integrals, occupied)
    response = mean_field.gen_response(hermi=1)

    def induced(changes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        changes = changes.reshape(-1, virtual.shape[1], occupied.shape[1])
        density = 2.0 * np.einsum("pa,xai,qi->xpq", virtual, changes, occupied)
        potential = response(density + density.transpose(0, 2, 1))
        return np.asarray(np.einsum("pa,xpq,qi->xai", virtual, potential, occupied)).ravel()

    changes = cphf.solve(induced, mean_field.mo_energy, occupations, perturbation)[0]
    tensor = -4.0 * np.einsum("xai,yai->xy", perturbation, changes)
    return float(np.trace(tensor)) / 3.0 * POLARIZABILITY_A3


def lowest_excitation(mean_field: Any, *, is_singlet: bool) -> tuple[float, float]:
    """Energy (eV) and oscillator strength (length gauge) of the lowest excitation, Tamm-Dancoff approximation.

    Raises
    ------
    ConvergenceError : the eigenvalues did not converge
    """
    solver = mean_field.TDA()
    solver.singlet, solver.nstates, solver.max_cycle = is_singlet, N_STATES, 100
    solver.kernel()
    if not np.all(solver.converged):
        raise ConvergenceError(f"TDA: {'singlets' if is_singlet else 'triplets'} not converged after 100 iterations")
    lowest = int(np.argmin(solver.e))
    strength = float(solver.oscillator_strength()[lowest]) if is_singlet else 0.0
    return float(solver.e[lowest]) * HARTREE_EV, strength


def vibrations(mean_field: Any) -> Vibrations:
    """Harmonic frequencies and the lowest mode; analytic second derivatives."""
    from pyscf.hessian import thermo

    modes = thermo.harmonic_analysis(mean_field.mol, mean_field.Hessian().kernel(), imaginary_freq=False)
    values = [float(value) for value in modes["freq_wavenumber"]]
    return Vibrations(tuple(sorted(values)), scaled_mode(np.asarray(modes["norm_mode"][int(np.argmin(values))])))
