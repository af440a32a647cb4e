"""How likely a calculation fails, learned from those that did.

References
----------
Gelbart, Snoek, Adams, UAI 2014, arXiv 1403.5607 (unknown constraints in Bayesian optimisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heliosc.chemistry.descriptors import describe
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError
from heliosc.selection.objectives import FloatArray

_FEWEST = 8  # of either outcome: with fewer, a fitted slope is noise
_ELEMENTS = ("B", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")


@dataclass(frozen=True, slots=True)
class FailureModel:
    """Probability of failure by a logistic model of cheap descriptors.

    Attributes
    ----------
    base_rate : share of failures, one of each outcome added (Laplace), used while there is no model
    classifier : fitted scikit-learn pipeline, or None while there are too few of either outcome
    """

    base_rate: float
    classifier: Any | None

    @classmethod
    def fit(cls, smiles: Sequence[str], is_failed: ArrayLike) -> FailureModel:
        """Learn from past outcomes; without any, a failure is as likely as in one of two trials.

        Raises
        ------
        InputError : outcomes and molecules differ in number, or a SMILES cannot be read
        """
        failed = np.asarray(is_failed, dtype=bool)
        if failed.shape != (len(smiles),):
            raise InputError(f"{len(smiles)} molecules and outcomes of shape {failed.shape}; expected one each")
        base_rate = (int(failed.sum()) + 1) / (len(failed) + 2)
        if min(failed.sum(), (~failed).sum()) < _FEWEST:
            return cls(base_rate, None)
        from sklearn.linear_model import LogisticRegression  # takes a second to import
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000))
        return cls(base_rate, classifier.fit(failure_descriptors(smiles), failed))

    def probability(self, smiles: Sequence[str]) -> FloatArray:
        """(n,) probability that the calculation of each molecule fails.

        Raises
        ------
        InputError : a SMILES cannot be read
        """
        if self.classifier is None or not len(smiles):
            return np.full(len(smiles), self.base_rate)
        return np.asarray(self.classifier.predict_proba(failure_descriptors(smiles))[:, 1], dtype=np.float64)


def failure_descriptors(smiles: Sequence[str]) -> FloatArray:
    """Size, flexibility, conjugation and elements, (n, 15): what makes geometries and electrons hard to converge.

    Raises
    ------
    InputError : a SMILES cannot be read
    """
    rows = []
    for text in smiles:
        found = describe(parse_smiles(text))
        numbers = [found.heavy_atoms, found.rotatable_bonds, found.rings, found.largest_conjugated_system]
        shares = [found.conjugated_fraction, found.log_p]
        rows.append([*numbers, *shares, *(symbol in found.elements for symbol in _ELEMENTS)])
    return np.array(rows, dtype=np.float64).reshape(len(rows), 6 + len(_ELEMENTS))
