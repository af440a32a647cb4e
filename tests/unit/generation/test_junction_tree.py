"""Decomposition and exact reassembly."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.generation.jtvae import vocabulary as vocabulary_module
from heliosc.generation.jtvae.assemble import assemble
from heliosc.generation.jtvae.clusters import find_clusters
from heliosc.generation.jtvae.growing import DecodeLimits
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.roundtrip import failure_of
from heliosc.generation.jtvae.schedule import build_vocabulary
from heliosc.generation.jtvae.tree import UnknownWordError, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary


def graph_of(smiles: str):
    return molecule_graph(constitution(smiles))


@pytest.fixture(scope="module")
def vocabulary(hard_molecules: list[str]) -> Vocabulary:
    return build_vocabulary(graph_of(smiles) for smiles in hard_molecules)


@pytest.fixture(scope="module")
def legal(vocabulary: Vocabulary) -> LegalMoves:
    return LegalMoves(vocabulary)


def fixed_point(smiles: str) -> str:
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def test_round_trip_is_exact(hard_smiles: str, vocabulary: Vocabulary) -> None:
    graph = graph_of(hard_smiles)
    rebuilt = assemble(junction_tree(graph, vocabulary), vocabulary)
    assert fixed_point(Chem.MolToSmiles(rebuilt)) == fixed_point(graph.smiles)


def test_masks_of_the_decoder_let_every_gold_decision_pass(hard_smiles: str, vocabulary: Vocabulary, legal) -> None:
    graph = graph_of(hard_smiles)
    assert failure_of(graph, junction_tree(graph, vocabulary), legal) is None


def test_round_trip_names_a_cut_and_a_wrong_isomer(vocabulary: Vocabulary, legal) -> None:
    graph = graph_of("Cc1ccccc1C")
    tree = junction_tree(graph, vocabulary)
    assert "decoding stops at 2" in str(failure_of(graph, tree, legal, limits=DecodeLimits(max_nodes=2)))
    meta = junction_tree(graph_of("Cc1cccc(C)c1"), vocabulary)
    assert "another constitution" in str(failure_of(graph, meta, legal))


def test_acceptors_with_their_side_chains_come_back(vocabulary: Vocabulary) -> None:
    """Branched C38 chains on both nitrogens, as in a published acceptor: over 80 nodes and 120 atoms."""
    chain = "CC(CCCCCCCCCCCC)CCCCCCCCCCCCCCCCCCCCCCCCC"
    graph = graph_of(f"c1c(C)sc2c1n({chain})c1c2sc2c1n({chain})c1c2sc(C)c1")
    grown = Vocabulary.from_document(vocabulary.to_document())
    tree = junction_tree(graph, grown, grow=True)
    grown.count(graph, tree.words)
    assert len(tree) > 80
    assert len(graph.labels) < DecodeLimits().max_atoms
    assert failure_of(graph, tree, LegalMoves(grown)) is None


@pytest.mark.parametrize(
    ("smiles", "ring_sizes", "n_bonds"),
    [
        ("c1ccc2ccccc2c1", [6, 6], 0),  # fused rings stay apart
        ("c1cc2cccc3ccc4cccc1c4c23", [16], 0),  # pyrene: two atoms in three rings each
        ("O=C1NC(=O)c2ccc3C(=O)NC(=O)c4ccc1c2c34", [16], 4),  # NDI: one word, carbonyls apart
        ("C1CC2CCC1C2", [7], 0),  # norbornane: bridged
        ("C1CCC2(CC1)CCCC2", [6, 5], 0),  # spiro
        ("c1ccc(cc1)-c1ccccc1", [6, 6], 1),
        ("C1=CC2=CC3=CC=C(N3)C=C4C=CC(=N4)C=C5C=CC(=CC1=N2)N5", [24], 0),  # porphyrin: a cycle of rings
    ],
)
def test_cluster_sizes(smiles: str, ring_sizes: list[int], n_bonds: int) -> None:
    clusters = find_clusters(graph_of(smiles))
    assert sorted((len(c.atoms) for c in clusters if c.is_ring), reverse=True) == ring_sizes
    assert sum(not c.is_ring for c in clusters) == n_bonds


def test_substituted_and_free_pyrrole_share_a_word() -> None:
    vocabulary = Vocabulary()
    for smiles in ("c1cc[nH]c1C", "Cn1cccc1", "c1ccncc1"):
        junction_tree(graph_of(smiles), vocabulary, grow=True)
    assert sorted(word.smiles for word in vocabulary.words if word.is_ring) == ["c1cc[nH]c1", "c1ccncc1"]


def test_isomers_with_the_same_words_have_different_trees() -> None:
    vocabulary = Vocabulary()
    isomers = ["Fc1ccc(Cl)cc1", "Fc1cccc(Cl)c1", "Fc1ccccc1Cl", "c1ccc2sc3ccccc3c2c1", "c1ccc2c(c1)ccc1sccc12"]
    trees = [junction_tree(graph_of(smiles), vocabulary, grow=True) for smiles in isomers]
    assert len(set(trees)) == len(isomers)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(index=st.integers(0, 10**6), seed=st.integers(0, 2**32 - 1))
def test_tree_does_not_depend_on_atom_order(
    index: int, seed: int, hard_molecules: list[str], vocabulary: Vocabulary
) -> None:
    molecule = constitution(hard_molecules[index % len(hard_molecules)])
    order = list(range(molecule.GetNumAtoms()))
    random.Random(seed).shuffle(order)
    renumbered = Chem.RenumberAtoms(molecule, order)
    original = junction_tree(molecule_graph(molecule), vocabulary)
    shuffled = junction_tree(molecule_graph(renumbered), vocabulary)
    assert shuffled == original
    assert fixed_point(Chem.MolToSmiles(assemble(shuffled, vocabulary))) == fixed_point(Chem.MolToSmiles(molecule))


def test_trees_of_common_molecules_are_equal_whatever_the_atom_order(vocabulary: Vocabulary) -> None:
    """The second has two equivalent halves whose ties must be broken alike in both."""
    for smiles in ("N#CC(C#N)=C1C(=Cc2cc3sccc3s2)C(=O)c2ccccc21", "c1ccc(-c2cccc3cc4c(-c5ccccc5)cccc4cc23)cc1"):
        molecule = constitution(smiles)
        reference = junction_tree(molecule_graph(molecule), vocabulary)
        for seed in range(10):
            order = list(range(molecule.GetNumAtoms()))
            random.Random(seed).shuffle(order)
            assert junction_tree(molecule_graph(Chem.RenumberAtoms(molecule, order)), vocabulary) == reference


def test_parents_come_before_children_and_nodes_are_depth_first(vocabulary: Vocabulary, hard_molecules) -> None:
    for smiles in hard_molecules:
        tree = junction_tree(graph_of(smiles), vocabulary)
        path = [0]
        for node, parent in enumerate(tree.parents[1:], start=1):
            while path and path[-1] != parent:
                path.pop()
            assert path, "the parent is not on the path from the root to the node before"
            path.append(node)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C", "single atom"),
        ("c1ccccc1.Cl", "components"),
        ("[CH2]c1ccccc1", "radical"),
        ("*c1ccccc1", "dummy"),
        ("C->[Fe]", "bond type"),
    ],
)
def test_unfit_molecules_are_refused_by_reason(smiles: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        graph_of(smiles)


def test_unknown_word_is_refused_by_name(vocabulary: Vocabulary) -> None:
    with pytest.raises(UnknownWordError, match="vocabulary lacks"):
        junction_tree(graph_of("C1CCCCCCC1"), vocabulary)


def test_stereo_and_isotopes_are_left_out() -> None:
    assert graph_of("F/C=C/[C@H](O)[2H]").smiles == graph_of("FC=CCO").smiles


def test_vocabulary_survives_its_document(vocabulary: Vocabulary, hard_molecules: list[str]) -> None:
    twin = Vocabulary.from_document(vocabulary.to_document())
    assert twin.fingerprint() == vocabulary.fingerprint()
    for smiles in hard_molecules[:8]:
        assert junction_tree(graph_of(smiles), twin) == junction_tree(graph_of(smiles), vocabulary)


def test_a_vocabulary_of_another_rdkit_works_while_it_means_the_same(
    vocabulary: Vocabulary, hard_molecules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = vocabulary.to_document()
    assert sum(entry["reads_back"] for entry in document["words"]) > len(vocabulary) / 2
    respelt = document | {"words": [dict(entry) for entry in document["words"]]}
    benzene = next(entry for entry in respelt["words"] if entry["smiles"] == "c1ccccc1")
    benzene["smiles"] = "C1C=CC=CC=1"  # the spelling of another version
    monkeypatch.setattr(vocabulary_module.rdBase, "rdkitVersion", "2031.09.1")
    twin = Vocabulary.from_document(respelt)
    for smiles in hard_molecules[:8]:
        assert junction_tree(graph_of(smiles), twin) == junction_tree(graph_of(smiles), vocabulary)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n_ports": 3}, "distinct places instead of 3"),
        ({"smiles": "C1=CCCC=C1"}, "other atoms or bonds"),
        ({"smiles": "not read at all"}, "other atoms or bonds"),
    ],
)
def test_a_vocabulary_that_another_rdkit_understands_differently_is_refused(
    vocabulary: Vocabulary, change: dict, reason: str
) -> None:
    document = vocabulary.to_document()
    benzene = next(entry for entry in document["words"] if entry["smiles"] == "c1ccccc1")
    benzene |= change
    assert len(Vocabulary.from_document(document)) == len(vocabulary)  # the same version: no question asked
    with pytest.raises(InputError, match=f"RDKit 1999.01.1; RDKit .* sees .*{reason}.*rdkit==1999.01.1"):
        Vocabulary.from_document(document | {"rdkit": "1999.01.1"})


def test_growing_keeps_old_numbers(vocabulary: Vocabulary) -> None:
    twin = Vocabulary.from_document(vocabulary.to_document())
    before = junction_tree(graph_of("c1ccc(cc1)-c1ccccc1"), twin)
    n_words = len(twin)
    junction_tree(graph_of("C1CCCCCCC1c1ccccc1"), twin, grow=True)
    assert len(twin) > n_words
    assert junction_tree(graph_of("c1ccc(cc1)-c1ccccc1"), twin) == before
