"""What every surrogate offers, and how a table is divided to train one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable

RowArray = NDArray[np.intp]


class Split(NamedTuple):
    """Row numbers of the three parts of a table: to learn from, to calibrate on, to report on."""

    train: RowArray
    validation: RowArray
    test: RowArray


def check_split(split: Sequence[Sequence[int] | RowArray], table: PropertyTable) -> Split:
    """Turn (train, validation, test) into a ``Split`` of this table.

    Raises
    ------
    InputError : not three parts, a part is empty or names a missing row, or two parts share a molecule
    """
    if len(split) != 3:
        raise InputError(f"the split has {len(split)} parts; expected train, validation and test")
    parts = Split(*(np.asarray(rows, dtype=np.intp) for rows in split))
    owner: dict[str, str] = {}
    for name, rows in parts._asdict().items():
        if len(rows) == 0:
            raise InputError(f"the {name} part of the split is empty; every part needs at least one molecule")
        if rows.min() < 0 or rows.max() >= len(table.smiles):
            raise InputError(f"the {name} part names rows outside the table of {len(table.smiles)} molecules")
        for row in rows:
            smiles = table.smiles[row]
            if owner.setdefault(smiles, name) != name:
                raise InputError(
                    f"{smiles} is in the {owner[smiles]} and the {name} part; a molecule may be in one only"
                )
    return parts


class Predictor(Protocol):
    """A trained model of some properties that says how sure it is."""

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """What it predicts."""
        ...

    @property
    def model_id(self) -> str:
        """Short hash that changes whenever the predictions do."""
        ...

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict every key of every molecule; an unreadable SMILES raises ``InputError`` naming its row."""
        ...


class Surrogate(Predictor, Protocol):
    """A predictor that learns from a table alone. Fitting returns a new one; nothing is half trained."""

    @classmethod
    def train(cls, table: PropertyTable, *, split: Sequence[RowArray], seed: int) -> Self:
        """Learn from the train part, calibrate on the validation part."""
        ...
