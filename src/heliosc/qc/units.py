"""Conversion factors (CODATA 2018). Programs speak atomic units; everything stored is in eV, A, D, A^3."""

HARTREE_EV = 27.211386245988
BOHR_A = 0.529177210903
DEBYE_PER_AU = 2.541746473
POLARIZABILITY_A3 = BOHR_A**3
