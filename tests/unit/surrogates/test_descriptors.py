import numpy as np
import pytest
from rdkit import Chem

from heliosc.surrogates.mpnn.descriptors import N_DESCRIPTORS
from heliosc.surrogates.mpnn.graphs import build_graphs
from heliosc.surrogates.mpnn.huckel import solve_pi_systems

COMPANY = (
    "CCCC",
    "c1ccccc1",
    "C",
    "c1ccsc1",
    "O=C1C=CC(=O)C=C1",
    "c1cc2ccc3cccc4ccc(c1)c2c34",
    "C=C[O-]",
    "C[n+]1ccccc1",
)


def pi_system(smiles):
    (systems,) = solve_pi_systems(build_graphs([Chem.MolFromSmiles(smiles)]))
    return systems


def descriptors(molecule):
    return build_graphs([molecule]).descriptors[0]


def energies(smiles):
    return pi_system(smiles).energies[0]


def test_benzene_has_the_levels_of_the_textbook():
    assert energies("c1ccccc1") == pytest.approx([-2, -1, -1, 1, 1, 2])


def test_ethylene_has_two_levels():
    # double bonds are scaled by 1.1
    assert energies("C=C") == pytest.approx([-1.1, 1.1])


@pytest.mark.parametrize(
    ("smiles", "n_electrons"),
    [
        ("c1ccsc1", 6),
        ("c1cc[nH]c1", 6),
        ("c1ccncc1", 6),
        ("c1ccoc1", 6),
        ("C=O", 2),
        ("C=CC#N", 4),
        ("Nc1ccccc1", 8),
        ("Fc1ccccc1", 8),
        ("C[n+]1ccccc1", 6),
        ("C=C[O-]", 4),
        ("c1ccc(cc1)[N+](=O)[O-]", 10),
        ("CB(c1ccccc1)C", 6),
    ],
)
def test_pi_electrons(smiles, n_electrons):
    pi = pi_system(smiles)
    assert 2 * pi.n_occupied[0] == n_electrons


def test_charges_add_up():
    pi = pi_system("c1ccncc1")
    assert pi.charges.sum() == pytest.approx(0, abs=1e-12)
    assert pi.charges[0, 3] < -0.1  # nitrogen draws electrons


def test_acenes_gap_falls_with_length():
    gaps = []
    for smiles in ("c1ccccc1", "c1ccc2ccccc2c1", "c1ccc2cc3ccccc3cc2c1", "c1ccc2cc3cc4ccccc4cc3cc2c1"):
        pi = pi_system(smiles)
        gaps.append(pi.energies[0, pi.n_occupied[0]] - pi.energies[0, pi.n_occupied[0] - 1])
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[1] == pytest.approx(2 * 0.618, abs=1e-3)  # naphthalene


def test_saturated_molecules_have_no_pi_system():
    butane = build_graphs([Chem.MolFromSmiles("CCCC")])
    assert list(solve_pi_systems(butane)) == []
    assert np.isfinite(butane.descriptors).all()
    assert (butane.descriptors[0, -33:] == 0).all()


def test_bonds_between_the_furthest_pi_atoms_and_the_charge_moment_use_distances_of_the_whole_molecule():
    molecule = Chem.MolFromSmiles("C=CCCCCC=O")  # two pi pairs with saturated carbon between
    distances = Chem.GetDistanceMatrix(molecule)
    pi = pi_system("C=CCCCCC=O")
    q, atoms = pi.charges[0], pi.atoms[0]
    assert descriptors(molecule)[-1] == 7
    assert descriptors(molecule)[-3] == pytest.approx(-0.5 * q @ distances[np.ix_(atoms, atoms)] ** 2 @ q)


def test_long_chains_and_fragments_have_their_distances():
    chain = "C=C" + "C" * 150 + "C=C"
    assert descriptors(Chem.MolFromSmiles(chain))[-1] == 153
    assert descriptors(Chem.MolFromSmiles("C=C.C=C"))[-1] == 1e8


def test_a_molecule_has_the_same_descriptors_in_any_company():
    alone = [descriptors(Chem.MolFromSmiles(smiles)) for smiles in COMPANY]
    together = build_graphs([Chem.MolFromSmiles(smiles) for smiles in COMPANY]).descriptors
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "smiles",
    ["c1ccccc1", "c1cc2ccc3cccc4ccc(c1)c2c34", "N#Cc1ccc(-c2cccs2)s1", "c1ccc(N(c2ccccc2)c2ccccc2)cc1", "C1=CC=C1"],
)
def test_descriptors_do_not_depend_on_how_the_molecule_is_written(smiles):
    molecule = Chem.MolFromSmiles(smiles)
    expected = descriptors(molecule)
    assert expected.shape == (N_DESCRIPTORS,)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(molecule.GetNumAtoms()).tolist()
        assert descriptors(Chem.RenumberAtoms(molecule, order)) == pytest.approx(expected, abs=1e-7)
