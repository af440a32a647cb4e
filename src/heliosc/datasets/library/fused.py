"""Fused aromatic systems grown ring by ring: acenes, azaacenes, thienoacenes and their mixtures."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

# Atoms between the two atoms of the shared bond; 1 marks the pyrrole-type nitrogen that carries CH3.
RINGS: dict[str, tuple[str, ...]] = {
    "benzene": ("C", "C", "C", "C"),
    "thiophene": ("S", "C", "C"),
    "selenophene": ("Se", "C", "C"),
    "furan": ("O", "C", "C"),
    "pyrrole": ("NC", "C", "C"),
    "NH-pyrrole": ("NH", "C", "C"),
    "pyrazine": ("N", "C", "C", "N"),
    "pyridine": ("N", "C", "C", "C"),
    "thiazole": ("S", "C", "N"),
    "thiadiazole": ("N", "S", "N"),
    "selenadiazole": ("N", "Se", "N"),
}
WEIGHTS = np.array([7, 6, 1, 1, 1.2, 0.4, 1.3, 0.7, 0.5, 0.6, 0.2])
SEEDS = ("c1ccccc1", "c1ccccc1", "c1ccsc1", "c1ccsc1", "c1cnccn1", "c1cc[nH]c1", "c1ccoc1", "c1cc[se]c1")
FUSABLE = Chem.MolFromSmarts("[cH]:[cH]")


def grow_fused(rng: np.random.Generator, *, n_rings: int) -> Chem.Mol | None:
    """A fused system of ``n_rings`` rings, or None where the drawn rings admit no Kekule structure.

    Linear growth is preferred: the next ring goes to the newest one that has a free bond.
    """
    molecule = Chem.MolFromSmiles(SEEDS[int(rng.integers(len(SEEDS)))])
    for _ in range(n_rings - 1):
        bonds = molecule.GetSubstructMatches(FUSABLE)
        if not bonds:
            return None
        bonds = sorted(bonds, key=max)
        bond = (
            bonds[-1 - int(rng.integers(min(3, len(bonds))))]
            if rng.random() < 0.75
            else bonds[int(rng.integers(len(bonds)))]
        )
        ring = list(RINGS)[int(rng.choice(len(WEIGHTS), p=WEIGHTS / WEIGHTS.sum()))]
        start, end = bond if rng.random() < 0.5 else bond[::-1]
        grown = _fuse(molecule, start, end, RINGS[ring])
        if grown is None:
            return None
        molecule = grown
    return molecule


def _fuse(molecule: Chem.Mol, start: int, end: int, path: tuple[str, ...]) -> Chem.Mol | None:
    """Close a ring over the bond start-end through new aromatic atoms; None if it cannot be kekulised."""
    editable = Chem.RWMol(molecule)
    previous = start
    for symbol in path:
        atom = Chem.Atom(symbol if symbol in ("S", "Se") else symbol[0])
        atom.SetIsAromatic(True)
        if symbol == "NH":
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(1)
        index = editable.AddAtom(atom)
        editable.AddBond(previous, index, Chem.BondType.AROMATIC)
        if symbol == "NC":
            editable.AddBond(index, editable.AddAtom(Chem.Atom("C")), Chem.BondType.SINGLE)
        previous = index
    editable.AddBond(previous, end, Chem.BondType.AROMATIC)
    try:
        Chem.SanitizeMol(editable)
    except (Chem.KekulizeException, Chem.AtomValenceException):
        return None
    return editable.GetMol()
