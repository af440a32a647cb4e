"""The molecules a campaign knows from the start: the embedded library, or a table of the user's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliosc.config import Config
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable


def known_molecules(config: Config, keys: Sequence[PropertyKey]) -> PropertyTable:
    """Molecules with a value of at least one of the keys; NaN where a value is missing.

    Raises
    ------
    InputError : the configured table is unusable, or knows nothing of what the campaign judges
    """
    from heliosc.datasets.csv_source import read_property_csv
    from heliosc.datasets.library.load import load_library

    file = config.campaign.library
    if file is None:
        return load_library().property_table(keys)
    table = read_property_csv(file).table
    shared = [key for key in keys if key in table.keys]
    values = np.full((len(table.smiles), len(keys)), np.nan)
    for key in shared:
        values[:, list(keys).index(key)] = table.column(key)
    known = np.flatnonzero(np.isfinite(values).any(axis=1))
    if not len(known):
        raise InputError(
            f"{file} (campaign.library) has no value of what the campaign judges ({', '.join(map(str, keys))}); label "
            "molecules with `heliosc label`, merge them with `heliosc data merge`, or set it to null"
        )
    return PropertyTable(table.smiles, tuple(keys), values).rows(known)
