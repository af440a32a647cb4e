"""Delta-learning: a network for what a cheap calculation gets wrong.

Values of a cheap level (GFN2-xTB) are known for every molecule. A ridge regression on all of them estimates the
expensive value (DFT); the network learns what is left. So both a systematic shift and what the structure adds are
learnt from few expensive values. The price: a molecule needs its cheap calculation before it can be predicted.

References
----------
Ramakrishnan et al., J. Chem. Theory Comput. 2015, 11, 2087 (10.1021/acs.jctc.5b00099): delta-machine learning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.files import folder_written_atomically
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.model_kind import BASELINE
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.training import Progress
from heliosc.surrogates.protocol import RowArray, check_split

FloatArray = NDArray[np.float64]

FORMAT = "heliosc delta surrogate"
FORMAT_VERSION = 1
RESIDUALS = "residuals"
_PENALTIES = np.logspace(-3, 3, 13)
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Linear estimate of the expensive values from the cheap ones.

    Attributes
    ----------
    inputs, targets : keys of the cheap and of the expensive values
    coefficients : (n_targets, n_inputs)
    intercepts : (n_targets,)
    """

    inputs: tuple[PropertyKey, ...]
    targets: tuple[PropertyKey, ...]
    coefficients: FloatArray
    intercepts: FloatArray

    @classmethod
    def fit(cls, cheap: PropertyTable, table: PropertyTable) -> Baseline:
        """Ridge regression a target on all cheap values; its penalty by generalised cross-validation.

        Raises
        ------
        InputError : no known value of a target
        """
        from sklearn.linear_model import RidgeCV  # takes a second to import

        centre, spread = cheap.values.mean(axis=0), cheap.values.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        inputs = (cheap.values - centre) / spread
        coefficients, intercepts = [], []
        for key in table.keys:
            values = table.column(key)
            known = np.isfinite(values)
            if not known.any():
                raise InputError(f"the train part has no value of {key}; drop the column or change the split")
            fit = RidgeCV(alphas=_PENALTIES).fit(inputs[known], values[known])
            coefficients.append(fit.coef_ / spread)
            intercepts.append(fit.intercept_ - fit.coef_ @ (centre / spread))
        return cls(cheap.keys, table.keys, np.array(coefficients), np.array(intercepts))

    def __call__(self, cheap: FloatArray) -> FloatArray:
        """Estimates, (n_molecules, n_targets), from (n_molecules, n_inputs)."""
        return cheap @ self.coefficients.T + self.intercepts


