import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.surrogates.schnet.neighbours import DenseNeighbours


def brute_force(positions, molecule, cutoff):
    """Directed edge -> length, two loops."""
    edges = {}
    for i in range(len(positions)):
        for j in range(len(positions)):
            distance = float(np.linalg.norm(positions[i] - positions[j]))
            if i != j and molecule[i] == molecule[j] and distance < cutoff:
                edges[i, j] = distance
    return edges


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    cutoff=st.floats(0.5, 6.0),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_same_edges_as_two_loops(sizes, cutoff, seed):
    positions = np.random.default_rng(seed).normal(0, 2, (sum(sizes), 3)).astype(np.float32)
    molecule = np.repeat(np.arange(len(sizes)), sizes)
    edges, distances = DenseNeighbours(cutoff)(torch.from_numpy(positions), torch.from_numpy(molecule))
    found = dict(zip(map(tuple, edges.T.tolist()), distances.tolist(), strict=True))
    expected = {
        edge: length
        for edge, length in brute_force(positions, molecule, cutoff).items()
        if abs(length - cutoff) > 1e-5  # rounding may take either side
    }
    assert expected.keys() <= found.keys()
    assert len(found) == len(distances)  # no edge twice
    assert all(abs(found[edge] - length) < 1e-5 for edge, length in expected.items())
    assert all(abs(found[edge] - cutoff) < 1e-4 for edge in found.keys() - expected.keys())


def test_second_half_is_the_first_reversed():
    positions = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 0, 0], [9, 1, 0]])
    edges, distances = DenseNeighbours(5.0)(positions, torch.tensor([0, 0, 0, 1, 1]))
    half = len(distances) // 2
    assert torch.equal(edges[:, :half].flip(0), edges[:, half:])
    assert edges[:, :half].T.tolist() == [[0, 1], [0, 2], [1, 2], [3, 4]]
    assert distances[:half].tolist() == pytest.approx([1, 1, 2**0.5, 1])


def test_large_coordinates_lose_no_digits():
    """The usual shortcut by matrix products is off by 0.01 A here."""
    positions = torch.rand(40, 3) + 500.0
    _, distances = DenseNeighbours(5.0)(positions, torch.zeros(40, dtype=torch.long))
    exact = torch.pdist(positions.double()).float()
    assert torch.sort(distances[:780]).values == pytest.approx(torch.sort(exact).values, abs=1e-5)


def test_lone_atoms_have_no_edges():
    edges, distances = DenseNeighbours(5.0)(torch.zeros(2, 3), torch.tensor([0, 1]))
    assert edges.shape == (2, 0)
    assert len(distances) == 0
