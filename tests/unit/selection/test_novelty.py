import pytest

from heliosc.errors import InputError
from heliosc.selection.novelty import novel_mask, skeleton_keys


def test_stereo_and_isotopes_are_not_new_and_repeats_count_once() -> None:
    known = set(skeleton_keys(["C/C=C/c1ccsc1"]))
    smiles = [r"C/C=C\c1ccsc1", "c1ccsc1", "s1cccc1", "[2H]c1ccsc1", "c1ccoc1"]
    assert novel_mask(smiles, known).tolist() == [False, True, False, False, True]
    assert len(known) == 1  # the caller's set is left alone


def test_unreadable_molecule_is_an_error() -> None:
    with pytest.raises(InputError):
        novel_mask(["c1ccsc"], set())
