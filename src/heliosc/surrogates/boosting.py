"""A strong plain baseline: gradient boosting on count fingerprints and RDKit's descriptors, one model a key.

On some data sets it beats networks; it stands in the same table so that this is seen. A few boosters on other draws of
rows and columns give a mean and a spread, and the same calibration as for the networks adds the rest.

References
----------
Ke et al., NeurIPS 2017, 3146: LightGBM.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError, MissingDependencyError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration, calibrate_key
from heliosc.surrogates.forest import morgan_counts
from heliosc.surrogates.identity import table_hash
from heliosc.surrogates.outputs import table_key_by_key
from heliosc.surrogates.protocol import RowArray, check_split

_CACHED_MOLECULES = 50_000  # descriptors cost 8 ms a molecule and 900 bytes
_LARGEST = 1e30  # one descriptor grows without bound; beyond this a tree has nothing to gain
_SETTINGS: dict[str, Any] = {
    "objective": "regression_l2",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}


def features(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Morgan counts, then RDKit's descriptors (NaN where undefined), (n_molecules, n_features).

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row
    """
    counts = morgan_counts(smiles)
    described = [_descriptors(text) for text in smiles]
    return np.hstack([counts, np.array(described, dtype=np.float32).reshape(len(smiles), -1)])


@lru_cache(maxsize=_CACHED_MOLECULES)
def _descriptors(smiles: str) -> NDArray[np.float32]:
    from rdkit.Chem.Descriptors import CalcMolDescriptors

    values = CalcMolDescriptors(parse_smiles(smiles), missingVal=math.nan, silent=True)
    array = np.array(list(values.values()), dtype=np.float64)
    return np.where(np.abs(array) < _LARGEST, array, np.nan).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class BoostingSurrogate:
    """A trained baseline; see ``train``."""

    keys: tuple[PropertyKey, ...]
    boosters: tuple[tuple[Any, ...], ...]
    calibrations: tuple[KeyCalibration, ...]
    model_id: str

    @classmethod
    def train(
        cls, table: PropertyTable, *, split: Sequence[RowArray], seed: int = 0, n_members: int = 3, n_trees: int = 400
    ) -> BoostingSurrogate:
        """Fit on the train part, calibrate on the validation part. The number of trees is fixed: stopping early on
        the validation part would spoil it for the calibration.

        Raises
        ------
        InputError : an unreadable molecule, a split that leaks, or a key without values
        MissingDependencyError : LightGBM is not installed
        """
        parts = check_split(split, table)
        described = features(table.smiles)
        boosters, calibrations = [], []
        for column, key in enumerate(table.keys):
            values = table.values[:, column]
            known = parts.train[np.isfinite(values[parts.train])]
            if len(known) == 0:
                raise InputError(f"the train part has no value of {key}; drop the column or change the split")
            members = tuple(
                _fit(described[known], values[known], seed=seed * n_members + member, n_trees=n_trees)
                for member in range(n_members)
            )
            guesses = _predictions(members, described[parts.validation])
            errors = values[parts.validation] - guesses.mean(axis=0)
            calibrations.append(calibrate_key(errors, np.zeros_like(errors), guesses.var(axis=0)))
            boosters.append(members)
        text = f"boosting {table_hash(table)} {[part.tolist() for part in parts]} {seed} {n_members} {n_trees}"
        model_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        return cls(table.keys, tuple(boosters), tuple(calibrations), model_id)

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict molecules.

        Raises
        ------
        InputError : a molecule cannot be read; the message names its row
        """
        return table_key_by_key(
            smiles, self.keys, self._guesses(smiles), calibrations=self.calibrations, model_id=self.model_id
        )

    def _guesses(self, smiles: Sequence[str]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Mean and variance of every key, (n_molecules,) each."""
        described = features(smiles)
        for members in self.boosters:
            guesses = _predictions(members, described)
            yield guesses.mean(axis=0), guesses.var(axis=0)


def _fit(described: NDArray[np.float32], values: NDArray[np.float64], *, seed: int, n_trees: int) -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingDependencyError(
            "gradient boosting needs LightGBM; install it with: pip install 'heliosc[baselines]'"
        ) from error
    data = lightgbm.Dataset(described, label=values, params={"verbose": -1})
    return lightgbm.train({**_SETTINGS, "seed": seed}, data, num_boost_round=n_trees)


def _predictions(members: Sequence[Any], described: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_members, n_molecules)"""
    return np.stack([member.predict(described, num_threads=1) for member in members])
