import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import murcko_scaffold
from heliosc.datasets.library.load import library_smiles
from heliosc.datasets.splits import random_split, scaffold_split
from heliosc.errors import InputError

SMILES = library_smiles()[300:420]
PINNED = [[0, 2, 3], [1], []]


@pytest.mark.parametrize("split", [random_split, scaffold_split])
def test_every_row_is_on_exactly_one_side(split):
    sides = split(SMILES)
    rows = np.concatenate([sides.train, sides.validation, sides.test])
    assert sorted(rows) == list(range(len(SMILES)))
    assert 0.65 < len(sides.train) / len(SMILES) < 0.9


@pytest.mark.parametrize("split", [random_split, scaffold_split])
def test_the_seed_decides(split):
    assert np.array_equal(split(SMILES, seed=3).test, split(SMILES, seed=3).test)
    assert not np.array_equal(split(SMILES, seed=3).test, split(SMILES, seed=4).test)


def test_random_split_does_not_depend_on_the_other_rows():
    whole = {SMILES[row] for row in random_split(SMILES).test}
    half = SMILES[::2]
    assert {half[row] for row in random_split(half).test} == whole & set(half)


def test_random_split_is_pinned():
    """A changed hash would silently move test molecules into training between releases."""
    sides = random_split(["c1ccsc1", "c1ccccc1", "c1ccoc1", "c1ccncc1"], fractions=(0.5, 0.25, 0.25))
    assert [side.tolist() for side in (sides.train, sides.validation, sides.test)] == PINNED


def test_stereoisomers_and_repeats_stay_together():
    forms = ["C(=C/c1ccccc1)\\c1ccccc1", "C(=C/c1ccccc1)/c1ccccc1", "C(=Cc1ccccc1)c1ccccc1", "c1ccc(C=Cc2ccccc2)cc1"]
    for seed in range(8):
        sides = random_split(forms, fractions=(0.34, 0.33, 0.33), seed=seed)
        assert sorted(map(len, (sides.train, sides.validation, sides.test))) == [0, 0, 4]


def test_no_scaffold_is_on_two_sides():
    sides = scaffold_split(SMILES)
    train, validation, test = (
        {murcko_scaffold(parse_smiles(SMILES[row])) for row in side}
        for side in (sides.train, sides.validation, sides.test)
    )
    assert not train & validation
    assert not test & (train | validation)
    assert len(sides.test) == round(0.1 * len(SMILES))


def test_tautomers_of_one_skeleton_stay_together_although_their_scaffolds_differ():
    forms = ["Oc1ccccn1", "O=c1cccc[nH]1", "CCO", "c1ccncc1"]
    assert murcko_scaffold(parse_smiles(forms[0])) != murcko_scaffold(parse_smiles(forms[1]))
    for seed in range(12):
        sides = scaffold_split(forms, fractions=(0.2, 0.05, 0.75), seed=seed)
        side_of = {row: name for name in ("train", "validation", "test") for row in getattr(sides, name)}
        assert side_of[0] == side_of[1] == side_of[3]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.tuples(*[st.integers(0, 10)] * 3).filter(any))
def test_any_fractions_give_a_partition(seed, weights):
    fractions = tuple(weight / sum(weights) for weight in weights)
    sides = random_split(SMILES[:20], fractions=fractions, seed=seed)
    assert sum(map(len, (sides.train, sides.validation, sides.test))) == 20
    for fraction, side in zip(fractions, (sides.train, sides.validation, sides.test), strict=True):
        assert fraction > 0 or len(side) == 0


def test_bad_fractions_and_bad_molecules_are_refused():
    with pytest.raises(InputError, match="add up to 1"):
        random_split(SMILES, fractions=(0.8, 0.1, 0.2))
    with pytest.raises(InputError, match="cannot parse"):
        scaffold_split(["c1ccsc"])
