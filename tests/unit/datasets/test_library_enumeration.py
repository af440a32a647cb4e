from itertools import islice

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from heliosc.datasets.library.assemble import (
    attachment_points,
    block,
    cap,
    chain,
    decorate,
    join,
    swap_chalcogens,
)
from heliosc.datasets.library.build import MOLECULES_FILE
from heliosc.datasets.library.enumeration import LARGE_RECIPES, SMALL_RECIPES, draw_core, load_blocks
from heliosc.datasets.library.filters import is_acceptable
from heliosc.datasets.library.fused import grow_fused
from heliosc.datasets.library.molecules import (
    LARGE_SIZES,
    SMALL_SIZES,
    enumerate_molecules,
    library_molecules,
    named_molecules,
)
from heliosc.datasets.library.records import COLUMNS, read_molecules, write_molecules
from heliosc.errors import InputError, ResourceError

BITHIOPHENE = "c1csc(-c2cccs2)c1"


@pytest.fixture(scope="module")
def shipped():
    return read_molecules(MOLECULES_FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def named():
    return named_molecules()


def smiles_of(molecule):
    return Chem.MolToSmiles(molecule)


def test_join_couples_two_blocks_at_the_named_points():
    donor = block("[*:1]c1ccc([*:2])s1")
    dimer = join(donor, 2, donor, 1)
    assert attachment_points(dimer) == [1, 2]
    assert smiles_of(cap(dimer)) == BITHIOPHENE


def test_join_keeps_the_orientation():
    head_to_tail = cap(chain(["[*:1]c1cc(C)c([*:2])s1"] * 2))
    assert smiles_of(head_to_tail) == Chem.CanonSmiles("Cc1ccsc1-c1cc(C)cs1")


def test_join_refuses_a_missing_point():
    with pytest.raises(InputError, match=r"no attachment point \[\*:2\]"):
        join(block("[*:1]c1cccs1"), 2, block("[*:1]C#N"), 1)


def test_chain_skips_the_empty_bridge():
    assert smiles_of(cap(chain(["[*:2]c1cccs1", "", "[*:1]c1cccs1"]))) == BITHIOPHENE


def test_chalcogen_swap_changes_sulfur_only():
    swapped = swap_chalcogens(Chem.MolFromSmiles(BITHIOPHENE), np.random.default_rng(0))
    assert CalcMolFormula(swapped) in {"C8H6SSe", "C8H6OS", "C8H6Se2", "C8H6O2"}
    benzene = Chem.MolFromSmiles("c1ccccc1")
    assert swap_chalcogens(benzene, np.random.default_rng(0)) is benzene


def test_decoration_makes_no_nitrogen_nitrogen_bond():
    rng = np.random.default_rng(1)
    for _ in range(60):
        molecule = decorate(Chem.MolFromSmiles("c1ccc2cc3ccccc3cc2c1"), rng, n_changes=5)
        assert not molecule.HasSubstructMatch(Chem.MolFromSmarts("[#7]~[#7]"))
        assert molecule.GetRingInfo().NumRings() == 3


def test_fused_systems_are_one_aromatic_ring_system():
    rng = np.random.default_rng(2)
    grown = [molecule for _ in range(60) if (molecule := grow_fused(rng, n_rings=4)) is not None]
    assert len(grown) >= 30
    for molecule in grown:
        assert molecule.GetRingInfo().NumRings() == 4
        assert all(atom.GetIsAromatic() for atom in molecule.GetAtoms() if atom.IsInRing())
        n_shared = sum(molecule.GetRingInfo().NumBondRings(bond.GetIdx()) == 2 for bond in molecule.GetBonds())
        assert n_shared == 3


def test_every_block_can_be_read_and_has_the_sites_of_its_group():
    sites = {"donors": [1, 2], "donor_ends": [1], "acceptor_ends": [1], "stars": [1, 2, 3], "ada_ends": [1]}
    for group, expected in sites.items():
        for row in load_blocks()[group]:
            assert attachment_points(block(row)) == expected, row


def test_every_acceptor_core_takes_any_filling():
    rng = np.random.default_rng(3)
    for group in ("ada_cores", "dad_cores"):
        for _ in range(150):
            assert attachment_points(block(draw_core(group, rng))) == [1, 2]


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("c1ccc2cc3cc4cc5cc6ccccc6cc5cc4cc3cc2c1", "hexacene"),
        ("CC(C)(C)OOc1ccc(-c2ccccc2)cc1", "peroxide"),
        ("c1ccc(-c2ccccc2)cc1.Cl", "two fragments"),
        ("C[n+]1ccc(-c2ccncc2)cc1", "charged"),
        ("[CH2]c1ccc(-c2ccccc2)cc1", "radical"),
        ("c1ccc([Ge](C)(C)C)cc1-c1ccccc1", "germanium"),
        ("CCCCCCCCCCCC", "not conjugated"),
        ("c1ccc(NNc2ccccc2)cc1", "hydrazine"),
    ],
)
def test_filter_refuses(smiles, why):
    assert not is_acceptable(Chem.MolFromSmiles(smiles)), why


