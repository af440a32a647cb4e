"""Words: clusters as labelled graphs with a fixed atom numbering, their symmetry, ports and sites.

A *port* is where a word can be put onto others: a symmetry-distinct atom, or a symmetry-distinct directed bond of a
ring. A *site* is where others can be put onto a word: any of its atoms, or any of its bonds if it is a ring (directed
from the lower to the higher template atom). A port and a site that are put together share their atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rdkit import Chem

from heliosc.generation.jtvae.matching import maximum_matching
from heliosc.generation.jtvae.molecule_graph import AROMATIC, BOND_TYPES, AtomLabel, sigma_order

MAX_AUTOMORPHISMS = 2_000
"""Fullerene C60 has 120. Beyond this the numbering of a word in a molecule is right but not canonical."""

CARBON = 6

Joint = tuple[int, ...]
"""One atom, or the two atoms of a directed bond."""


@dataclass(frozen=True)
class Word:
    """A fragment.

    Attributes
    ----------
    labels : (n_atoms,)
    bonds : (n_bonds,) ``(atom, atom, order code)``, lower atom first, sorted
    is_ring : a ring or merged rings, not a bond outside rings
    """

    labels: tuple[AtomLabel, ...]
    bonds: tuple[tuple[int, int, int], ...]
    is_ring: bool

    @property
    def n_atoms(self) -> int:
        return len(self.labels)

    @cached_property
    def uses(self) -> tuple[int, ...]:
        """(n_atoms,) valence that the word's own bonds take of each atom."""
        used = [max(label.pi, 0) for label in self.labels]
        for i, j, order in self.bonds:
            used[i] += sigma_order(order)
            used[j] += sigma_order(order)
        return tuple(used)

    @cached_property
    def smiles(self) -> str:
        """Canonical SMILES of the fragment, free valences written as hydrogens. A name for people, not a key."""
        return Chem.MolToSmiles(_fragment(self, hydrogens=True))

    @cached_property
    def automorphisms(self) -> tuple[tuple[int, ...], ...]:
        """Renumberings of the atoms that leave the word as it is; the identity is among them."""
        if not self.is_ring:
            is_symmetric = self.labels[0] == self.labels[1]
            return ((0, 1), (1, 0)) if is_symmetric else ((0, 1),)
        fragment = _fragment(self, hydrogens=False)
        found = fragment.GetSubstructMatches(fragment, uniquify=False, maxMatches=MAX_AUTOMORPHISMS)
        identity = tuple(range(self.n_atoms))
        return tuple(found) if identity in found else (identity, *found)

    @cached_property
    def sites(self) -> tuple[Joint, ...]:
        """Single atoms, then bonds if the word is a ring."""
        atoms: tuple[Joint, ...] = tuple((i,) for i in range(self.n_atoms))
        return atoms + tuple((i, j) for i, j, _ in self.bonds) if self.is_ring else atoms

    @cached_property
    def site_numbers(self) -> dict[Joint, int]:
        return {joint: number for number, joint in enumerate(self.sites)}

    @cached_property
    def ports(self) -> tuple[Joint, ...]:
        """The lowest joint of each symmetry class: single atoms, then directed bonds if the word is a ring."""
        return tuple(joint for joint in self._joints() if self.port_of(joint) == joint)

    @cached_property
    def port_numbers(self) -> dict[Joint, int]:
        """Port number of every joint, also of those that are not themselves representatives."""
        numbers = {port: number for number, port in enumerate(self.ports)}
        return {joint: numbers[self.port_of(joint)] for joint in self._joints()}

    def port_of(self, joint: Joint) -> Joint:
        """The representative of a joint's symmetry class."""
        return min(tuple(mapping[atom] for atom in joint) for mapping in self.automorphisms)

    def order_between(self, joint: Joint) -> int:
        """Order code of the bond of a two-atom joint."""
        return self._orders[min(joint), max(joint)]

    @cached_property
    def unmatched(self) -> int:
        """Atoms that find no partner for their double bond inside the word alone."""
        n_pi = sum(label.pi == 1 for label in self.labels)
        return n_pi - 2 * len(maximum_matching(*pi_graph(self.labels, self.bonds)))

    @cached_property
    def is_matched_beside(self) -> tuple[bool, ...]:
        """(n_ports,) whether the atoms beside a port that take a double bond find partners without the port's."""
        n_atoms, edges = pi_graph(self.labels, self.bonds)
        wanting = {i for i, label in enumerate(self.labels) if label.pi == 1}
        return tuple(
            2 * len(maximum_matching(n_atoms, [edge for edge in edges if not {*edge} & {*port}]))
            == len(wanting - {*port})
            for port in self.ports
        )

    @cached_property
    def n_conjugated_rings(self) -> int:
        """Independent rings of atoms that may be sp2; a carbon with three single bonds in the word cannot be."""
        if not self.is_ring:
            return 0
        double = {atom for i, j, order in self.bonds if order != 1 for atom in (i, j)}
        kept = {
            i
            for i, (label, used) in enumerate(zip(self.labels, self.uses, strict=True))
            if i in double or label.element != CARBON or label.valence - used > 1
        }
        bonds = [(i, j) for i, j, _ in self.bonds if i in kept and j in kept]
        return len(bonds) - len(kept) + _count_components(kept, bonds)

    @cached_property
    def _orders(self) -> dict[tuple[int, int], int]:
        return {(i, j): order for i, j, order in self.bonds}

    def _joints(self) -> tuple[Joint, ...]:
        both_ways = tuple(pair for i, j, _ in self.bonds for pair in ((i, j), (j, i))) if self.is_ring else ()
        return tuple((i,) for i in range(self.n_atoms)) + both_ways


