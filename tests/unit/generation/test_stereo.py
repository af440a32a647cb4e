"""Enumeration of stereoisomers on molecules whose isomers are known."""

from __future__ import annotations

import pytest

from heliosc.generation.stereo import stereoisomers


@pytest.mark.parametrize(
    ("smiles", "n_distinct", "n_possible"),
    [
        ("c1ccsc1", 1, 1),
        ("FC=CF", 2, 2),
        ("CC(F)Cl", 2, 2),
        ("CC(F)C(C)F", 3, 4),  # the two meso forms are one molecule
        ("C/C=C/C(F)Cl", 2, 2),  # the double bond is set and stays
        ("Clc1ccccc1C=CC(F)C=Cc1ccccc1", 8, 8),
    ],
)
def test_counts_by_hand(smiles: str, n_distinct: int, n_possible: int) -> None:
    found = stereoisomers(smiles, limit=32)
    assert (len(found.smiles), found.n_possible) == (n_distinct, n_possible)


def test_the_limit_holds_and_repeats_itself() -> None:
    many = "C(F)(Cl)C" * 8
    found = stereoisomers(many, limit=10)
    assert len(found.smiles) <= 10
    assert found.n_possible >= 2**7
    assert stereoisomers(many, limit=10) == found


def test_marks_that_are_set_stay() -> None:
    assert all("/C=C/" in text for text in stereoisomers("F/C=C/C(Cl)Br", limit=8).smiles)
