"""The graph read once gives what RDKit gives atom by atom, and one graph serves several scores."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.chemistry.condensed_phase import condensed_phase_scores
from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.chemistry.graph import MolecularGraph, as_graph, reachable
from heliosc.chemistry.hansen import hansen_parameters
from heliosc.chemistry.packing import estimated_twists, packing_score
from heliosc.chemistry.polar_groups import hydrogen_bonding_energy, polar_energy
from heliosc.chemistry.synthesizability import _scorer, sa_score

SMILES = (
    "c1ccc(-c2ccccc2)cc1",
    "CC(C)(C)c1ccccc1-c1ccccc1C(C)(C)C",
    "CCCCCCc1ccc(-c2ccc(C=C(C#N)C#N)s2)s1",
    "O=C1OCCO1",
    "CC(=O)Nc1ccc([N+](=O)[O-])cc1S(=O)(=O)O",
    "C[C@H](F)Cl",
    "C1CC(C)C(C)C(C)C1",
    "C[C@@H]1C[C@H](C)C(C)CC1",
    "C1CC2(C1)CC1CCC2C1",  # spiro and bridged
    "C1CCCCCCCCCC1",  # macrocycle
    "C[Si](C)(C)C#Cc1ccc[nH]1",
    "[2H]C([2H])Cl",
    "*c1ccc(*)s1",
    "C",
)


@pytest.mark.parametrize("smiles", SMILES)
def test_the_graph_is_rdkits(smiles: str) -> None:
    molecule = Chem.MolFromSmiles(smiles)
    graph = MolecularGraph(molecule)
    atoms = list(molecule.GetAtoms())
    assert graph.numbers == [atom.GetAtomicNum() for atom in atoms]
    assert graph.hydrogens == [atom.GetTotalNumHs() for atom in atoms]
    assert graph.neighbours == [[other.GetIdx() for other in atom.GetNeighbors()] for atom in atoms]
    assert [graph.degree(atom.GetIdx()) for atom in atoms] == [atom.GetDegree() for atom in atoms]


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize(
    "score",
    [
        conjugated_systems,
        estimated_twists,
        packing_score,
        polar_energy,
        hydrogen_bonding_energy,
        condensed_phase_scores,
    ],
)
def test_a_shared_graph_gives_what_the_molecule_gives(smiles: str, score) -> None:
    molecule = Chem.MolFromSmiles(smiles)
    graph = MolecularGraph(molecule)
    condensed_phase_scores(graph)  # fills what is kept
    assert score(graph) == score(molecule)


def test_what_is_shared_is_computed_once() -> None:
    graph = as_graph(Chem.MolFromSmiles("c1ccc(-c2ccccc2)cc1"))
    assert as_graph(graph) is graph
    assert conjugated_systems(graph) is conjugated_systems(graph)


def test_a_dative_bond_does_not_turn() -> None:
    complexed = Chem.MolFromSmiles("c1cc[n](->[Cr](Cl)=C)cc1")
    assert len(conjugated_systems(complexed)[0]) == 8  # the bond is inside
    assert estimated_twists(complexed) == {}


def test_walks_stay_inside_and_go_round_what_is_left_out() -> None:
    graph = as_graph(Chem.MolFromSmiles("CCCCC"))
    assert reachable(graph, 1, within=frozenset({0, 1, 2, 4})) == {0, 1, 2}
    assert reachable(graph, 0, within=frozenset(range(5)), without=2) == {0, 1}


@pytest.mark.parametrize("smiles", SMILES)
def test_sa_score_is_that_of_rdkits_contrib_folder(smiles: str) -> None:
    assert sa_score(Chem.MolFromSmiles(smiles)) == _scorer().calculateScore(Chem.MolFromSmiles(smiles))


@given(st.lists(st.sampled_from(("C", "CC", "C(C)", "c1ccccc1", "C=C", "[C@H](F)", "C(C)(C)", "O")), min_size=1))
@settings(deadline=None, max_examples=60)
def test_sa_score_of_chains_of_all_kinds(pieces: list[str]) -> None:
    text = "".join(pieces)
    expected = _scorer().calculateScore(Chem.MolFromSmiles(text))
    molecule = Chem.MolFromSmiles(text)
    assert sa_score(molecule) == expected
    assert sa_score(molecule) == expected  # nothing that the first call leaves on the molecule counts


def test_measured_parameters_are_found_through_the_graph() -> None:
    assert hansen_parameters(MolecularGraph(Chem.MolFromSmiles("Cc1ccccc1"))).delta_p == 1.4
