"""Planarity from coordinates whose answer is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from heliosc.chemistry.conformers import embed_conformers
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.planarity import planarity, plane_distances, unit_bonds
from heliosc.errors import InputError


def _hexagon(radius: float = 1.39) -> NDArray[np.float64]:
    angles = np.radians(60.0 * np.arange(6))
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros(6)])


def _biphenyl(twist_degrees: float) -> NDArray[np.float64]:
    """Heavy atoms in the order of c1ccccc1-c1ccccc1: atom 5 is bound to atom 6."""
    first = _hexagon() @ Rotation.from_euler("z", 60, degrees=True).as_matrix().T  # its atom 5 on the x axis
    second = _hexagon() * [-1, 1, 1] + [1.39 + 1.48 + 1.39, 0, 0]  # its atom 0 faces atom 5
    return np.vstack([first, second @ Rotation.from_euler("x", twist_degrees, degrees=True).as_matrix().T])


def test_pyramid_by_hand() -> None:
    # a square of side 2 with its centre raised by 1: plane at z = 0.2, distances -0.2 (four times) and 0.8
    points = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0], [0, 0, 1]], dtype=float)
    assert np.abs(plane_distances(points)) == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.8])
    assert np.ptp(plane_distances(points)) == pytest.approx(1.0)


def test_published_annulene() -> None:
    # carbon atoms of [14]annulene, wB97X-D/def2-TZVP; Multiwfn manual 3.8, section 4.100.21.2, the program's
    # examples/[14]annulene.xyz: MPP 0.127145 A, SDP 0.435354 A and the signed distance of every atom
    half = np.array(
        [[-0.221, 1.541, 1.428], [0.211, -1.490, 1.419], [-0.076, 2.649, -0.724], [-0.043, -2.721, -0.673],
         [-0.018, 1.268, -2.821], [0.106, -1.247, -2.703], [-0.028, 0.035, -3.375]]
    )  # fmt: skip
    published = np.array([0.21768, 0.21430, 0.07768, 0.04457, 0.02456, 0.09971, 0.03585])
    points = np.vstack([half, half * [-1, 1, -1]])  # a twofold axis along y
    shape = planarity(parse_smiles("C1=CC=CC=CC=CC=CC=CC=C1"), points)  # every atom is in the one system
    assert np.abs(plane_distances(points)) == pytest.approx(np.tile(published, 2), abs=6e-6)
    assert shape.deviation == pytest.approx(0.127145, abs=1e-6)
    assert shape.span == pytest.approx(0.435354, abs=1e-6)


@pytest.mark.parametrize("twist", [0.0, 20.0, 44.0, 90.0])
def test_twist_of_biphenyl_is_the_one_built_in(twist: float) -> None:
    shape = planarity(parse_smiles("c1ccccc1-c1ccccc1"), _biphenyl(twist))
    assert shape.torsions == pytest.approx([twist], abs=1e-6)
    assert shape.largest_torsion == pytest.approx(twist, abs=1e-6)


def test_planarity_parameter_of_twisted_biphenyl_by_hand() -> None:
    # the mean plane halves the twist: eight ortho and meta atoms stand 1.39 sin 60 sin(22 deg) from it
    shape = planarity(parse_smiles("c1ccccc1-c1ccccc1"), _biphenyl(44.0))
    height = 1.39 * np.sin(np.pi / 3) * np.sin(np.radians(22.0))
    assert shape.deviation == pytest.approx(height * np.sqrt(8 / 12))
    assert shape.span == pytest.approx(2 * height)


@given(
    points=npst.arrays(np.float64, (7, 3), elements=st.floats(-5, 5)),
    turn=npst.arrays(np.float64, 3, elements=st.floats(-3, 3)),
)
def test_distances_do_not_depend_on_the_frame(points: NDArray[np.float64], turn: NDArray[np.float64]) -> None:
    moved = points @ Rotation.from_rotvec(turn).as_matrix().T + turn
    assert np.sqrt(np.mean(plane_distances(moved) ** 2)) == pytest.approx(
        np.sqrt(np.mean(plane_distances(points) ** 2)), abs=1e-8
    )


def test_only_the_conjugated_system_counts() -> None:
    molecule = parse_smiles("CCCCc1ccccc1")
    conformer = embed_conformers(molecule, n_conformers=1, seed=1)[0]
    assert planarity(molecule, conformer.positions).deviation < 0.05  # the butyl chain stands out of the plane
    assert planarity(molecule, conformer.positions).torsions == ()


@pytest.mark.parametrize(
    ("smiles", "n_bonds"),
    [
        ("c1ccc(-c2ccc(-c3cccs3)s2)cc1", 2),
        ("c1ccc(C#Cc2ccccc2)cc1", 0),  # nothing to turn beside a linear atom
        ("N#Cc1ccccc1", 0),
        ("c1ccc(/C=C/c2ccccc2)cc1", 2),
        ("c1ccc2cc3ccccc3cc2c1", 0),
    ],
)
def test_bonds_between_units(smiles: str, n_bonds: int) -> None:
    molecule = parse_smiles(smiles)
    assert len(unit_bonds(molecule, frozenset(range(molecule.GetNumAtoms())))) == n_bonds


def test_no_conjugated_system_is_refused() -> None:
    with pytest.raises(InputError, match="no conjugated system"):
        planarity(parse_smiles("CCCC"), np.zeros((4, 3)))
    with pytest.raises(InputError, match="5 positions for 6 heavy atoms"):
        planarity(parse_smiles("c1ccccc1"), np.zeros((5, 3)))
