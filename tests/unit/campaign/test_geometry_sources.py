import numpy as np
import pytest

from heliosc.campaign.geometry_sources import XtbGeometries, library_geometries
from heliosc.datasets.library.load import load_library


@pytest.fixture(scope="module")
def library():
    return library_geometries()


def test_library_has_three_states_of_its_molecules(library):
    smiles = [molecule.smiles for molecule in load_library().labelled_molecules()[:20]]
    found = library.find(smiles, states=("neutral", "cation", "anion"))
    assert library.level == "gfn2"
    assert all(set(entry.positions) == {"neutral", "cation", "anion"} for entry in found)
    (missing,) = library.find(["CCCCCC"], states=("neutral",))
    assert "no gfn2 geometry of the neutral" in missing.reason


def distances(positions):
    return np.linalg.norm(positions[:, None] - positions[None], axis=-1)


@pytest.mark.parametrize("states", [("neutral",), ("neutral", "cation", "anion")])
def test_optimised_here_equals_the_library(library, states):
    (shipped,) = library.find(["c1ccsc1"], states=states)
    (computed,) = XtbGeometries().find(["c1ccsc1"], states=states)
    assert set(computed.positions) == set(states)
    order = np.argsort(shipped.atomic_numbers, kind="stable")
    for state in states:
        expected = np.sort(distances(shipped.positions[state]).ravel())
        np.testing.assert_allclose(np.sort(distances(computed.positions[state]).ravel()), expected, atol=0.01)
    assert sorted(computed.atomic_numbers) == shipped.atomic_numbers[order].tolist()


def test_failures_are_told_with_the_reason():
    charged, unreadable = XtbGeometries().find(["[NH4+]", "c1cc"], states=("neutral",))
    assert "charge +1" in charged.reason
    assert "cannot parse" in unreadable.reason
