"""Mutations of conjugated molecules: of atoms, bonds, substituents, linkers and rings.

Every mutation takes a sanitised molecule and gives an unsanitised child, or nothing where the molecule has no place for
it. Aromatic rings are never opened, and an atom is exchanged for one that takes part in the pi system in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from rdkit import Chem

from heliosc.generation.genetic.fragments import linkers, rings, substituents
from heliosc.generation.genetic.parts import Part, cap, find_parts, join, whole

Item = TypeVar("Item")
Mutation = Callable[[Chem.Mol, np.random.Generator], Chem.Mol | None]


class _Slot(NamedTuple):
    """What an atom is to its surroundings; neutral."""

    element: int
    is_aromatic: bool
    degree: int
    hydrogens: int


_EXCHANGES: dict[_Slot, tuple[tuple[int, int], ...]] = {
    _Slot(6, True, 2, 1): ((7, 0),),
    _Slot(7, True, 2, 0): ((6, 1),),
    _Slot(7, True, 2, 1): ((16, 0), (8, 0)),
    _Slot(16, True, 2, 0): ((8, 0), (34, 0), (7, 1)),
    _Slot(8, True, 2, 0): ((16, 0), (34, 0), (7, 1)),
    _Slot(34, True, 2, 0): ((16, 0), (8, 0)),
    _Slot(6, False, 2, 1): ((7, 0),),
    _Slot(7, False, 2, 0): ((6, 1),),
    _Slot(6, False, 2, 2): ((8, 0), (16, 0)),
    _Slot(8, False, 2, 0): ((16, 0), (6, 2)),
    _Slot(16, False, 2, 0): ((8, 0), (34, 0), (6, 2)),
    _Slot(34, False, 2, 0): ((16, 0), (8, 0)),
    _Slot(8, False, 1, 0): ((16, 0),),
    _Slot(16, False, 1, 0): ((8, 0),),
    _Slot(6, False, 4, 0): ((14, 0),),
    _Slot(14, False, 4, 0): ((6, 0),),
    _Slot(7, False, 3, 0): ((5, 0), (15, 0)),
    _Slot(5, False, 3, 0): ((7, 0),),
    _Slot(15, False, 3, 0): ((7, 0),),
    _Slot(9, False, 1, 0): ((17, 0), (35, 0), (6, 3)),
    _Slot(17, False, 1, 0): ((9, 0), (35, 0), (6, 3)),
    _Slot(35, False, 1, 0): ((9, 0), (17, 0)),
    _Slot(6, False, 1, 3): ((9, 0), (17, 0)),
}
"""What an atom may become: element and hydrogens."""


def exchange_atom(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """Another element in the same place: CH and N, S and O and Se and NH, C and Si, N and B and P, halogens."""
    places = [(atom.GetIdx(), options) for atom in molecule.GetAtoms() if (options := _EXCHANGES.get(_slot(atom)))]
    if not places:
        return None
    index, options = pick(places, rng)
    element, hydrogens = pick(options, rng)
    child = Chem.RWMol(molecule)
    _become(child.GetAtomWithIdx(index), element, hydrogens)
    return child


def shift_heteroatom(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """A ring heteroatom and the CH beside it change places: thieno[3,2-b] becomes thieno[2,3-b] and the like."""
    places = [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        for bond in molecule.GetBonds()
        if bond.GetIsAromatic() and _is_shiftable(bond.GetBeginAtom(), bond.GetEndAtom())
    ]
    if not places:
        return None
    child = Chem.RWMol(molecule)
    first, second = (child.GetAtomWithIdx(index) for index in pick(places, rng))
    was_first, was_second = _slot(first), _slot(second)
    _become(first, was_second.element, was_second.hydrogens)
    _become(second, was_first.element, was_first.hydrogens)
    return child


def change_bond(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """An acyclic C-C bond becomes double, triple or single, one step at a time, for hydrogens of its ends."""
    places: list[tuple[int, int]] = []
    for bond in molecule.GetBonds():
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        if bond.IsInRing() or not _is_plain_carbon(begin) or not _is_plain_carbon(end):
            continue
        order = int(bond.GetBondTypeAsDouble())
        if order < 3 and begin.GetTotalNumHs() and end.GetTotalNumHs() and _is_free_to_rise(bond):
            places.append((bond.GetIdx(), order + 1))
        if order > 1:
            places.append((bond.GetIdx(), order - 1))
    if not places:
        return None
    index, order = pick(places, rng)
    child = Chem.RWMol(molecule)
    orders = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
    child.GetBondWithIdx(index).SetBondType(orders[order])
    return child


def add_substituent(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """A substituent in place of a hydrogen on an unsaturated carbon or a pyrrole nitrogen."""
    place = _pick_open_atom(molecule, rng)
    return None if place is None else join(whole(molecule, (place,)), pick(substituents(), rng))


def exchange_substituent(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """Another substituent in place of the smaller part at a bond."""
    part = _pick_larger(molecule, rng, n_joint=1)
    return None if part is None else join(part, pick(substituents(), rng))


def remove_substituent(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """Hydrogen in place of the smaller part at a bond."""
    part = _pick_larger(molecule, rng, n_joint=1)
    return None if part is None else cap(part)


def move_substituent(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """The smaller part at a bond goes to another place of the larger."""
    part = _pick_larger(molecule, rng, n_joint=1)
    if part is None:
        return None
    rest = frozenset(range(molecule.GetNumAtoms())) - part.kept
    atom = molecule.GetAtomWithIdx(part.joint[0])
    end = next(n.GetIdx() for n in atom.GetNeighbors() if n.GetIdx() in rest)
    open_atoms = [index for index in _open_atoms(molecule) if index in part.kept]
    if not open_atoms:
        return None
    return join(Part(molecule, part.kept, (pick(open_atoms, rng),)), Part(molecule, rest, (end,)))


def insert_linker(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """A vinylene, ethynylene or ring between the two parts at a bond."""
    parts = [part for part in find_parts(molecule) if len(part.joint) == 1]
    if not parts:
        return None
    place = int(rng.integers(len(parts) // 2)) * 2
    start, end = pick(linkers(), rng)
    longer = join(parts[place], start).GetMol()
    if not sanitises(longer):
        return None
    n_first = len(parts[place].kept)
    joint = n_first + sorted(end.kept).index(end.joint[0])
    return join(whole(longer, (joint,)), parts[place + 1])


def fuse_ring(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """A ring at an aromatic bond between two CH, either way round."""
    places = [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        for bond in molecule.GetBonds()
        if bond.GetIsAromatic()
        and all(_slot(atom) == _Slot(6, True, 2, 1) for atom in (bond.GetBeginAtom(), bond.GetEndAtom()))
    ]
    if not places:
        return None
    return join(whole(molecule, turned(pick(places, rng), rng)), pick(rings(), rng))


def exchange_ring(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """Another ring in place of the smaller part at a ring fusion."""
    part = _pick_larger(molecule, rng, n_joint=2)
    if part is None:
        return None
    return join(Part(part.molecule, part.kept, turned(part.joint, rng)), pick(rings(), rng))


def remove_ring(molecule: Chem.Mol, rng: np.random.Generator) -> Chem.Mol | None:
    """Nothing in place of the smaller part at a ring fusion."""
    part = _pick_larger(molecule, rng, n_joint=2)
    return None if part is None else cap(part)


MUTATIONS: tuple[Mutation, ...] = (
    exchange_atom, shift_heteroatom, change_bond, add_substituent, exchange_substituent, remove_substituent,
    move_substituent, insert_linker, fuse_ring, exchange_ring, remove_ring,
)  # fmt: skip


def pick(items: Sequence[Item], rng: np.random.Generator) -> Item:
    """One item, each as likely as any other."""
    return items[int(rng.integers(len(items)))]


def turned(joint: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """A joint one way round or the other."""
    return joint if rng.random() < 0.5 else joint[::-1]


def sanitises(molecule: Chem.Mol) -> bool:
    """Whether RDKit accepts the molecule; it is left sanitised if so."""
    return Chem.SanitizeMol(molecule, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE


def _slot(atom: Chem.Atom) -> _Slot:
    if atom.GetFormalCharge():
        return _Slot(0, False, 0, 0)
    return _Slot(atom.GetAtomicNum(), atom.GetIsAromatic(), atom.GetDegree(), atom.GetTotalNumHs())


def _become(atom: Chem.Atom, element: int, hydrogens: int) -> None:
    atom.SetAtomicNum(element)
    atom.SetNumExplicitHs(hydrogens)
    atom.SetNoImplicit(True)


def _is_shiftable(first: Chem.Atom, second: Chem.Atom) -> bool:
    slots = _slot(first), _slot(second)
    if any(not slot.element or slot.degree != 2 for slot in slots):
        return False
    return (slots[0].element == 6) != (slots[1].element == 6)


def _is_plain_carbon(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 6 and not atom.GetIsAromatic() and not atom.GetFormalCharge()


def _is_free_to_rise(bond: Chem.Bond) -> bool:
    """Whether neither end has another multiple bond, so that no allene arises."""
    ends = bond.GetBeginAtom(), bond.GetEndAtom()
    return all(
        other.GetIdx() == bond.GetIdx() or other.GetBondType() == Chem.BondType.SINGLE
        for atom in ends
        for other in atom.GetBonds()
    )


def _open_atoms(molecule: Chem.Mol) -> list[int]:
    """Atoms that can take a substituent: unsaturated CH, and NH of aromatic rings."""
    return [
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if atom.GetTotalNumHs()
        and not atom.GetFormalCharge()
        and (
            (atom.GetAtomicNum() == 6 and atom.GetHybridization() == Chem.HybridizationType.SP2)
            or (atom.GetAtomicNum() == 7 and atom.GetIsAromatic())
        )
    ]


def _pick_open_atom(molecule: Chem.Mol, rng: np.random.Generator) -> int | None:
    atoms = _open_atoms(molecule)
    return pick(atoms, rng) if atoms else None


def _pick_larger(molecule: Chem.Mol, rng: np.random.Generator, *, n_joint: int) -> Part | None:
    """The larger part of some cut."""
    half = (molecule.GetNumAtoms() + (n_joint if n_joint == 2 else 0)) / 2
    parts = [part for part in find_parts(molecule) if len(part.joint) == n_joint and len(part.kept) >= half]
    return pick(parts, rng) if parts else None
