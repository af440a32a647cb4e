"""Maximum matching in a general graph: which aromatic bonds can be double at once.

References
----------
Edmonds, Can. J. Math. 1965, 17, 449 (blossom algorithm).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


def maximum_matching(n_nodes: int, edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of a maximum matching, lower node first.

    Parameters
    ----------
    n_nodes : nodes are 0 .. n_nodes - 1
    edges : (n_edges, 2)
    """
    neighbours: list[list[int]] = [[] for _ in range(n_nodes)]
    mate = [-1] * n_nodes
    for a, b in edges:
        neighbours[a].append(b)
        neighbours[b].append(a)
    for a, b in edges:  # a greedy start leaves few augmentations
        if mate[a] < 0 and mate[b] < 0:
            mate[a], mate[b] = b, a
    for node in range(n_nodes):
        if mate[node] < 0 and neighbours[node]:
            _Search(neighbours, mate).augment(node)
    return [(node, other) for node, other in enumerate(mate) if node < other]


class _Search:
    """One search for an augmenting path, contracting odd cycles as they are met."""

    def __init__(self, neighbours: list[list[int]], mate: list[int]) -> None:
        self._neighbours = neighbours
        self._mate = mate
        self._base = list(range(len(mate)))
        self._previous = [-1] * len(mate)
        self._is_outer = [False] * len(mate)

    def augment(self, root: int) -> bool:
        """Match ``root`` if an augmenting path starts there."""
        end = self._find_free(root)
        while end >= 0:
            previous = self._previous[end]
            after = self._mate[previous]
            self._mate[end], self._mate[previous] = previous, end
            end = after
        return self._mate[root] >= 0

    def _find_free(self, root: int) -> int:
        self._is_outer[root] = True
        queue = deque([root])
        while queue:
            node = queue.popleft()
            for other in self._neighbours[node]:
                if self._base[node] == self._base[other] or self._mate[node] == other:
                    continue
                if other == root or (self._mate[other] >= 0 and self._previous[self._mate[other]] >= 0):
                    queue.extend(self._contract(node, other))
                elif self._previous[other] < 0:
                    self._previous[other] = node
                    if self._mate[other] < 0:
                        return other
                    self._is_outer[self._mate[other]] = True
                    queue.append(self._mate[other])
        return -1

    def _contract(self, node: int, other: int) -> list[int]:
        """Contract the blossom closed by an edge between two outer nodes; returns nodes that became outer."""
        common = self._common_base(node, other)
        in_blossom = [False] * len(self._mate)
        self._mark(node, common, other, in_blossom)
        self._mark(other, common, node, in_blossom)
        new = []
        for i, base in enumerate(self._base):
            if in_blossom[base]:
                self._base[i] = common
                if not self._is_outer[i]:
                    self._is_outer[i] = True
                    new.append(i)
        return new

    def _common_base(self, node: int, other: int) -> int:
        seen = set()
        while True:
            node = self._base[node]
            seen.add(node)
            if self._mate[node] < 0:
                break
            node = self._previous[self._mate[node]]
        while self._base[other] not in seen:
            other = self._previous[self._mate[self._base[other]]]
        return self._base[other]

    def _mark(self, node: int, common: int, child: int, in_blossom: list[bool]) -> None:
        while self._base[node] != common:
            mate = self._mate[node]
            in_blossom[self._base[node]] = in_blossom[self._base[mate]] = True
            self._previous[node] = child
            child = mate
            node = self._previous[mate]
