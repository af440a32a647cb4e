"""The junction tree of a molecule as integers: words, and where each is put onto its parent.

The numbering of each word's atoms in the molecule is chosen, among the word's symmetry-equivalent ones, so that its
children come at the lowest sites; siblings are ordered by the size of their subtrees, small decorations first. Both
make the tree of a molecule unique, whatever the order of the atoms in the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from heliosc.errors import InputError
from heliosc.generation.jtvae.clusters import Cluster, Hanging, find_clusters, hang_clusters
from heliosc.generation.jtvae.molecule_graph import MoleculeGraph
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.generation.jtvae.words import Joint, Word

NO_PLACE = -1
"""Port and site of the root, and its parent."""


@dataclass(frozen=True, slots=True)
class JunctionTree:
    """Nodes in depth-first order.

    Attributes
    ----------
    words : (n_nodes,) word numbers
    parents : (n_nodes,) node numbers, ``NO_PLACE`` for the root
    ports : (n_nodes,) port of the node's own word that is put onto the parent
    sites : (n_nodes,) site of the parent's word that takes it
    """

    words: tuple[int, ...]
    parents: tuple[int, ...]
    ports: tuple[int, ...]
    sites: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.words)


class UnknownWordError(InputError):
    """A molecule has a cluster that the vocabulary lacks.

    Attributes
    ----------
    cause : what kind of cluster, without the molecule
    """

    kind = "unknown_word"

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


def junction_tree(graph: MoleculeGraph, vocabulary: Vocabulary, *, grow: bool = False) -> JunctionTree:
    """Decompose a molecule.

    Parameters
    ----------
    grow : add unknown words to the vocabulary instead of refusing them

    Raises
    ------
    UnknownWordError : a cluster is not in the vocabulary and ``grow`` is off
    """
    clusters = find_clusters(graph)
    numbered = []
    for cluster in clusters:
        found = vocabulary.find(graph, cluster, grow=grow)
        if found is None:
            kind = f"ring system of {len(cluster.atoms)} atoms" if cluster.is_ring else "bond"
            raise UnknownWordError(
                f"{graph.smiles[:80]!r} has a {kind} that the vocabulary lacks; "
                "train on molecules that contain it, or let fine-tuning grow the vocabulary",
                cause=f"{kind} outside the vocabulary",
            )
        numbered.append(found)
    return _Builder(graph, clusters, numbered, vocabulary).build()


class _Placement(NamedTuple):
    """Where a child would go under one numbering of its parent's word; the first five decide the order of siblings."""

    size: int
    word: int
    site: int
    port: int
    lowest_rank: int
    cluster: int
    joint: Joint


_SIBLING_ORDER = itemgetter(0, 1, 2, 3, 4)


class _Builder:
    """Turns hung clusters into the canonical tree."""

    def __init__(
        self,
        graph: MoleculeGraph,
        clusters: Sequence[Cluster],
        numbered: Sequence[tuple[int, tuple[int, ...]]],
        vocabulary: Vocabulary,
    ) -> None:
        self._clusters = clusters
        self._ranks = graph.ranks
        self._numbered = numbered
        self._words = [vocabulary.words[number] for number, _ in numbered]
        self._places = [dict(zip(c.atoms, base, strict=True)) for c, (_, base) in zip(clusters, numbered, strict=True)]
        hangings = hang_clusters(clusters, graph.ranks)
        self._root = hangings[0].cluster
        self._children: list[list[Hanging]] = [[] for _ in clusters]
        self._sizes = [1] * len(clusters)
        self._lowest = [min([graph.ranks[atom] for atom in cluster.atoms]) for cluster in clusters]
        for hanging in hangings[1:]:
            self._children[hanging.parent].append(hanging)
        for hanging in reversed(hangings[1:]):
            self._sizes[hanging.parent] += self._sizes[hanging.cluster]
            self._lowest[hanging.parent] = min(self._lowest[hanging.parent], self._lowest[hanging.cluster])

    def build(self) -> JunctionTree:
        words: list[int] = []
        parents: list[int] = []
        ports: list[int] = []
        sites: list[int] = []
        stack: list[tuple[int, int, Joint, int, int]] = [(self._root, NO_PLACE, (), NO_PLACE, NO_PLACE)]
        while stack:
            cluster, parent, joint, port, site = stack.pop()
            node = len(words)
            words.append(self._numbered[cluster][0])
            parents.append(parent)
            ports.append(port)
            sites.append(site)
            for child, child_joint, child_port, child_site in reversed(self._place_children(cluster, joint, port)):
                stack.append((child, node, child_joint, child_port, child_site))
        return JunctionTree(tuple(words), tuple(parents), tuple(ports), tuple(sites))

    def _place_children(self, cluster: int, joint: Joint, port: int) -> list[tuple[int, Joint, int, int]]:
        """Children in order: cluster, directed joint, port of the child, site of this cluster."""
        if not self._children[cluster]:
            return []
        numberings = self._numberings(cluster, joint, port)
        best: list[_Placement] = []
        best_key: tuple = ()
        for numbering in numberings:
            placed = [self._place(hanging, self._words[cluster], numbering) for hanging in self._children[cluster]]
            placed.sort(key=_SIBLING_ORDER)
            if len(numberings) == 1:
                best = placed
                break
            key = [_SIBLING_ORDER(p) for p in placed], self._ranks_in_template_order(numbering)
            if not best or key < best_key:
                best, best_key = placed, key
        return [(p.cluster, p.joint, p.port, p.site) for p in best]

    def _ranks_in_template_order(self, numbering: dict[int, int]) -> tuple[int, ...]:
        return tuple(self._ranks[atom] for atom in sorted(numbering, key=numbering.__getitem__))

    def _numberings(self, cluster: int, joint: Joint, port: int) -> list[dict[int, int]]:
        """Molecule atom -> template atom, all that put the port's own atoms onto the joint."""
        word, place = self._words[cluster], self._places[cluster]
        wanted = word.ports[port] if joint else ()
        local = [place[atom] for atom in joint]
        return [
            {atom: mapping[template] for atom, template in place.items()}
            for mapping in word.automorphisms
            if tuple([mapping[template] for template in local]) == wanted
        ]

    def _place(self, hanging: Hanging, word: Word, numbering: dict[int, int]) -> _Placement:
        child = hanging.cluster
        joint = hanging.joint
        if len(joint) == 2 and numbering[joint[0]] > numbering[joint[1]]:
            joint = joint[::-1]
        site = word.site_numbers[tuple([numbering[atom] for atom in joint])]
        child_number, place = self._numbered[child][0], self._places[child]
        port = self._words[child].port_numbers[tuple([place[atom] for atom in joint])]
        return _Placement(self._sizes[child], child_number, site, port, self._lowest[child], child, joint)
