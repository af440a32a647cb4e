"""Where decoding stops at the latest, and the short cuts of the double-bond check against the check itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem

from heliosc.generation.jtvae.config import JTVAEConfig, ModelConfig
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Decoded, DecodeLimits
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.sample import MoleculeSampler
from heliosc.generation.jtvae.schedule import build_vocabulary, legal_ports, legal_sites
from heliosc.generation.jtvae.valence import LegalMoves, PartialMolecule
from heliosc.generation.jtvae.vocabulary import Vocabulary

FUSED = ["c1ccc2sc3ccsc3c2c1", "c1ccc2ccccc2c1", "CC", "Cc1ccsc1", "O=C1C=CC(=O)c2ccccc21", "C1=CC=CC=CC=C1"]
TINY = JTVAEConfig(ModelConfig(hidden=32, word_size=16, place_size=8, tree_latent=8, graph_latent=8))


def vocabulary_of(smiles: list[str]) -> Vocabulary:
    return build_vocabulary(molecule_graph(constitution(text)) for text in smiles)


def word(vocabulary: Vocabulary, smiles: str) -> int:
    return [w.smiles for w in vocabulary.words].index(smiles)


def decode(n: int, *, limits: DecodeLimits, temperature: float = 2.0) -> list[Decoded]:
    """What random weights make of words that fuse for ever; the bias lets them expand nearly always."""
    vocabulary = vocabulary_of(FUSED)
    torch.manual_seed(2)
    network = build_network(TINY, vocabulary, n_properties=0, device=torch.device("cpu"))
    with torch.no_grad():
        network.decoder.topology.bias.fill_(6.0)
        latent = network.condition(torch.randn(n, 16), torch.zeros(n, 0), torch.zeros(n, 0))
    sampler = MoleculeSampler(network, LegalMoves(vocabulary), limits=limits)
    return sampler.decode(latent, Decoding(temperature=temperature), generator=torch.Generator().manual_seed(0))


def largest_fused_system(smiles: str) -> int:
    """Rings in the largest set that hangs together by shared bonds."""
    molecule = Chem.MolFromSmiles(smiles)
    rings = [set(ring) for ring in molecule.GetRingInfo().BondRings()]
    largest = 0
    while rings:
        system, grown = rings.pop(), 1
        while touching := [ring for ring in rings if ring & system]:
            for ring in touching:
                rings.remove(ring)
                system |= ring
            grown += len(touching)
        largest = max(largest, grown)
    return largest


def test_fused_systems_stay_within_the_limit_and_say_that_they_were_cut() -> None:
    free = decode(12, limits=DecodeLimits(max_atoms=80, max_nodes=80, max_fused_rings=80))
    assert max(largest_fused_system(sample.smiles) for sample in free) > 6
    limited = decode(12, limits=DecodeLimits(max_atoms=80, max_nodes=80, max_fused_rings=4))
    for sample in limited:
        assert sample.is_cut or largest_fused_system(sample.smiles) < 4
    assert max(largest_fused_system(sample.smiles) for sample in limited) == 4


@pytest.mark.parametrize("limit", [8, 30])
def test_atoms_stay_within_the_limit(limit: int) -> None:
    for sample in decode(20, limits=DecodeLimits(max_atoms=limit)):
        assert Chem.MolFromSmiles(sample.smiles).GetNumAtoms() <= limit
        assert sample.is_cut


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("spread", [1e3, 1e30, float("inf")])
def test_latent_vectors_far_outside_end_in_molecules(spread: float, temperature: float) -> None:
    """Activations overflow and no number is left to compare: masks still decide what is legal."""
    vocabulary = vocabulary_of(FUSED)
    torch.manual_seed(4)
    network = build_network(TINY, vocabulary, n_properties=0, device=torch.device("cpu"))
    latent = spread * torch.randn(6, 16)
    sampler = MoleculeSampler(network, LegalMoves(vocabulary))
    for sample in sampler.decode(latent, Decoding(temperature=temperature), generator=torch.Generator().manual_seed(0)):
        assert Chem.MolFromSmiles(sample.smiles) is not None


def test_conjugated_rings_of_words_by_hand() -> None:
    """Cyclopentadiene 1, since its CH2 could be a C=O; adamantane's CH2 are no ring without its CH; a bond none."""
    smiles = ["c1ccccc1", "C1C2CC3CC1CC(C2)C3", "C1=CC=CC1", "c1cc2ccc3cccc4ccc(c1)c2c34", "CC"]
    vocabulary = vocabulary_of(smiles)
    counts = {w.smiles: w.n_conjugated_rings for w in vocabulary.words}
    pyrene = next(w for w in vocabulary.words if w.n_atoms == 16)
    assert pyrene.n_conjugated_rings == 4
    assert counts["c1ccccc1"] == 1
    assert counts["C1=CCC=C1"] == 1
    assert counts["CC"] == 0
    adamantane = next(w for w in vocabulary.words if w.n_atoms == 10)
    assert adamantane.n_conjugated_rings == 0


def test_short_cuts_of_the_double_bond_check_change_nothing() -> None:
    """Random growth: what the check says equals what the whole molecule's matchings say."""
    vocabulary = vocabulary_of([*FUSED, "c1cc2cscc2s1", "c1ccc2[nH]ccc2c1", "c1ccn2cccc2c1"])
    legal = LegalMoves(vocabulary)
    rng = np.random.default_rng(0)
    rings = [number for number, w in enumerate(vocabulary.words) if w.is_ring and not w.unmatched]
    outcomes = []
    for _ in range(60):
        partial = PartialMolecule(vocabulary, int(rng.choice(rings)))
        for _ in range(6):
            node = int(rng.integers(len(partial.nodes)))
            sites = partial.open_sites(node)
            fitting = [int(n) for n in np.flatnonzero(legal.words(frozenset(sites.values())))] if sites else []
            if not fitting:
                continue
            number = int(rng.choice([n for n in fitting if n in rings] or fitting))
            port = int(rng.choice(legal_ports(legal, number, sites)))
            site = int(rng.choice(legal_sites(legal, number, port, sites)))
            trial = partial.copy()
            trial.attach(node, site=site, word=number, port=port)
            is_worse = trial.unmatched() > partial.unmatched() and trial.hopeless() > partial.hopeless()
            said = partial.breaks_double_bonds(node, site=site, word=number, port=port)
            if len(vocabulary.words[number].ports[port]) == 2 and not vocabulary.words[number].unmatched:
                assert said == is_worse
                outcomes.append(said)
            if not said:
                partial = trial
    assert {True, False} == set(outcomes)
