"""The baseline: one forest per key on Morgan count fingerprints, behind the same protocol as the ensemble.

Extremely randomised trees; the spread between trees is the epistemic part, and the same calibration as for the networks
adds the rest. A network that does not beat this in the table beside it has learnt nothing worth its price.

References
----------
Geurts, Ernst, Wehenkel, Mach. Learn. 2006, 63, 3 (10.1007/s10994-006-6226-1): extremely randomised trees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration, calibrate_key
from heliosc.surrogates.identity import table_hash
from heliosc.surrogates.mpnn.graphs import parse_rows
from heliosc.surrogates.outputs import table_key_by_key
from heliosc.surrogates.protocol import RowArray, check_split

RADIUS = 2
BITS = 1024


def morgan_counts(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Folded Morgan count fingerprints, (n_molecules, 1024).

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    rows = [generator.GetCountFingerprintAsNumPy(molecule) for molecule in parse_rows(smiles)]
    return np.array(rows, dtype=np.float32).reshape(len(rows), BITS)


@dataclass(frozen=True, slots=True, eq=False)
class ForestSurrogate:
    """A trained baseline; see ``train``."""

    keys: tuple[PropertyKey, ...]
    forests: tuple[Any, ...]
    calibrations: tuple[KeyCalibration, ...]
    model_id: str

    @classmethod
    def train(
        cls, table: PropertyTable, *, split: Sequence[RowArray], seed: int = 0, n_trees: int = 60
    ) -> ForestSurrogate:
        """Fit on the train part, calibrate on the validation part.

        Raises
        ------
        InputError : an unreadable molecule, a split that leaks, or a key without values
        """
        from sklearn.ensemble import ExtraTreesRegressor  # takes a second to import

        parts = check_split(split, table)
        counts = morgan_counts(table.smiles)
        forests, calibrations = [], []
        for column, key in enumerate(table.keys):
            values = table.values[:, column]
            known = parts.train[np.isfinite(values[parts.train])]
            if len(known) == 0:
                raise InputError(f"the train part has no value of {key}; drop the column or change the split")
            forest = ExtraTreesRegressor(
                n_estimators=n_trees, max_features=0.3, min_samples_leaf=2, random_state=seed, n_jobs=1
            )
            forest.fit(counts[known], values[known])
            trees = _tree_predictions(forest, counts[parts.validation])
            errors = values[parts.validation] - trees.mean(axis=0)
            calibrations.append(calibrate_key(errors, np.zeros_like(errors), trees.var(axis=0)))
            forests.append(forest)
        text = f"forest {table_hash(table)} {[part.tolist() for part in parts]} {seed} {n_trees}"
        model_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        return cls(table.keys, tuple(forests), tuple(calibrations), model_id)

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
        counts = morgan_counts(smiles)
        for forest in self.forests:
            trees = _tree_predictions(forest, counts)
            yield trees.mean(axis=0), trees.var(axis=0)


def _tree_predictions(forest: Any, counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_trees, n_molecules)"""
    return np.stack([tree.predict(counts) for tree in forest.estimators_])
