"""What a campaign knows from the start comes from the library or from a table of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.known import known_molecules
from heliosc.config import load_config
from heliosc.datasets.library.load import load_library
from heliosc.errors import InputError
from heliosc.properties import DEFAULT_TARGETS, PropertyKey

LAMBDA, IE = PropertyKey.parse("lambda_hole@gfn2"), PropertyKey.parse("vertical_ionization_energy@ipea1//gfn2")


def test_none_is_the_embedded_library() -> None:
    table = known_molecules(load_config(None), DEFAULT_TARGETS)
    assert table.smiles == load_library().property_table(DEFAULT_TARGETS).smiles


def test_a_table_gives_its_values_and_leaves_the_rest_unknown(tmp_path: Path) -> None:
    file = tmp_path / "known.csv"
    file.write_text("smiles,lambda_hole@gfn2,log_p\nc1ccsc1,0.23,1.8\nc1ccccc1,,1.7\nc1ccc2ccccc2c1,0.13,3.0\n")
    table = known_molecules(load_config(None, [f"campaign.library={file}"]), (IE, LAMBDA))
    assert table.smiles == ("c1ccsc1", "c1ccc2ccccc2c1")  # benzene has no value at all
    assert table.column(LAMBDA).tolist() == [0.23, 0.13]
    assert np.isnan(table.column(IE)).all()


def test_a_table_that_knows_nothing_of_it_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("smiles,lambda_hole@gfn2\nc1ccsc1,0.23\n")
    with pytest.raises(InputError, match=r"campaign\.library.*heliosc label"):
        known_molecules(load_config(None, [f"campaign.library={file}"]), (IE,))