@dataclass(frozen=True, slots=True, eq=False)
class DeltaSurrogate:
    """A trained correction; see ``train`` and ``load``.

    Attributes
    ----------
    baseline : from the cheap level
    residuals : ensemble of the rest
    cheap : known values of the cheap level, from which predictions start
    """

    baseline: Baseline
    residuals: SurrogateEnsemble
    cheap: PropertyTable

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """What it predicts."""
        return self.baseline.targets

    @property
    def model_id(self) -> str:
        """Short hash of the network and the baseline."""
        text = f"delta {self.residuals.model_id} {_as_json(self.baseline)}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def train(
        cls,
        table: PropertyTable,
        *,
        split: Sequence[RowArray],
        cheap: PropertyTable,
        config: MPNNConfig | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoint_dir: Path | None = None,
    ) -> DeltaSurrogate:
        """Fit the baseline and the network on the train part, calibrate on the validation part.

        Parameters
        ----------
        cheap : values of the cheap level of every molecule of the table, complete

        Raises
        ------
        InputError : a molecule without a cheap value, and what ``SurrogateEnsemble.train`` refuses
        """
        parts = check_split(split, table)
        known = replace(cheap, smiles=table.smiles, values=_look_up(cheap, table.smiles))
        baseline = Baseline.fit(known.rows(parts.train), table.rows(parts.train))
        rest = PropertyTable(table.smiles, table.keys, table.values - baseline(known.values))
        residuals = SurrogateEnsemble.train(
            rest, split=split, config=config, seed=seed, progress=progress, checkpoint_dir=checkpoint_dir
        )
        return cls(baseline, residuals, known)

    def with_cheap(self, cheap: PropertyTable) -> DeltaSurrogate:
        """The same model with the cheap values of other molecules.

        Raises
        ------
        InputError : a property that the baseline needs is no column
        """
        absent = [str(key) for key in self.baseline.inputs if key not in cheap.keys]
        if absent:
            raise InputError(
                f"the model starts from {', '.join(map(str, self.baseline.inputs))}; {', '.join(absent)} is missing: "
                "compute it first (`heliosc label FILE`)"
            )
        values = np.stack([cheap.column(key) for key in self.baseline.inputs], axis=1)
        return replace(self, cheap=PropertyTable(cheap.smiles, self.baseline.inputs, values))

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict molecules whose cheap values are known.

        Raises
        ------
        InputError : a molecule cannot be read or has no cheap values; the message names rows
        """
        estimates = self.baseline(_look_up(self.cheap, smiles))
        rest = self.residuals.predict(smiles)
        members = None if rest.members is None else rest.members + estimates
        return replace(rest, mean=rest.mean + estimates, members=members, model_id=self.model_id)

    def save(self, folder: Path) -> Path:
        """Write the model into a folder of its own, all or nothing.

        Raises
        ------
        ResourceError : the place cannot be written
        """
        document = {"format": FORMAT, "format_version": FORMAT_VERSION, "model_id": self.model_id}
        with folder_written_atomically(folder) as scratch:
            self.residuals.save(scratch / RESIDUALS)
            (scratch / BASELINE).write_text(json.dumps(document | _as_dict(self.baseline), indent=1))
        return folder

    @classmethod
    def load(cls, folder: Path, *, cheap: PropertyTable | None = None, device: str = "auto") -> DeltaSurrogate:
        """Read a saved model; ``cheap`` has the cheap values of the molecules to come.

        Raises
        ------
        InputError : the folder holds no such model, a damaged one, or one of another format
        """
        path = folder / BASELINE
        if not path.is_file():
            raise InputError(f"{folder} holds no delta surrogate: {BASELINE} is missing")
        try:
            document = json.loads(path.read_text())
            if (document["format"], document["format_version"]) != (FORMAT, FORMAT_VERSION):
                raise InputError(f"{path} is of another format; expected {FORMAT} {FORMAT_VERSION}")
            baseline = Baseline(
                tuple(map(PropertyKey.parse, document["inputs"])),
                tuple(map(PropertyKey.parse, document["targets"])),
                np.array(document["coefficients"], dtype=np.float64),
                np.array(document["intercepts"], dtype=np.float64),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error!r}); train the model again") from error
        residuals = SurrogateEnsemble.load(folder / RESIDUALS, device=device)
        none = PropertyTable((), baseline.inputs, np.empty((0, len(baseline.inputs))))
        model = cls(baseline, residuals, none)
        if model.model_id != document["model_id"]:
            raise InputError(f"model folder {folder} is inconsistent: baseline and network are not of one training")
        return model if cheap is None else model.with_cheap(cheap)


def _look_up(cheap: PropertyTable, smiles: Sequence[str]) -> FloatArray:
    """Cheap values in the order of the molecules, (n_molecules, n_inputs)."""
    row_of = {text: row for row, text in enumerate(cheap.smiles)}
    values = np.full((len(smiles), len(cheap.keys)), np.nan)
    for row, text in enumerate(smiles):
        if text in row_of:
            values[row] = cheap.values[row_of[text]]
    lacking = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(lacking):
        named = ", ".join(f"row {row} ({smiles[row]})" for row in lacking[:_SHOWN])
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise InputError(
            f"{named}{more}: a value of {', '.join(map(str, cheap.keys))} is missing, from which the model starts; "
            "compute it first (`heliosc label FILE`)"
        )
    return values


def _as_dict(baseline: Baseline) -> dict[str, Any]:
    return {
        "inputs": [str(key) for key in baseline.inputs],
        "targets": [str(key) for key in baseline.targets],
        "coefficients": baseline.coefficients.tolist(),
        "intercepts": baseline.intercepts.tolist(),
    }


def _as_json(baseline: Baseline) -> str:
    return json.dumps(_as_dict(baseline), sort_keys=True)
