"""A molecule while it is being put together: free valences, what may be put where, and whether double bonds still fit.

Every rule looks at labels and free valences alone, so a finished partial molecule is always a legal molecule: what is
left of an atom's valence becomes hydrogens.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heliosc.generation.jtvae.matching import maximum_matching
from heliosc.generation.jtvae.molecule_graph import NOT_AROMATIC, AtomLabel, sigma_order
from heliosc.generation.jtvae.tree import NO_PLACE, JunctionTree
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.generation.jtvae.words import Joint, Word, pi_graph

BoolArray = NDArray[np.bool_]


class OpenAtom(NamedTuple):
    """State of one atom at a site, or need of one atom at a port.

    ``amount`` is the free valence at a site, and the valence used by the word at a port.
    """

    label: AtomLabel
    amount: int


class SiteState(NamedTuple):
    """What decides whether a port fits a site. ``order`` is 0 for a single atom; ``takes_ring`` allows ring words."""

    atoms: tuple[OpenAtom, ...]
    order: int
    takes_ring: bool


def _added_valence(site: OpenAtom, port: OpenAtom, order: int) -> int:
    """Valence that putting a port's atom onto a site's atom takes there."""
    both_aromatic = site.label.pi != NOT_AROMATIC and port.label.pi != NOT_AROMATIC
    counted_twice = (port.label.pi if both_aromatic else 0) + (sigma_order(order) if order else 0)
    return port.amount - counted_twice


def _atom_fits(site: OpenAtom, port: OpenAtom, order: int) -> bool:
    if site.label[:3] != port.label[:3]:
        return False
    if NOT_AROMATIC not in (site.label.pi, port.label.pi) and site.label.pi != port.label.pi:
        return False
    return 0 <= _added_valence(site, port, order) <= site.amount


def _port_state(word: Word, port: Joint) -> SiteState:
    """What a port needs."""
    needs = tuple(OpenAtom(word.labels[i], word.uses[i]) for i in port)
    return SiteState(needs, word.order_between(port) if len(port) == 2 else 0, word.is_ring)


def _fits(site: SiteState, port: SiteState) -> bool:
    if site.order != port.order or len(site.atoms) != len(port.atoms) or (port.takes_ring and not site.takes_ring):
        return False
    return all(_atom_fits(s, p, site.order) for s, p in zip(site.atoms, port.atoms, strict=True))


class LegalMoves:
    """Which ports of the whole vocabulary fit a site; worked out once per kind of site.

    Parameters
    ----------
    vocabulary : its present words; make a new object after it has grown

    Attributes
    ----------
    new_atoms : (n_words,) atoms that a word adds at most
    most_new_atoms : of any word
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        kinds: dict[SiteState, int] = {}
        self._kind_of_port = np.fromiter(
            (kinds.setdefault(_port_state(word, port), len(kinds)) for word in vocabulary.words for port in word.ports),
            dtype=np.intp,
            count=vocabulary.n_ports,
        )
        self._kinds = tuple(kinds)  # few: a thousand words have some hundred kinds of ports
        self.new_atoms = np.asarray([word.n_atoms - 1 for word in vocabulary.words], dtype=np.intp)
        self.most_new_atoms = int(self.new_atoms.max(initial=0))
        self._starts = np.asarray(vocabulary.port_offsets[:-1], dtype=np.intp)
        self._ports: dict[SiteState, BoolArray] = {}
        self._words: dict[frozenset[SiteState], BoolArray] = {}
        self._unions: dict[frozenset[SiteState], BoolArray] = {}

    def ports(self, site: SiteState) -> BoolArray:
        """(n_ports,) flat ports that fit one site."""
        found = self._ports.get(site)
        if found is None:
            fits = np.fromiter((_fits(site, port) for port in self._kinds), bool, len(self._kinds))
            found = self._ports[site] = fits[self._kind_of_port]
        return found

    def ports_of_any(self, sites: frozenset[SiteState]) -> BoolArray:
        """(n_ports,) flat ports that fit at least one of the sites."""
        found = self._unions.get(sites)
        if found is None:
            found = np.zeros(len(self._kind_of_port), dtype=bool)
            for site in sites:
                found |= self.ports(site)
            self._unions[sites] = found
        return found

    def words(self, sites: frozenset[SiteState]) -> BoolArray:
        """(n_words,) words with a port that fits at least one of the sites."""
        found = self._words.get(sites)
        if found is None:
            found = np.logical_or.reduceat(self.ports_of_any(sites), self._starts)
            self._words[sites] = found
        return found


