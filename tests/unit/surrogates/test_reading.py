"""The C++ featuriser's answers against RDKit's, and what happens to SMILES it cannot read."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.surrogates.mpnn.graphs import build_graphs, parse_rows
from heliosc.surrogates.mpnn.reading import read_graphs, read_molecules

READABLE = (
    "[2H]C([2H])([2H])c1ccccc1", "[13CH4]", "[19F]C", "C", "O", "[Na+].[Cl-]", "C/C=C/c1ccc(Br)cc1", "C[C@@H](F)Cl",
    "[O-][n+]1ccccc1", "FS(F)(F)(F)(F)c1ccccc1", "c1ccc2c(c1)[se]c1ccccc12", "[SiH3]c1ccc(B(O)O)cc1", "[Fe+2]",
    "[C+20]", "C=C[O]", "C12C3C4C1C5C2C3C45", "c1ccc2c(c1)c1cccc3cccc2c31", "C1CC1C%12CC%12", " c1ccsc1 name",
    "c1ccc2c(c1)ccc1c2ccc2ccccc21", "CC1=C2C=CC3=C2C2=C(C=C1)C=CC=C2C=C3",
)  # fmt: skip
UNREADABLE = (
    "foo", "c1ccccc", "C(C", "C)C", "C11", "[Xx]", "", "   ", "é", "C\x00C", "C(C)(C)(C)(C)C", "c1cccc1", "c1ccccc1c",
    "CC |foo|", "CC>>C", "C" * 2_001, "C" * 201, "*", "[HH]", "[C@TH3]",
)  # fmt: skip
FIELDS = ("atom_codes", "bond_codes", "edge_source", "edge_target", "atom_offsets", "ring_counts")


def test_arrays_are_those_that_rdkit_gives(make_library):
    smiles = READABLE + make_library(60)
    expected, found = build_graphs(parse_rows(smiles)), read_graphs(smiles, with_rings=True)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field), err_msg=field)


@pytest.mark.parametrize("with_rings", [False, True])
@pytest.mark.parametrize("text", UNREADABLE)
def test_one_unreadable_row_is_refused_and_its_neighbours_are_read(text, with_rings):
    reading = read_molecules(["c1ccsc1", text, "CC"], with_rings=with_rings)
    assert list(reading.rows) == [0, 2]
    assert set(reading.refused) == {1}
    with pytest.raises(InputError) as expected:
        parse_rows([text], first_row=1)
    assert str(expected.value) == f"row 1: {reading.refused[1]}"
    np.testing.assert_array_equal(reading.graphs.atom_codes, build_graphs(parse_rows(["c1ccsc1", "CC"])).atom_codes)


@pytest.mark.parametrize("texts", [[], ["foo"], ["C" * 201] * 3, ["foo", "c1cccc1"]])
def test_nothing_readable_is_no_graphs(texts):
    reading = read_molecules(texts, with_rings=True)
    assert reading.graphs.n_molecules == 0
    assert sorted(reading.refused) == list(range(len(texts)))


def test_molecules_of_several_calls_are_laid_end_to_end():
    smiles = ["C" * (1 + i % 7) for i in range(1_100)]
    smiles[3], smiles[600] = "foo", "c1cccc1"
    reading = read_molecules(smiles, with_rings=True)
    expected = build_graphs(parse_rows([smiles[row] for row in reading.rows]))
    assert set(reading.refused) == {3, 600}
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(reading.graphs, field), getattr(expected, field), err_msg=field)


def test_radicals_are_counted():
    assert list(read_molecules(["C=C[O]", "C", "[CH2][CH2]"], with_rings=False).n_radicals) == [1, 0, 2]


def test_the_unreadable_row_is_named():
    with pytest.raises(InputError, match=r"row 12: .*c1ccc"):
        read_graphs(("C", "CC", "c1ccc"), with_rings=False, first_row=10)


@settings(max_examples=150, deadline=None)
@example(["[1*]C"], False)  # a labelled dummy atom has no mass
@given(st.lists(st.text(alphabet="CNOScnos123()[]=#@H+-./\\%*l ", max_size=12), max_size=6), st.booleans())
def test_any_text_is_read_or_refused_as_rdkit_does(texts, with_rings):
    reading = read_molecules(texts, with_rings=with_rings)
    readable = []
    for row, text in enumerate(texts):
        try:
            readable.append(parse_rows([text])[0])
            assert row not in reading.refused
        except InputError:
            assert row in reading.refused
    np.testing.assert_array_equal(reading.graphs.atom_codes, build_graphs(readable).atom_codes)
