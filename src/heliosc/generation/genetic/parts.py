"""Cutting molecules at bonds outside rings and at ring fusions, and joining the parts anew.

Both cuts leave every ring whole: a bond outside rings parts a molecule at one atom on either side, a bond shared by two
rings parts a fused system into two that each keep the bond. Joining is the inverse: a new single bond between two
atoms, or two bonds made one, so conjugated and fused systems are exchanged without being broken.
"""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem


@dataclass(frozen=True, slots=True)
class Part:
    """Some atoms of a molecule and where they can be joined to another part.

    Attributes
    ----------
    molecule : the whole molecule
    kept : its atoms that belong to the part
    joint : the atom that takes a bond, or the two ends of the ring bond that is fused
    """

    molecule: Chem.Mol
    kept: frozenset[int]
    joint: tuple[int, ...]


def whole(molecule: Chem.Mol, joint: tuple[int, ...]) -> Part:
    """All of a molecule, to be joined at one of its atoms or bonds."""
    return Part(molecule, frozenset(range(molecule.GetNumAtoms())), joint)


def find_parts(molecule: Chem.Mol) -> list[Part]:
    """Both parts of every cut. Bonds between two saturated carbons are left whole: side chains are not shuffled."""
    neighbours: list[list[int]] = [[] for _ in range(molecule.GetNumAtoms())]
    for bond in molecule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        neighbours[i].append(j)
        neighbours[j].append(i)
    return [*_parts_at_single_bonds(molecule, neighbours), *_parts_at_fusions(molecule, neighbours)]


def _parts_at_single_bonds(molecule: Chem.Mol, neighbours: list[list[int]]) -> list[Part]:
    saturated = [_is_saturated_carbon(atom) for atom in molecule.GetAtoms()]
    parts = []
    for bond in molecule.GetBonds():
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if saturated[i] and saturated[j]:
            continue
        if bond.GetBeginAtom().GetFormalCharge() or bond.GetEndAtom().GetFormalCharge():
            continue  # nitro groups and zwitterions stay whole
        side = _reachable(neighbours, i, without=(j,))
        rest = frozenset(range(len(neighbours))) - side
        parts += [Part(molecule, side, (i,)), Part(molecule, rest, (j,))]
    return parts


def _parts_at_fusions(molecule: Chem.Mol, neighbours: list[list[int]]) -> list[Part]:
    rings, parts = molecule.GetRingInfo(), []
    for bond in molecule.GetBonds():
        joint = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if rings.NumBondRings(bond.GetIdx()) != 2:
            continue
        if any(len(neighbours[atom]) != 3 or rings.NumAtomRings(atom) != 2 for atom in joint):
            continue  # peri-fused and bridged rings have no such cut
        start = next(atom for atom in neighbours[joint[0]] if atom != joint[1])
        side = _reachable(neighbours, start, without=joint)
        if all(sum(other in side for other in neighbours[atom]) == 1 for atom in joint):
            rest = frozenset(range(len(neighbours))) - side
            parts += [Part(molecule, side | set(joint), joint), Part(molecule, rest, joint)]
    return parts


def _is_saturated_carbon(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 6 and atom.GetHybridization() == Chem.HybridizationType.SP3


def _reachable(neighbours: list[list[int]], start: int, *, without: tuple[int, ...]) -> frozenset[int]:
    """Atoms that a walk from ``start`` meets when it may not pass some atoms."""
    seen, waiting = {start}, [start]
    while waiting:
        for atom in neighbours[waiting.pop()]:
            if atom not in seen and atom not in without:
                seen.add(atom)
                waiting.append(atom)
    return frozenset(seen)


def join(first: Part, second: Part) -> Chem.RWMol:
    """Join two parts whose joints are of the same size; not sanitised.

    The two ends of fused bonds are matched in the order of the joints.
    """
    shift = first.molecule.GetNumAtoms()
    child = Chem.RWMol(Chem.CombineMols(first.molecule, second.molecule))
    slots = [atom.GetTotalDegree() for atom in child.GetAtoms()]
    kept = set(first.kept) | {shift + atom for atom in second.kept}
    if len(first.joint) == 1:
        child.AddBond(first.joint[0], shift + second.joint[0], Chem.BondType.SINGLE)
    else:
        kept -= _fuse(child, first.joint, second, shift)
    return _trimmed(child, kept, slots)


def _fuse(child: Chem.RWMol, joint: tuple[int, ...], second: Part, shift: int) -> set[int]:
    """Move the bonds of the second part's joint atoms onto the first part's; the atoms that become empty."""
    for own, other in zip(joint, second.joint, strict=True):
        for bond in second.molecule.GetAtomWithIdx(other).GetBonds():
            neighbour = bond.GetOtherAtomIdx(other)
            if neighbour in second.kept and neighbour not in second.joint:
                child.AddBond(own, shift + neighbour, bond.GetBondType())
                child.GetBondBetweenAtoms(own, shift + neighbour).SetIsAromatic(bond.GetIsAromatic())
    return {shift + atom for atom in second.joint}


def cap(part: Part) -> Chem.RWMol:
    """The part alone, with hydrogen where the rest was; not sanitised."""
    child = Chem.RWMol(part.molecule)
    slots = [atom.GetTotalDegree() for atom in child.GetAtoms()]
    return _trimmed(child, set(part.kept), slots)


def _trimmed(child: Chem.RWMol, kept: set[int], slots: list[int]) -> Chem.RWMol:
    """Remove the other atoms; hydrogens that RDKit does not imply are set so that ``slots`` stay filled."""
    gone = [atom for atom in range(child.GetNumAtoms()) if atom not in kept]
    touched = {n.GetIdx() for atom in gone for n in child.GetAtomWithIdx(atom).GetNeighbors()} & kept
    grown = {atom for atom in kept if child.GetAtomWithIdx(atom).GetNumExplicitHs()}
    targets = [child.GetAtomWithIdx(atom) for atom in sorted(touched | grown)]
    child.BeginBatchEdit()
    for atom in gone:
        child.RemoveAtom(atom)
    for atom in targets:
        n_bonds = sum(neighbour.GetIdx() in kept for neighbour in atom.GetNeighbors())
        if atom.GetNoImplicit() or (atom.GetIsAromatic() and atom.GetAtomicNum() != 6):
            atom.SetNumExplicitHs(max(0, slots[atom.GetIdx()] - n_bonds))
            atom.SetNoImplicit(True)
    child.CommitBatchEdit()
    return child
