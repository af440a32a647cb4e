"""Models that learn some rows of a pool and guess the others: members, whose spread is the doubt.

``forest`` is the reference of ``ACTIVE_LEARNING``-style comparisons: 100 trees on 1,024-bit count fingerprints, every
feature tried at every split. ``trees`` sees composition, rings and Hueckel orbitals besides, and a third of the features
at a split, which makes its trees differ more and costs a third of the time.

References
----------
Breiman, Mach. Learn. 2001, 45, 5, 10.1023/A:1010933404324 (random forests).
Graff, Shakhnovich, Coley, Chem. Sci. 2021, 12, 7866, 10.1039/D0SC06805E (virtual screening by bounds of forests).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.retrospective.pool import Pool
from heliosc.selection.objectives import FloatArray

N_TREES = 100

PoolModel = Callable[[Pool, NDArray[np.intp], FloatArray, int], FloatArray]
"""Pool, rows that are known, (n_known, n_targets) their values, seed -> (n_members, n, n_targets) guesses."""


def forest(pool: Pool, rows: NDArray[np.intp], values: FloatArray, seed: int) -> FloatArray:
    """The reference: a random forest on count fingerprints, one for each target."""
    return _forests(pool.counts, rows, values, max_features=1.0, seed=seed)


def trees(pool: Pool, rows: NDArray[np.intp], values: FloatArray, seed: int) -> FloatArray:
    """A random forest on count fingerprints and descriptors, a third of them tried at each split."""
    return _forests(pool.described, rows, values, max_features=0.3, seed=seed)


POOL_MODELS: dict[str, PoolModel] = {"forest": forest, "trees": trees}


def _forests(
    features: NDArray[np.float32], rows: NDArray[np.intp], values: FloatArray, *, max_features: float, seed: int
) -> FloatArray:
    from sklearn.ensemble import RandomForestRegressor  # takes a second to import

    features = np.ascontiguousarray(features[:, _telling(features[rows])])
    guesses = []
    for column in values.T:
        model = RandomForestRegressor(n_estimators=N_TREES, max_features=max_features, random_state=seed, n_jobs=1)
        model.fit(features[rows], column)
        guesses.append(np.stack([_tree_values(tree, features) for tree in model.estimators_]))
    return np.stack(guesses, axis=2)


def _telling(known: NDArray[np.float32]) -> NDArray[np.intp]:
    """One of each set of equal columns that vary among what is known: the others split nothing, or the same."""
    varying = np.flatnonzero(known.max(axis=0) > known.min(axis=0))
    if not len(varying):
        return np.zeros(1, dtype=np.intp)
    _, first = np.unique(known[:, varying], axis=1, return_index=True)
    return varying[np.sort(first)]


def _tree_values(tree: Any, features: NDArray[np.float32]) -> FloatArray:
    """(n,) what one tree says; by its core, which does not check the table again for each of a hundred trees."""
    return tree.tree_.predict(features)[:, 0]
