"""Production outputs of ORCA, Gaussian, Psi4 and xtb from elsewhere: recognised, checked, put together, stored."""