def _count_components(atoms: set[int], bonds: Sequence[tuple[int, int]]) -> int:
    """Connected parts of a graph."""
    leader = {atom: atom for atom in atoms}

    def find(atom: int) -> int:
        while leader[atom] != atom:
            leader[atom] = atom = leader[leader[atom]]
        return atom

    for i, j in bonds:
        leader[find(i)] = find(j)
    return sum(leader[atom] == atom for atom in atoms)


def pi_graph(labels: Sequence[AtomLabel], bonds: Sequence[tuple[int, int, int]]) -> tuple[int, list[tuple[int, int]]]:
    """Number of atoms, and the aromatic bonds between atoms that take a double bond."""
    edges = [(i, j) for i, j, order in bonds if order == AROMATIC and labels[i].pi == 1 and labels[j].pi == 1]
    return len(labels), edges


def number_atoms(word: Word) -> Word:
    """The same word with its atoms in RDKit's canonical order, so that word lists come out alike on every run."""
    ranks = Chem.CanonicalRankAtoms(_fragment(word, hydrogens=False))
    order = sorted(range(word.n_atoms), key=ranks.__getitem__)
    position = {atom: place for place, atom in enumerate(order)}
    pairs = ((position[i], position[j], code) for i, j, code in word.bonds)
    bonds = tuple(sorted((min(i, j), max(i, j), code) for i, j, code in pairs))
    return Word(tuple(word.labels[atom] for atom in order), bonds, word.is_ring)


def isomorphism(word: Word, other: Word) -> tuple[int, ...] | None:
    """For each atom of ``word`` its counterpart in ``other``, or None if they differ."""
    if word.n_atoms != other.n_atoms or len(word.bonds) != len(other.bonds) or word.is_ring != other.is_ring:
        return None
    match = _fragment(other, hydrogens=False).GetSubstructMatch(_fragment(word, hydrogens=False))
    return tuple(match) if match else None


def _fragment(word: Word, *, hydrogens: bool) -> Chem.Mol:
    """The word as an RDKit molecule, not sanitised.

    With ``hydrogens`` free valences are filled; without, each label is written as an isotope, which makes canonical
    ranking and substructure matching respect it.
    """
    fragment = Chem.RWMol()
    for label, used in zip(word.labels, word.uses, strict=True):
        atom = Chem.Atom(label.element)
        atom.SetFormalCharge(label.charge)
        atom.SetNoImplicit(True)
        if hydrogens:
            atom.SetNumExplicitHs(max(label.valence - used, 0))
            atom.SetIsAromatic(label.pi >= 0)
        else:
            atom.SetIsotope(1 + label.pi + 1 + 3 * (label.valence + 16 * (label.charge + 8)))
        fragment.AddAtom(atom)
    for i, j, order in word.bonds:
        fragment.AddBond(i, j, BOND_TYPES[order])
        fragment.GetBondBetweenAtoms(i, j).SetIsAromatic(hydrogens and order == AROMATIC)
    fragment.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(fragment)
    return fragment.GetMol()
