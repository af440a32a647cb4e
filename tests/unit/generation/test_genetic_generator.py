"""The genetic generator: cuts and joints by hand, legal and reproducible children, conditions, populations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.chemistry.alerts import alert_verdict, find_alerts
from heliosc.errors import InputError
from heliosc.generation import GeneticGenerator
from heliosc.generation.genetic import GeneticSettings
from heliosc.generation.genetic.breeding import Breeder
from heliosc.generation.genetic.fitness import rank_weights
from heliosc.generation.genetic.fragments import linkers, rings, substituents
from heliosc.generation.genetic.mutation import MUTATIONS, sanitises
from heliosc.generation.genetic.parts import Part, cap, find_parts, join, whole
from heliosc.generation.genetic.population import MODEL_FILE
from heliosc.generation.protocol import Generator
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable

GAP = PropertyKey("homo_lumo_gap", "gfn2")
SEEDS = [
    "c1ccc2c(c1)[nH]c1ccccc12",
    "c1csc(-c2cccs2)c1",
    "CN1C(=O)c2ccc3C(=O)N(C)C(=O)c4ccc1c2c34",
    "N#CC(C#N)=C1C(=Cc2cc3sccc3s2)C(=O)c2ccccc21",
    "C[Si]1(C)c2ccsc2-c2sccc21",
    "c1ccc(N(c2ccccc2)c2ccccc2)cc1",
    "Fc1ccc2nsnc2c1F",
    "c1ccc2cc3ccccc3cc2c1",
]


class CarbonCount:
    """A surrogate that takes the number of carbon atoms for the gap."""

    keys = (GAP,)

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        mean = np.array([[float(text.upper().count("C"))] for text in smiles]).reshape(len(smiles), 1)
        zeros = np.zeros_like(mean)
        return PredictionTable(tuple(smiles), self.keys, mean, zeros, zeros, "carbons")


@pytest.fixture(scope="module")
def generator() -> GeneticGenerator:
    return GeneticGenerator.of(SEEDS)


def smiles_of(molecule: Chem.Mol) -> str:
    assert sanitises(molecule)
    return Chem.CanonSmiles(Chem.MolToSmiles(molecule))


def assert_sensible(smiles: str) -> None:
    molecule = Chem.MolFromSmiles(smiles)
    assert molecule is not None
    assert Chem.MolToSmiles(molecule) == smiles
    assert Chem.GetFormalCharge(molecule) == 0
    assert sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()) == 0
    assert "." not in smiles
    assert alert_verdict(find_alerts(molecule)) != "reject"


def test_cuts_of_benzothiophene_with_a_phenyl() -> None:
    """One single bond between rings and one fusion: two parts each, which alone are the rings."""
    molecule = Chem.MolFromSmiles("c1ccc(cc1)-c1cc2ccccc2s1")
    parts = find_parts(molecule)
    found = sorted((len(part.joint), smiles_of(cap(part))) for part in parts)
    assert found == [
        (1, "c1ccc2sccc2c1"),
        (1, "c1ccccc1"),
        (2, "c1ccc(-c2cccs2)cc1"),
        (2, "c1ccccc1"),
    ]


def test_pyrene_has_no_cut_and_ethylbenzene_is_cut_at_the_ring_only() -> None:
    assert find_parts(Chem.MolFromSmiles("c1cc2ccc3cccc4ccc(c1)c2c34")) == []
    parts = find_parts(Chem.MolFromSmiles("CCc1ccccc1"))
    assert sorted(smiles_of(cap(part)) for part in parts) == ["CC", "c1ccccc1"]


def test_parts_of_a_fused_system_are_put_together_as_another() -> None:
    """Benzo[b]thiophene gives its thiophene, naphthalene its benzene, either way round."""
    thiophene = next(p for p in find_parts(Chem.MolFromSmiles("c1ccc2sccc2c1")) if len(p.kept) == 5)
    benzene = find_parts(Chem.MolFromSmiles("c1ccc2ccccc2c1"))[0]
    turned = Part(thiophene.molecule, thiophene.kept, thiophene.joint[::-1])
    assert {smiles_of(join(thiophene, benzene)), smiles_of(join(turned, benzene))} == {"c1ccc2sccc2c1"}
    other = next(p for p in find_parts(Chem.MolFromSmiles("c1ccc2ncccc2c1")) if "n" in smiles_of(cap(p)))
    pair = {smiles_of(join(thiophene, other)), smiles_of(join(turned, other))}
    assert pair == {"c1cnc2ccsc2c1", "c1cnc2sccc2c1"}


def test_pyrrole_nitrogen_gains_and_loses_its_hydrogen() -> None:
    carbazole = Chem.MolFromSmiles("c1ccc2c(c1)[nH]c1ccccc12")
    nitrogen = next(atom.GetIdx() for atom in carbazole.GetAtoms() if atom.GetAtomicNum() == 7)
    phenyl = next(part for part in substituents() if smiles_of(cap(part)) == "c1ccccc1")
    child = join(whole(carbazole, (nitrogen,)), phenyl)
    assert smiles_of(child) == "c1ccc(-n2c3ccccc3c3ccccc32)cc1"
    back = [smiles_of(cap(part)) for part in find_parts(child.GetMol()) if len(part.joint) == 1]
    assert sorted(back) == ["c1ccc2c(c1)[nH]c1ccccc12", "c1ccccc1"]


def test_every_fragment_is_legal_alone() -> None:
    """A misspelt fragment would silently never be used."""
    for part in [*substituents(), *(part for pair in linkers() for part in pair)]:
        assert_sensible_fragment(cap(part))
        assert len(part.joint) == 1
    benzene = Chem.MolFromSmiles("c1ccccc1")
    for ring in rings():
        fused = join(whole(benzene, (0, 1)), ring)
        assert smiles_of(fused)
        assert fused.GetRingInfo().NumRings() == 2


def assert_sensible_fragment(molecule: Chem.Mol) -> None:
    assert sanitises(molecule)
    assert "*" not in Chem.MolToSmiles(molecule)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_every_mutation_finds_a_place_and_changes_the_molecule(mutation) -> None:
    rng = np.random.default_rng(0)
    parents = ["Cc1ccc2sc(C=Cc3ccccc3)cc2c1", *SEEDS]
    changed = 0
    for text in parents * 3:
        child = mutation(Chem.MolFromSmiles(text), rng)
        if child is not None and sanitises(child) and Chem.MolToSmiles(child) != Chem.CanonSmiles(text):
            changed += 1
    assert changed >= 4


def test_children_are_legal_distinct_new_and_the_same_for_the_same_seed(generator: GeneticGenerator) -> None:
    found = generator.generate(60, seed=3)
    assert len(set(found)) == len(found) == 60
    assert not set(found) & set(generator.population.smiles)
    for text in found:
        assert_sensible(text)
    assert found == GeneticGenerator.of(SEEDS).generate(60, seed=3)
    assert found != generator.generate(60, seed=4)
    assert generator.generate(0, seed=0) == []


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.0, 1.0]))
def test_any_seed_gives_legal_children_of_hard_molecules(hard_molecules: list[str], seed: int, share: float) -> None:
    bred = GeneticSettings(crossover_share=share)
    covered = GeneticGenerator.of(hard_molecules, settings=bred)
    for text in covered.generate(5, seed=seed, temperature=2.0):
        assert_sensible(text)


def test_a_population_without_children_ends() -> None:
    """Adamantane has no cut, no unsaturated carbon and few exchanges."""
    lonely = GeneticGenerator.of(["C1C2CC3CC1CC(C2)C3"], settings=GeneticSettings(crossover_share=1.0))
    assert lonely.generate(10, seed=0, temperature=0.0) == []


def test_is_a_generator(generator: GeneticGenerator) -> None:
    assert isinstance(generator, Generator)


def test_who_can_be_a_parent(generator: GeneticGenerator) -> None:
    given = ["c1ccsc1", "C[n+]1ccccc1", "[CH3]", "no molecule", "c1ccccc1.c1ccccc1", "C[Ge](C)(C)c1ccccc1", "CC"]
    assert generator.covers(given) == [True, False, False, False, False, False, False]
    with pytest.raises(InputError, match="ion"):
        generator.neighbours(["C[n+]1ccccc1"], 2, seed=0)
    with pytest.raises(InputError, match="starting point"):
        generator.neighbours([], 2, seed=0)
    with pytest.raises(InputError, match="none of 1"):
        GeneticGenerator.of(["C[n+]1ccccc1"])


def test_neighbours_resemble_their_parent_more_than_strangers(generator: GeneticGenerator) -> None:
    parent = "c1ccc2c(c1)[nH]c1ccccc12"
    near = generator.neighbours([parent, "c1ccc(N(c2ccccc2)c2ccccc2)cc1"], 20, seed=1)
    assert len(set(near)) == 20
    assert parent not in near
    assert near == generator.neighbours([parent, "c1ccc(N(c2ccccc2)c2ccccc2)cc1"], 20, seed=1)
    assert len(generator.neighbours([parent], 8, seed=1)) == 8


def test_values_asked_for_are_approached_with_a_surrogate() -> None:
    guided = GeneticGenerator.of(SEEDS, surrogate=CarbonCount())
    free = GeneticGenerator.of(SEEDS).generate(40, seed=0)
    wanted = guided.generate(40, seed=0, conditions={GAP: 30.0})
    carbons = CarbonCount().predict

    def distance(smiles: list[str]) -> float:
        return float(np.abs(carbons(smiles).mean - 30.0).mean())

    assert distance(wanted) < 0.4 * distance(free)
    assert len(set(wanted)) == 40
    assert guided.generate(40, seed=0, conditions={GAP: 30.0}) == wanted


def test_values_asked_for_choose_the_parents_without_a_surrogate() -> None:
    """Two families; asking for the value of one breeds from that family alone."""
    thiophenes = ["Cc1ccsc1", "COc1ccsc1", "Fc1ccsc1"]
    pyridines = ["Cc1ccncc1", "COc1ccncc1", "Fc1ccncc1"]
    smiles = (*thiophenes, *pyridines)
    values = np.array([[1.0], [1.1], [0.9], [np.nan], [np.nan], [np.nan]])
    table = PropertyTable(smiles, (GAP,), values)
    bred = GeneticGenerator.of(smiles, properties=table)
    found = bred.generate(20, seed=0, conditions={GAP: 1.0}, temperature=0.0)
    assert len(found) == 20
    assert not any("ccncc" in text for text in found if "s" not in text)
    with pytest.raises(InputError, match="cannot be asked for"):
        bred.generate(1, seed=0, conditions={PropertyKey("lambda_hole", "gfn2"): 0.1})


def test_weights_and_limit_decide_who_stays() -> None:
    small = GeneticGenerator.of(SEEDS[:3], settings=GeneticSettings(max_population=3))
    report = small.fine_tune(["c1ccoc1", "C[n+]1ccccc1", "c1ccsc1"], weights=np.array([9.0, 1.0, 0.0]))
    assert (report.n_used, report.n_members, list(report.refused)) == (2, 3, ["C[n+]1ccccc1"])
    assert small.population.smiles[0] == "c1ccoc1"
    assert "c1ccsc1" not in small.population.smiles
    with pytest.raises(InputError, match="weights"):
        small.fine_tune(["c1ccsc1"], weights=np.array([1.0, 2.0]))


def test_stereoisomers_are_one_member_and_their_values_are_kept() -> None:
    smiles = ("C(=C\\c1ccccc1)/c1ccccc1", "C(=C/c1ccccc1)/c1ccccc1")
    made = GeneticGenerator.of(smiles, properties=PropertyTable(smiles, (GAP,), np.array([[np.nan], [3.0]])))
    plain = "C(=Cc1ccccc1)c1ccccc1"
    assert made.population.smiles == (plain,)
    assert made.population.values[plain] == {GAP: 3.0}


def test_saved_generator_is_the_same(tmp_path: Path) -> None:
    table = PropertyTable(tuple(SEEDS), (GAP,), np.arange(len(SEEDS), dtype=float)[:, None])
    made = GeneticGenerator.of(SEEDS, properties=table, settings=GeneticSettings(crossover_share=0.3))
    made.save(tmp_path / "g")
    twin = GeneticGenerator.load(tmp_path / "g")
    assert twin.settings == made.settings
    assert twin.generate(10, seed=1, conditions={GAP: 4.0}) == made.generate(10, seed=1, conditions={GAP: 4.0})
    document = json.loads((tmp_path / "g" / MODEL_FILE).read_text())
    (tmp_path / "g" / MODEL_FILE).write_text(json.dumps({**document, "kind": "jtvae"}))
    with pytest.raises(InputError, match="expected 'genetic'"):
        GeneticGenerator.load(tmp_path / "g")
    (tmp_path / "g" / MODEL_FILE).write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        GeneticGenerator.load(tmp_path / "g")
    with pytest.raises(InputError, match="no generator"):
        GeneticGenerator.load(tmp_path / "absent")


def test_rank_weights_by_hand() -> None:
    np.testing.assert_allclose(rank_weights(4, k=0.25), [1.0, 1 / 2, 1 / 3, 1 / 4])


def test_temperature_counts_the_mutations() -> None:
    """With one step a child of benzene by mutation is one substituent or ring away; with many it is far."""
    benzene = ["c1ccccc1"]
    only_mutations = GeneticSettings(crossover_share=0.0)
    sizes = []
    for temperature in (0.0, 3.0):
        breeder = Breeder(only_mutations, np.random.default_rng(0), temperature)
        found = [child for _ in range(60) if (child := breeder.child(benzene[0], benzene[0]))]
        sizes.append(np.mean([Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in found]))
    assert sizes[1] > sizes[0] + 2
