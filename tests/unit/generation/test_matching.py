"""Maximum matching against a reference and against chemistry."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.generation.jtvae.matching import maximum_matching


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n=st.integers(2, 12),
    pairs=st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30),
)
def test_size_equals_networkx(n: int, pairs: set[tuple[int, int]]) -> None:
    edges = [(a, b) for a, b in pairs if a < b < n]
    found = maximum_matching(n, edges)
    graph = networkx.Graph(edges)
    assert len(found) == len(networkx.max_weight_matching(graph, maxcardinality=True))
    assert len({node for pair in found for node in pair}) == 2 * len(found)
    assert set(found) <= set(edges)


@pytest.mark.parametrize(("n", "size"), [(5, 2), (6, 3), (7, 3)])
def test_rings(n: int, size: int) -> None:
    assert len(maximum_matching(n, [(i, (i + 1) % n) for i in range(n)])) == size


def test_two_odd_rings_joined_by_a_bond_need_it() -> None:
    """Fulvalene: neither five-ring can be matched alone, together with the bond between them both can."""
    ring = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]
    edges = ring + [(a + 5, b + 5) for a, b in ring] + [(4, 9)]
    assert len(maximum_matching(10, edges)) == 5