class PartialMolecule:
    """A molecule under construction, from its root word on.

    Attributes
    ----------
    labels : labels of the atoms so far; ``pi`` becomes known when an aromatic word arrives
    free : free valence of each atom
    bonds : ``(atom, atom, order code)``
    nodes : for each node the molecule atoms of its word, in template order
    places : for each node its parent, its own port and the parent's site, ``NO_PLACE`` for the root
    """

    def __init__(self, vocabulary: Vocabulary, root: int) -> None:
        self._vocabulary = vocabulary
        word = vocabulary.words[root]
        self.labels = list(word.labels)
        self.free = [label.valence - used for label, used in zip(word.labels, word.uses, strict=True)]
        self.bonds = list(word.bonds)
        self._n_rings = [int(word.is_ring)] * word.n_atoms
        self.words = [root]
        self.nodes = [tuple(range(word.n_atoms))]
        self.places = [(NO_PLACE, NO_PLACE, NO_PLACE)]
        self._shared: list[tuple[int, ...]] = [()]
        self._system = [0]  # of fused rings, for each node
        self._rings_of_system = [word.n_conjugated_rings]
        self._n_unmatched: int | None = None  # known until the next word arrives

    @property
    def n_atoms(self) -> int:
        return len(self.labels)

    def open_sites(self, node: int) -> dict[int, SiteState]:
        """Sites of a node's word that can still take something, with their states."""
        word, atoms, shared = self._vocabulary.words[self.words[node]], self.nodes[node], self._shared[node]
        free, labels, n_rings = self.free, self.labels, self._n_rings
        found = {}
        for number, site in enumerate(word.sites):
            if len(site) == 1:
                atom = atoms[site[0]]
                if free[atom] and atom not in shared:
                    found[number] = SiteState((OpenAtom(labels[atom], free[atom]),), 0, n_rings[atom] < 2)
            else:
                i, j = atoms[site[0]], atoms[site[1]]
                if free[i] and free[j] and n_rings[i] == 1 and n_rings[j] == 1:
                    order = word.order_between(site)
                    found[number] = SiteState(
                        (OpenAtom(labels[i], free[i]), OpenAtom(labels[j], free[j])), order, takes_ring=True
                    )
        return found

    def unfinished_sites(self, node: int) -> list[int]:
        """Sites whose atom, not shared with the parent, has more free valence than hydrogens were ever seen on it."""
        limits, shared = self._vocabulary.max_hydrogens, self._shared[node]
        return [
            site
            for site, atom in enumerate(self.nodes[node])
            if self.free[atom] > limits.get(self.labels[atom], 9) and atom not in shared
        ]

    def attach(self, node: int, *, site: int, word: int, port: int) -> int:
        """Put a port of a word onto a site of a node; the number of the new node."""
        self._n_unmatched = None
        new_word, joint = self._vocabulary.words[word], self._joint(node, site)
        template_joint = new_word.ports[port]
        order = new_word.order_between(template_joint) if len(template_joint) == 2 else 0
        place = dict(zip(template_joint, joint, strict=True))
        for template, label in enumerate(new_word.labels):
            if template in place:
                self._merge_atom(place[template], OpenAtom(label, new_word.uses[template]), order, new_word.is_ring)
            else:
                place[template] = len(self.labels)
                self.labels.append(label)
                self.free.append(label.valence - new_word.uses[template])
                self._n_rings.append(int(new_word.is_ring))
        shared_bond = {template_joint[0], template_joint[-1]} if order else set()
        for i, j, bond_order in new_word.bonds:
            if {i, j} != shared_bond:
                self.bonds.append((place[i], place[j], bond_order))
        self.words.append(word)
        self.places.append((node, port, site))
        self.nodes.append(tuple(place[i] for i in range(new_word.n_atoms)))
        self._shared.append(joint)
        self._join_system(node, new_word, is_fused=len(joint) == 2)
        return len(self.nodes) - 1

    def _join_system(self, node: int, word: Word, *, is_fused: bool) -> None:
        if is_fused:
            self._system.append(self._system[node])
            self._rings_of_system[self._system[node]] += word.n_conjugated_rings
        else:
            self._system.append(len(self._rings_of_system))
            self._rings_of_system.append(word.n_conjugated_rings)

    def n_fused_rings(self, node: int) -> int:
        """Rings of the fused system of a node that may be conjugated."""
        return self._rings_of_system[self._system[node]]

    def _joint(self, node: int, site: int) -> tuple[int, ...]:
        atoms = self.nodes[node]
        return tuple(atoms[i] for i in self._vocabulary.words[self.words[node]].sites[site])

    def _merge_atom(self, atom: int, need: OpenAtom, order: int, is_ring: bool) -> None:
        label = self.labels[atom]
        self.free[atom] -= _added_valence(OpenAtom(label, self.free[atom]), need, order)
        self._n_rings[atom] += is_ring
        if label.pi == NOT_AROMATIC:
            self.labels[atom] = AtomLabel(label.element, label.charge, label.valence, need.label.pi)

    def unmatched(self) -> int:
        """Atoms that find no partner for their double bond; they would be saturated with hydrogen."""
        if self._n_unmatched is None:
            n_pi = sum(label.pi == 1 for label in self.labels)
            self._n_unmatched = n_pi - 2 * len(maximum_matching(*pi_graph(self.labels, self.bonds)))
        return self._n_unmatched

    def hopeless(self) -> int:
        """Atoms that find no partner even if every atom at which a ring can still be fused gets one from there."""
        n_atoms, edges = pi_graph(self.labels, self.bonds)
        n_pi = sum(label.pi == 1 for label in self.labels)
        waiting = [atom for atom in self._fusible_atoms() if self.labels[atom].pi == 1]
        # Waiting atoms may pair up among themselves, and one with nobody: no other atom pays for them.
        edges += list(combinations(waiting, 2))
        if n_pi % 2 and waiting:
            edges += [(atom, n_atoms) for atom in waiting]
            n_atoms, n_pi = n_atoms + 1, n_pi + 1
        return n_pi - 2 * len(maximum_matching(n_atoms, edges))

    def _fusible_atoms(self) -> set[int]:
        """Atoms of bonds that can still take a fused ring."""
        free, n_rings = self.free, self._n_rings
        fusible = (free[i] and free[j] and n_rings[i] == 1 and n_rings[j] == 1 for i, j, _ in self.bonds)
        return {atom for bond, is_one in zip(self.bonds, fusible, strict=True) if is_one for atom in bond[:2]}

    def tree(self) -> JunctionTree:
        """The words in the order in which they were put, which is depth first where the decoder puts them."""
        parents, ports, sites = zip(*self.places, strict=True)
        return JunctionTree(tuple(self.words), parents, ports, sites)

    def copy(self) -> PartialMolecule:
        """An independent copy."""
        twin = object.__new__(PartialMolecule)
        twin._vocabulary = self._vocabulary
        twin._n_unmatched = self._n_unmatched
        for name in (
            "labels", "free", "bonds", "_n_rings", "words", "nodes", "places", "_shared", "_system", "_rings_of_system",
        ):  # fmt: skip
            setattr(twin, name, list(getattr(self, name)))
        return twin

    def breaks_double_bonds(self, node: int, *, site: int, word: int, port: int) -> bool:
        """Whether a fused word that has a Kekule structure alone would leave atoms without a partner here."""
        new_word: Word = self._vocabulary.words[word]
        if len(new_word.ports[port]) == 1 or new_word.unmatched or not any(label.pi == 1 for label in new_word.labels):
            return False
        joint = self._joint(node, site)
        wanting = [self.labels[atom].pi for atom in joint]
        if NOT_AROMATIC not in wanting and new_word.is_matched_beside[port]:
            return False  # the word's other atoms pair up among themselves, and the joint's atoms counted before
        if all(pi == NOT_AROMATIC for pi in wanting):
            return False  # the word brings its own pairs
        trial = self.copy()
        trial.attach(node, site=site, word=word, port=port)
        return trial.unmatched() > self.unmatched() and trial.hopeless() > self.hopeless()
