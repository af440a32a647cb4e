"""Joining building blocks at their attachment points, and changing single atoms of a finished molecule.

An attachment point is a dummy atom with a map number, ``[*:1]``, bound by one single bond. Joining consumes one point
of each block and makes the bond between the two neighbours, as a coupling reaction does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from rdkit import Chem

from heliosc.errors import InputError

AROMATIC_CH = Chem.MolFromSmarts("[cH]")
PYRIDINE_SITE = Chem.MolFromSmarts("[cH;r6]")
SUBSTITUENTS = ("F", "F", "F", "C#N", "C#N", "OC", "OC", "C", "Cl", "SC", "N(C)C", "C(F)(F)F", "C(=O)OC")
RING_SULFUR = Chem.MolFromSmarts("[s;r5;X2]([#6])[#6]")


@lru_cache(maxsize=4096)
def block(smiles: str) -> Chem.Mol:
    """A building block.

    Raises
    ------
    InputError : unreadable SMILES
    """
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InputError(f"building block {smiles!r} is not a readable SMILES")
    return Chem.MolFromSmiles(Chem.MolToSmiles(molecule))  # read twice: a written [H] would leave a fixed H count


def join(left: Chem.Mol, left_point: int, right: Chem.Mol, right_point: int) -> Chem.Mol:
    """Bind two blocks; the other attachment points of both stay, with their numbers.

    Raises
    ------
    InputError : a block lacks the attachment point
    """
    n_left = left.GetNumAtoms()
    editable = Chem.RWMol(Chem.CombineMols(left, right))
    dummies = (_point(left, left_point), n_left + _point(right, right_point))
    ends = [editable.GetAtomWithIdx(dummy).GetNeighbors()[0].GetIdx() for dummy in dummies]
    editable.AddBond(ends[0], ends[1], Chem.BondType.SINGLE)
    for dummy in sorted(dummies, reverse=True):
        editable.RemoveAtom(dummy)
    Chem.SanitizeMol(editable)
    return editable.GetMol()


def attachment_points(molecule: Chem.Mol) -> list[int]:
    """Map numbers of the free attachment points, ascending."""
    return sorted(atom.GetAtomMapNum() for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0)


def cap(molecule: Chem.Mol) -> Chem.Mol:
    """Hydrogen at every free attachment point."""
    editable = Chem.RWMol(molecule)
    for atom in editable.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(1)
            atom.SetAtomMapNum(0)
    capped = Chem.RemoveHs(editable.GetMol())
    Chem.SanitizeMol(capped)
    return capped


def chain(units: Sequence[str]) -> Chem.Mol:
    """Blocks in a row, point 2 of each bound to point 1 of the next; empty strings are skipped."""
    molecule, *others = (block(unit) for unit in units if unit)
    for unit in others:
        molecule = join(molecule, 2, unit, 1)
    return molecule


def decorate(molecule: Chem.Mol, rng: np.random.Generator, *, n_changes: int) -> Chem.Mol:
    """Replace hydrogens of aromatic CH by substituents, or CH of six-membered rings by N, ``n_changes`` times."""
    for _ in range(n_changes):
        change = _replace_ch_by_nitrogen if rng.random() < 0.35 else _substitute
        molecule = change(molecule, rng)
    return molecule


def swap_chalcogens(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol:
    """Replace thiophene sulfurs by Se or O: one kind, all sulfurs of a molecule or one of them."""
    sites = [match[0] for match in molecule.GetSubstructMatches(RING_SULFUR)]
    if not sites:
        return molecule
    element = int(rng.choice([34, 34, 8]))
    chosen = sites if rng.random() < 0.4 else [sites[int(rng.integers(len(sites)))]]
    editable = Chem.RWMol(molecule)
    for site in chosen:
        editable.GetAtomWithIdx(site).SetAtomicNum(element)
    Chem.SanitizeMol(editable)
    return editable.GetMol()


def _point(molecule: Chem.Mol, number: int) -> int:
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() == 0 and atom.GetAtomMapNum() == number:
            return int(atom.GetIdx())
    raise InputError(f"block {Chem.MolToSmiles(molecule)} has no attachment point [*:{number}]")


def _substitute(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol:
    sites = [match[0] for match in molecule.GetSubstructMatches(AROMATIC_CH)]
    if not sites:
        return molecule
    site = int(rng.choice(sites))
    group = Chem.MolFromSmiles(SUBSTITUENTS[int(rng.integers(len(SUBSTITUENTS)))])  # its first atom binds
    editable = Chem.RWMol(Chem.CombineMols(molecule, group))
    editable.AddBond(site, molecule.GetNumAtoms(), Chem.BondType.SINGLE)
    Chem.SanitizeMol(editable)
    return editable.GetMol()


def _replace_ch_by_nitrogen(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol:
    sites = [match[0] for match in molecule.GetSubstructMatches(PYRIDINE_SITE)]
    sites = [
        site for site in sites if all(n.GetAtomicNum() == 6 for n in molecule.GetAtomWithIdx(site).GetNeighbors())
    ]  # no N-N or N-O bonds arise
    if not sites:
        return molecule
    editable = Chem.RWMol(molecule)
    editable.GetAtomWithIdx(int(rng.choice(sites))).SetAtomicNum(7)
    Chem.SanitizeMol(editable)
    return editable.GetMol()