@pytest.mark.parametrize("name", ["pentacene", "rubrene", "BTBT", "PDI-Me", "ITIC", "Y6", "NPB", "F4TCNQ", "DPP-T2"])
def test_filter_lets_known_semiconductors_through(named, name):
    row = next(molecule for molecule in named if molecule.name == name)
    assert is_acceptable(Chem.MolFromSmiles(row.smiles))


def first_draws(seed, *, stream=1, n=10):
    recipes, sizes, total = (SMALL_RECIPES, SMALL_SIZES, 3600) if stream == 1 else (LARGE_RECIPES, LARGE_SIZES, 320)
    return list(islice(enumerate_molecules(recipes, sizes, total, set(), np.random.default_rng([seed, stream])), n))


@pytest.mark.parametrize("stream", [1, 2])
def test_enumeration_is_what_was_shipped(shipped, stream):
    """The first draws of both streams, as the full build makes them, are in the committed file."""
    known = {molecule.smiles for molecule in shipped}
    assert {molecule.smiles for molecule in first_draws(0, stream=stream)} <= known


def test_another_seed_gives_another_list():
    assert first_draws(5) == first_draws(5)
    assert {m.inchikey for m in first_draws(5)} != {m.inchikey for m in first_draws(6)}


def test_library_is_named_then_enumerated_without_repeats(named):
    molecules = library_molecules(seed=5, n_small=6, n_large=2)
    assert molecules[: len(named)] == named
    assert sum(molecule.is_large for molecule in molecules[len(named) :]) == 2
    assert len({molecule.inchikey for molecule in molecules}) == len(named) + 8


def test_rules_that_cannot_fill_the_list_say_so():
    pentacene = Chem.MolFromSmiles("c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1")
    recipes = {"one": (lambda rng: pentacene, 1.0)}
    with pytest.raises(ResourceError, match="1 of 1"):
        list(enumerate_molecules(recipes, {(23, 30): 1.0}, 1, set(), np.random.default_rng(0)))


def test_shipped_list_has_the_promised_sizes_and_families(shipped):
    small = [m for m in shipped if m.origin == "enumerated" and not m.is_large]
    large = [m for m in shipped if m.is_large and m.family in LARGE_RECIPES]
    assert len(shipped) >= 4000
    assert len(large) >= 300
    assert {m.family for m in large} == set(LARGE_RECIPES)
    assert {m.family for m in small} == set(SMALL_RECIPES)
    assert 20 <= np.median([m.n_heavy_atoms for m in small]) <= 23
    assert min(m.n_heavy_atoms for m in small) >= 10
    assert max(m.n_heavy_atoms for m in large) <= 75
    assert all(m.n_heavy_atoms >= 45 for m in large)


def test_shipped_list_has_each_constitution_once(shipped):
    assert len({m.inchikey.split("-")[0] for m in shipped}) == len(shipped)
    assert not any(mark in m.smiles for m in shipped for mark in "/\\@")


def test_shipped_columns_agree_with_the_structures(shipped):
    for row in shipped[::50]:
        molecule = Chem.MolFromSmiles(row.smiles)
        assert Chem.MolToInchiKey(molecule) == row.inchikey
        assert molecule.GetNumHeavyAtoms() == row.n_heavy_atoms
        assert Chem.MolToSmiles(molecule) == row.smiles
        assert row.origin == "named" or is_acceptable(molecule)


def test_named_come_first_and_large_ones_are_spread(shipped, named):
    n_named = len(named)
    assert {m.origin for m in shipped[:n_named]} == {"named"}
    rest = shipped[n_named:]
    large = [m.is_large for m in rest]
    quarters = [sum(large[i * len(rest) // 4 : (i + 1) * len(rest) // 4]) for i in range(4)]
    assert max(quarters) - min(quarters) <= 3


def test_molecule_list_round_trip(shipped):
    text = write_molecules(shipped[:20])
    assert read_molecules(text) == shipped[:20]
    with pytest.raises(InputError, match="expected"):
        read_molecules("smiles,name\nC,methane\n")
    with pytest.raises(InputError, match="line 2"):
        read_molecules(",".join(COLUMNS) + "\nC,KEY\n")
