"""Molecule identity, conformers, descriptors, synthesizability, structural alerts."""
