"""Internal coordinates, their derivatives, the optimiser, and the checks on geometries."""

import numpy as np
import pytest
from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import ConvergenceError, InputError, ParseError
from heliosc.qc.engines import optimize_with_tblite
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.geometry import check_connectivity, check_molecule, perceived_bonds, prepare_geometry
from heliosc.qc.internal_coordinates import internal_coordinates
from heliosc.qc.optimizer import minimize
from heliosc.qc.rigid_motion import rigid_motions
from heliosc.qc.xtb.engine import TbliteSession

# diacetylene-like chain with bent ends: bonds, angles, linear bends, and a torsion through the linear part
CHAIN = np.array([[0, 1.9, 0.3], [0.5, 0, 0], [3.1, 0.02, 0.0], [5.4, 0.0, 0.03], [8.0, 0, 0], [8.6, 1.2, 1.3]])
CHAIN_BONDS = np.array([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])


def test_wilson_matrix_equals_numerical_derivatives_within_the_molecule():
    coordinates = internal_coordinates(CHAIN, CHAIN_BONDS)
    _, wilson = coordinates.wilson_matrix(CHAIN)
    step, numerical = 1e-5, np.empty_like(wilson)
    for column in range(CHAIN.size):
        shift = np.zeros(CHAIN.size)
        shift[column] = step
        ahead = coordinates.values(CHAIN + shift.reshape(CHAIN.shape))
        behind = coordinates.values(CHAIN - shift.reshape(CHAIN.shape))
        numerical[:, column] = coordinates.difference(ahead, behind) / (2 * step)
    rigid = rigid_motions(CHAIN)
    np.testing.assert_allclose(numerical - numerical @ rigid @ rigid.T, wilson, atol=1e-7)


def test_turning_the_whole_molecule_changes_no_coordinate():
    """The axes of linear bends are fixed in space: left as they are, an optimiser spins the molecule to bend it."""
    _, wilson = internal_coordinates(CHAIN, CHAIN_BONDS).wilson_matrix(CHAIN)
    np.testing.assert_allclose(wilson @ rigid_motions(CHAIN), 0.0, atol=1e-12)


@pytest.mark.parametrize("charge", [0, 1, -1])
def test_diarylacetylene_converges_in_a_few_steps(charge):
    """Its ions once ran into hundreds of steps and away."""
    molecule = parse_smiles("C(#Cc1cccs1)c1cccs1")
    symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms())
    start = prepare_geometry(molecule, n_conformers=1, seed=2026, session=TbliteSession(symbols))
    minimum = optimize_with_tblite(TbliteSession(symbols, charge=charge), start.geometry, bonds=start.bonds)
    assert minimum.n_evaluations <= 20


def test_torsion_runs_through_the_linear_part():
    coordinates = internal_coordinates(CHAIN, CHAIN_BONDS)
    assert coordinates.torsions.tolist() == [[0, 1, 4, 5]]
    assert len(coordinates.bends) == 4


def test_all_vibrations_are_covered():
    """Rank 3N - 6: a missing coordinate would leave a motion without a force constant."""
    coordinates = internal_coordinates(CHAIN, CHAIN_BONDS)
    _, wilson = coordinates.wilson_matrix(CHAIN)
    assert np.linalg.matrix_rank(wilson, tol=1e-6) == 3 * len(CHAIN) - 6


def test_minimum_of_a_known_potential():
    """Four atoms with springs on all six distances: the minimum is the geometry that defines the springs."""
    target = np.array([[0, 0, 0], [2.5, 0, 0], [3.3, 2.4, 0], [5.2, 3.0, 1.7]])
    pairs = np.array([(i, j) for i in range(4) for j in range(i)])
    lengths = np.linalg.norm(target[pairs[:, 0]] - target[pairs[:, 1]], axis=1)

    def springs(positions):
        vectors = positions[pairs[:, 0]] - positions[pairs[:, 1]]
        distances = np.linalg.norm(vectors, axis=1)
        forces = (0.2 * (distances - lengths) / distances)[:, None] * vectors
        gradient = np.zeros_like(positions)
        np.add.at(gradient, pairs[:, 0], forces)
        np.add.at(gradient, pairs[:, 1], -forces)
        return 0.1 * float(((distances - lengths) ** 2).sum()), gradient

    start = target + np.random.default_rng(3).normal(scale=0.25, size=target.shape)
    bonds = np.array([(0, 1), (1, 2), (2, 3)])
    minimum = minimize(springs, start, coordinates=internal_coordinates(start, bonds))
    assert minimum.energy < 1e-5
    assert minimum.n_evaluations < 25


def test_step_limit_is_an_error_that_carries_the_geometry():
    def slope(positions):
        return float(positions[:, 0] @ [1.0, -1.0]), np.array([[1.0, 0, 0], [-1.0, 0, 0]])

    start = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    with pytest.raises(ConvergenceError, match="after 4 gradient evaluations") as caught:
        minimize(slope, start, coordinates=internal_coordinates(start, np.array([(0, 1)])), max_steps=4)
    assert caught.value.positions.shape == (2, 3)


WATER = Geometry(("O", "H", "H"), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]))


def test_xyz_round_trip():
    again = Geometry.from_xyz(WATER.to_xyz("two\nlines"))
    assert again.symbols == WATER.symbols
    np.testing.assert_allclose(again.positions, WATER.positions, atol=1e-8)


@pytest.mark.parametrize("text", ["", "3\ncomment\nO 0 0 0\n", "1\n\nO 0 0 x\n", "0\n\n"])
def test_broken_xyz_is_refused(text):
    with pytest.raises(ParseError):
        Geometry.from_xyz(text)


def test_broken_and_formed_bonds_are_wrong_minima():
    bonds = perceived_bonds(WATER)
    assert bonds.tolist() == [[0, 1], [0, 2]]
    check_connectivity(WATER, bonds, charge_state="neutral")
    stretched = Geometry(WATER.symbols, WATER.positions * [[1, 1, 1], [2, 1, 1], [1, 1, 1]])
    with pytest.raises(ConvergenceError, match=r"wrong minimum: in the anion the bond O1-H2 broke"):
        check_connectivity(stretched, bonds, charge_state="anion")
    with pytest.raises(ConvergenceError, match="O1-H3 formed"):
        check_connectivity(WATER, bonds[:1], charge_state="cation")


@pytest.mark.parametrize(
    ("smiles", "reason"), [("C[N+](C)(C)C", "charge"), ("[CH3]", "radical"), ("c1ccsc1.C", "fragments")]
)
def test_molecules_outside_the_scheme_are_refused(smiles, reason):
    with pytest.raises(InputError, match=reason):
        check_molecule(Chem.MolFromSmiles(smiles))


def test_electron_count():
    assert electron_count(("O", "H", "H"), charge=-1) == 11
