"""Clusters of a molecule: rings, merged until they form a tree, and the bonds outside rings.

Rings merge when they share an atom with two other rings (peri-fused: pyrene, NDI), share more than one bond (bridged),
or close a cycle of rings (porphyrins, cyclophanes); what is left meets in single atoms (spiro) or single bonds (fused).
A bond outside rings is a cluster of its own. Atoms are never clusters: clusters that meet at an atom hang from
whichever of them is visited first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliosc.generation.jtvae.molecule_graph import MoleculeGraph

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Atoms of a fragment; the bonds are ``(atom, atom, order code)`` of the molecule, lower atom first.

    Atoms of an unmerged ring stand in ring order.
    """

    atoms: tuple[int, ...]
    bonds: tuple[tuple[int, int, int], ...]
    is_ring: bool


def find_clusters(graph: MoleculeGraph) -> list[Cluster]:
    """All clusters of a molecule, rings first."""
    orders = {(i, j): order for i, j, order in graph.bonds}
    clusters = []
    for members in merge_rings(graph.rings):
        atoms = graph.rings[members[0]]
        pairs = _ring_pairs(atoms)
        if len(members) > 1:
            pairs = sorted({pair for ring in members for pair in _ring_pairs(graph.rings[ring])})
            atoms = tuple(sorted({atom for pair in pairs for atom in pair}))
        clusters.append(Cluster(atoms, tuple((i, j, orders[i, j]) for i, j in pairs), is_ring=True))
    for bond, in_ring in zip(graph.bonds, graph.in_ring, strict=True):
        if not in_ring:
            clusters.append(Cluster(bond[:2], (bond,), is_ring=False))
    return clusters


def _ring_pairs(ring: Sequence[int]) -> list[Pair]:
    return [(a, b) if a < b else (b, a) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]


class _Groups:
    """Disjoint sets of rings."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, item: int) -> int:
        while self._parent[item] != item:
            item = self._parent[item]
        return item

    def join(self, items: Iterable[int]) -> bool:
        roots = {self.find(item) for item in items}
        first = min(roots)
        for root in roots:
            self._parent[root] = first
        return len(roots) > 1

    def join_each(self, sets: Iterable[Iterable[int]]) -> bool:
        joined = False
        for items in sets:
            joined |= self.join(items)
        return joined

    def members(self) -> list[list[int]]:
        groups: dict[int, list[int]] = {}
        for item in range(len(self._parent)):
            groups.setdefault(self.find(item), []).append(item)
        return list(groups.values())


def merge_rings(rings: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Indices of the rings that make up each ring cluster, so that the ring clusters form a forest."""
    groups = _Groups(len(rings))
    if len(rings) > 1:
        pairs = [set(_ring_pairs(ring)) for ring in rings]
        while _merge_once(rings, pairs, groups):
            pass
    return groups.members()


def _merge_once(rings: Sequence[tuple[int, ...]], pairs: Sequence[set[Pair]], groups: _Groups) -> bool:
    owners: dict[int, set[int]] = {}
    for index, ring in enumerate(rings):
        group = groups.find(index)
        for atom in ring:
            owners.setdefault(atom, set()).add(group)
    crowded = [found for found in owners.values() if len(found) > 2]
    if crowded:
        return groups.join_each(crowded)
    shared: dict[Pair, list[int]] = {}
    for atom, found in owners.items():
        if len(found) == 2:
            shared.setdefault((min(found), max(found)), []).append(atom)
    if not shared:
        return False
    group_pairs: dict[int, set[Pair]] = {}
    for index, ring_pairs in enumerate(pairs):
        group_pairs.setdefault(groups.find(index), set()).update(ring_pairs)
    bridged = [
        edge
        for edge, atoms in shared.items()
        if not _meets_in_tree_edge(atoms, group_pairs[edge[0]], group_pairs[edge[1]])
    ]
    if bridged:
        return groups.join_each(bridged)
    cycle = _find_cycle(shared)
    return groups.join(cycle) if cycle else False


def _meets_in_tree_edge(atoms: list[int], first: set[Pair], second: set[Pair]) -> bool:
    """Whether two ring clusters meet in one atom or in one bond of both."""
    if len(atoms) == 1:
        return True
    pair = (min(atoms), max(atoms))
    return len(atoms) == 2 and pair in first and pair in second


def _find_cycle(edges: Iterable[Pair]) -> list[int]:
    """Nodes of one cycle of an undirected graph, or nothing."""
    neighbours: dict[int, list[int]] = {}
    for a, b in edges:
        path = _path(neighbours, a, b)
        if path:
            return path
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    return []


