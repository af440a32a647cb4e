"""Property values as the network sees them: standardised columns, gaps marked NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.generation.jtvae.molecule_graph import constitution
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]


FAR_OFF_STD = 5.0
"""Standard deviations from the mean beyond which a value asked for is none that the model knows."""


@dataclass(frozen=True, slots=True)
class PropertyScale:
    """Mean and standard deviation of each property over the training molecules.

    Attributes
    ----------
    keys : (n_properties,)
    mean, std : (n_properties,) in the unit of each key
    """

    keys: tuple[PropertyKey, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, properties: PropertyTable | None) -> PropertyScale:
        """Measure a table.

        Raises
        ------
        InputError : a column has fewer than two known values or no spread
        """
        if properties is None:
            return cls((), (), ())
        means, stds = [], []
        for key in properties.keys:
            known = properties.column(key)[~np.isnan(properties.column(key))]
            if len(known) < 2 or known.std() == 0:
                raise InputError(
                    f"property {key} has {len(known)} known values and no spread to learn from; leave the column out"
                )
            means.append(float(known.mean()))
            stds.append(float(known.std()))
        return cls(properties.keys, tuple(means), tuple(stds))

    def standardise(self, values: FloatArray) -> FloatArray:
        """(n, n_properties) in units -> standardised."""
        return (values - np.asarray(self.mean)) / np.asarray(self.std)

    def far_off(self, windows: Mapping[PropertyKey, tuple[float, float]]) -> list[str]:
        """Windows (a value is one of no width) that nothing learnt from comes near, each in a sentence."""
        found = []
        for key, (low, high) in windows.items():
            mean, std = (part[self.keys.index(key)] for part in (self.mean, self.std))
            nearest = min(max(mean, low), high)
            if abs(nearest - mean) > FAR_OFF_STD * std:
                found.append(
                    f"{key} of {nearest:g} is far from the molecules learnt from ({self.near(key)}): "
                    "what comes out will not have it"
                )
        return found

    def restore(self, values: FloatArray) -> FloatArray:
        """(n, n_properties) standardised -> in units."""
        return values * np.asarray(self.std) + np.asarray(self.mean)

    def targets(self, smiles: Sequence[str], properties: PropertyTable | None) -> FloatArray:
        """Standardised values of some constitutions, (n, n_properties), NaN where the table knows nothing.

        Stereoisomers share a constitution; the first one listed with a known value counts.
        """
        found = np.full((len(smiles), len(self.keys)), np.nan)
        if properties is None or not self.keys:
            return found
        columns = [properties.keys.index(key) if key in properties.keys else None for key in self.keys]
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(properties.smiles):
            rows.setdefault(_constitution_smiles(text), []).append(row)
        for i, text in enumerate(smiles):
            for j, column in enumerate(columns):
                values = [] if column is None else [properties.values[row, column] for row in rows.get(text, [])]
                found[i, j] = next((value for value in values if not np.isnan(value)), np.nan)
        return self.standardise(found)

    def asked(self, conditions: Mapping[PropertyKey, float] | None) -> FloatArray:
        """Standardised wishes, (n_properties,), NaN = free.

        Raises
        ------
        InputError : a property that the model was not trained with, or a value that is no number of usable size
        """
        values = self._standardised(conditions)
        for key, value in (conditions or {}).items():
            if not np.isfinite(values[self.keys.index(key)]):
                raise InputError(
                    f"{value} of {key} cannot be asked for; expected a finite number, near {self.near(key)}"
                )
        return values

    def near(self, key: PropertyKey) -> str:
        """Mean and standard deviation of a property as text, in its unit."""
        column = self.keys.index(key)
        return f"{self.mean[column]:.3g} +- {self.std[column]:.2g}"

    def _standardised(self, wishes: Mapping[PropertyKey, float] | None) -> FloatArray:
        """(n_properties,), infinite where that was asked for or the number is too large."""
        values = np.full(len(self.keys), np.nan)
        for key, value in (wishes or {}).items():
            if key not in self.keys:
                known = ", ".join(map(str, self.keys)) or "no property"
                raise InputError(f"the generator cannot be asked for {key}; it was trained with {known}")
            values[self.keys.index(key)] = value
        with np.errstate(over="ignore"):
            return self.standardise(values[None])[0] if self.keys else values

    def limits(self, windows: Mapping[PropertyKey, tuple[float, float]] | None) -> tuple[FloatArray, FloatArray]:
        """Standardised lower and upper limits, (n_properties,) each; -inf and inf where there is none.

        Raises
        ------
        InputError : a property that the model was not trained with, or a window with nothing inside
        """
        for key, (low, high) in (windows or {}).items():
            if not low < high:
                raise InputError(f"window {low:g} to {high:g} of {key} holds nothing; expected the lower limit first")
        lower = self._standardised({key: low for key, (low, _) in (windows or {}).items()})
        upper = self._standardised({key: high for key, (_, high) in (windows or {}).items()})
        return np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)


def _constitution_smiles(text: str) -> str:
    try:
        return Chem.MolToSmiles(constitution(text), isomericSmiles=False)
    except InputError:
        return ""
