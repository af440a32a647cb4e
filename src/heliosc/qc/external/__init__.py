"""What Psi4, ORCA and Gaussian share: settings, process, checks on an output, the executor's frame."""
