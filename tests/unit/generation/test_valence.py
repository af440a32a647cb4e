"""Masks of legal moves on hand-checked cases."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.schedule import build_vocabulary, legal_ports, legal_sites
from heliosc.generation.jtvae.tree import junction_tree
from heliosc.generation.jtvae.valence import LegalMoves, PartialMolecule
from heliosc.generation.jtvae.vocabulary import Vocabulary

MOLECULES = [
    "c1ccc2sccc2c1",
    "Cc1ccccc1",
    "O=C(C)C",
    "CN(C)c1ccccc1",
    "c1ccncc1",
    "Cn1cccc1",
    "O=c1cc[nH]cc1",
    "CS(C)(=O)=O",
    "CSC",
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return build_vocabulary(molecule_graph(constitution(smiles)) for smiles in MOLECULES)


@pytest.fixture(scope="module")
def legal(vocabulary: Vocabulary) -> LegalMoves:
    return LegalMoves(vocabulary)


def word(vocabulary: Vocabulary, smiles: str) -> int:
    return [w.smiles for w in vocabulary.words].index(smiles)


def allowed(legal: LegalMoves, partial: PartialMolecule, node: int = 0) -> set[str]:
    mask = legal.words(frozenset(partial.open_sites(node).values()))
    return {legal.vocabulary.words[i].smiles for i in np.flatnonzero(mask)}


def test_benzene_takes_single_bonds_and_fused_rings_but_no_double_bond(vocabulary, legal) -> None:
    found = allowed(legal, PartialMolecule(vocabulary, word(vocabulary, "c1ccccc1")))
    assert {"CC", "CN", "c1ccsc1", "c1ccccc1", "c1ccncc1"} <= found
    assert "C=O" not in found
    assert "CS" in found


def test_pyridine_nitrogen_is_never_a_site(vocabulary, legal) -> None:
    number = word(vocabulary, "c1ccncc1")
    partial = PartialMolecule(vocabulary, number)
    elements = [vocabulary.words[number].labels[site].element for site in partial.open_sites(0) if site < 6]
    assert elements == [6] * 5


def test_pyrrole_nitrogen_takes_one_substituent(vocabulary, legal) -> None:
    number = word(vocabulary, "c1cc[nH]c1")
    partial = PartialMolecule(vocabulary, number)
    bond = word(vocabulary, "CN")
    ports = legal_ports(legal, bond, partial.open_sites(0))
    sites = {p: legal_sites(legal, bond, p, partial.open_sites(0)) for p in ports}
    nitrogen = next(i for i, label in enumerate(vocabulary.words[number].labels) if label.element == 7)
    by_nitrogen = next(p for p, found in sites.items() if found == [nitrogen])
    partial.attach(0, site=nitrogen, word=bond, port=by_nitrogen)
    assert nitrogen not in partial.open_sites(0)


def test_ring_carbon_of_pyridone_must_get_its_oxygen(vocabulary, legal) -> None:
    graph = molecule_graph(constitution("O=c1cc[nH]cc1"))
    tree = junction_tree(graph, vocabulary)
    ring = next(number for number in tree.words if vocabulary.words[number].is_ring)
    partial = PartialMolecule(vocabulary, ring)
    assert len(partial.unfinished_sites(0)) == 1
    partial.attach(0, site=tree.sites[1], word=tree.words[1], port=tree.ports[1])
    assert partial.unfinished_sites(0) == []


def test_sulfone_and_sulfide_bonds_do_not_mix(vocabulary, legal) -> None:
    sulfides = [i for i, w in enumerate(vocabulary.words) if not w.is_ring and {x.element for x in w.labels} == {6, 16}]
    assert len(sulfides) == 2
    valences = {max(x.valence for x in vocabulary.words[i].labels if x.element == 16): i for i in sulfides}
    double = next(i for i, w in enumerate(vocabulary.words) if {x.element for x in w.labels} == {8, 16})
    assert not legal.words(frozenset(PartialMolecule(vocabulary, valences[2]).open_sites(0).values()))[double]
    assert legal.words(frozenset(PartialMolecule(vocabulary, valences[6]).open_sites(0).values()))[double]


def test_fusing_that_leaves_no_kekule_structure_is_seen(vocabulary) -> None:
    """Two thiophenes on opposite bonds of benzene: fine by their b bonds, by their c bonds two carbons stay single."""
    benzene, thiophene = word(vocabulary, "c1ccccc1"), word(vocabulary, "c1ccsc1")
    words = vocabulary.words

    def fuse(partial: PartialMolecule, site: tuple[int, int], port: int, *, check_only: bool) -> bool:
        number = words[benzene].site_numbers[tuple(sorted(site))]
        broken = partial.breaks_double_bonds(0, site=number, word=thiophene, port=port)
        if not check_only:
            partial.attach(0, site=number, word=thiophene, port=port)
        return broken

    sulfur = next(i for i, label in enumerate(words[thiophene].labels) if label.element == 16)
    beside = {i for a, b, _ in words[thiophene].bonds for i in (a, b) if sulfur in (a, b)} - {sulfur}
    far = next(
        n for n, port in enumerate(words[thiophene].ports) if len(port) == 2 and not set(port) & {sulfur, *beside}
    )
    near = next(
        n
        for n, port in enumerate(words[thiophene].ports)
        if len(port) == 2 and sulfur not in port and set(port) & beside
    )
    ring = [0]
    neighbours = {i: [b if a == i else a for a, b, _ in words[benzene].bonds if i in (a, b)] for i in range(6)}
    while len(ring) < 6:
        ring.append(next(i for i in neighbours[ring[-1]] if i not in ring))
    first, opposite = (ring[0], ring[1]), (ring[3], ring[4])
    for port, expected in ((near, False), (far, True)):
        partial = PartialMolecule(vocabulary, benzene)
        assert not fuse(partial, first, port, check_only=False)
        assert fuse(partial, opposite, port, check_only=True) is expected


def test_every_gold_step_is_among_the_legal_ones(hard_molecules: list[str]) -> None:
    graphs = [molecule_graph(constitution(smiles)) for smiles in hard_molecules]
    vocabulary = build_vocabulary(graphs)
    legal = LegalMoves(vocabulary)
    for graph in graphs:
        tree = junction_tree(graph, vocabulary)
        partial = PartialMolecule(vocabulary, tree.words[0])
        for word_number, parent, port, site in list(zip(tree.words, tree.parents, tree.ports, tree.sites, strict=True))[
            1:
        ]:
            sites = partial.open_sites(parent)
            assert legal.words(frozenset(sites.values()))[word_number]
            assert port in legal_ports(legal, word_number, sites)
            assert site in legal_sites(legal, word_number, port, sites)
            partial.attach(parent, site=site, word=word_number, port=port)
        assert partial.unmatched() == 0
        assert not any(partial.unfinished_sites(node) for node in range(len(tree)))
        assert min(partial.free) >= 0