def _path(neighbours: dict[int, list[int]], start: int, end: int) -> list[int]:
    previous = {start: start}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if node == end:
            path = [end]
            while path[-1] != start:
                path.append(previous[path[-1]])
            return path
        for other in neighbours.get(node, ()):
            if other not in previous:
                previous[other] = node
                queue.append(other)
    return []


@dataclass(frozen=True, slots=True)
class Hanging:
    """A cluster's place in the rooted tree.

    Attributes
    ----------
    cluster, parent : indices; the root's parent is -1
    joint : the atoms shared with the parent: none (root), one, or the two of a fused bond
    """

    cluster: int
    parent: int
    joint: tuple[int, ...]


def hang_clusters(clusters: Sequence[Cluster], ranks: Sequence[int]) -> list[Hanging]:
    """Hang all clusters from a central one, in an order in which parents come before children.

    Clusters that meet at an atom hang from the first of them; of two fused rings that both meet a parent, the second
    hangs from the first, by their common bond. ``ranks`` are canonical ranks of the atoms and decide ties.
    """
    at_atom: dict[int, list[int]] = {}
    for index, cluster in enumerate(clusters):
        for atom in cluster.atoms:
            at_atom.setdefault(atom, []).append(index)
    keys = [sorted([ranks[atom] for atom in cluster.atoms]) for cluster in clusters]
    hangings = [Hanging(_central_cluster(clusters, at_atom, keys), -1, ())]
    placed = {hangings[0].cluster}
    for hanging in hangings:  # grows while it is walked: breadth first
        joint_ring = clusters[hanging.cluster].is_ring
        fused = _fused_rings(clusters, at_atom, hanging.cluster, placed) if joint_ring else {}
        for child in sorted(fused, key=keys.__getitem__):
            placed.add(child)
            hangings.append(Hanging(child, hanging.cluster, fused[child]))
        for atom in sorted(clusters[hanging.cluster].atoms, key=ranks.__getitem__):
            if len(at_atom[atom]) == 1:
                continue
            for child in _hang_at_atom(clusters, at_atom[atom], placed, keys):
                placed.add(child)
                hangings.append(Hanging(child, hanging.cluster, (atom,)))
    return hangings


def _fused_rings(
    clusters: Sequence[Cluster], at_atom: dict[int, list[int]], index: int, placed: set[int]
) -> dict[int, tuple[int, ...]]:
    shared: dict[int, list[int]] = {}
    for atom in clusters[index].atoms:
        if len(at_atom[atom]) > 1:
            for other in at_atom[atom]:
                if clusters[other].is_ring and other not in placed:
                    shared.setdefault(other, []).append(atom)
    return {other: tuple(atoms) for other, atoms in shared.items() if len(atoms) == 2}


def _hang_at_atom(
    clusters: Sequence[Cluster], candidates: Sequence[int], placed: set[int], keys: Sequence[list[int]]
) -> list[int]:
    """Unplaced clusters that hang at one atom; of two rings that share a bond only the first."""
    new = [c for c in candidates if c not in placed]
    if len(new) < 2:
        return new
    new.sort(key=keys.__getitem__)
    rings = [c for c in new if clusters[c].is_ring]
    if len(rings) == 2 and len(set(clusters[rings[0]].atoms) & set(clusters[rings[1]].atoms)) == 2:
        new.remove(rings[1])
    return new


def _central_cluster(clusters: Sequence[Cluster], at_atom: dict[int, list[int]], keys: Sequence[list[int]]) -> int:
    """The cluster with the least eccentricity; among equals the largest, then the lowest ranked."""
    neighbours = [
        {other for atom in cluster.atoms for other in at_atom[atom] if other != index}
        for index, cluster in enumerate(clusters)
    ]
    from_first = _distances(neighbours, 0)
    from_one_end = _distances(neighbours, from_first.index(max(from_first)))
    from_other_end = _distances(neighbours, from_one_end.index(max(from_one_end)))
    return min(
        range(len(clusters)),
        key=lambda c: (max(from_one_end[c], from_other_end[c]), -len(clusters[c].atoms), keys[c]),
    )


def _distances(neighbours: Sequence[set[int]], start: int) -> list[int]:
    distances = [-1] * len(neighbours)
    distances[start] = 0
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in neighbours[node]:
            if distances[other] < 0:
                distances[other] = distances[node] + 1
                queue.append(other)
    return distances
