"""Generators of candidate molecules. Submodules load torch and RDKit; this package does not."""
