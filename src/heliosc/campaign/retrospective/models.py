"""Models that learn some rows of a pool and guess the others: members, whose spread is the doubt.

``forest`` is the reference: 100 trees on 1,024-bit count fingerprints, every feature tried at every split, one forest
for each target. ``trees`` sees composition, rings and Hueckel orbitals besides, tries a third of the features at a
split, which makes its trees differ more, and learns all targets in one forest of 50 trees. ``mpnn`` is a small ensemble
of the message-passing networks that campaigns use, trained anew in every round.

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
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.properties.names import PROPERTIES
from heliosc.selection.objectives import FloatArray

_REFERENCE_TREES = 100
_TREES = 50
_MAP_TREES = 10
_MPNN_MEMBERS, _MPNN_EPOCHS, _MPNN_VALIDATION = 3, 30, 20
_POOL_LEVEL = "pool"

PoolModel = Callable[[Pool, NDArray[np.intp], FloatArray, int], FloatArray]
"""Pool, rows that are known, (n_known, n_targets) their values, seed -> (n_members, n, n_targets) guesses."""


def forest(pool: Pool, rows: NDArray[np.intp], values: FloatArray, seed: int) -> FloatArray:
    """The reference: a random forest on count fingerprints, one for each target."""
    guesses = [
        _forest(pool.counts, rows, column[:, None], n_trees=_REFERENCE_TREES, max_features=1.0, seed=seed)
        for column in values.T
    ]
    return np.concatenate(guesses, axis=2)


def trees(pool: Pool, rows: NDArray[np.intp], values: FloatArray, seed: int) -> FloatArray:
    """A random forest on count fingerprints and descriptors, a third of them tried at each split."""
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)  # splits serve all targets alike
    scaled = (values - centre) / spread
    return _forest(pool.described, rows, scaled, n_trees=_TREES, max_features=0.3, seed=seed) * spread + centre


def mpnn(pool: Pool, rows: NDArray[np.intp], values: FloatArray, seed: int) -> FloatArray:
    """The ensemble of campaigns, with as few members and epochs as a replay can afford."""
    from heliosc.surrogates.ensemble import SurrogateEnsemble
    from heliosc.surrogates.mpnn.config import MPNNConfig

    names = sorted(PROPERTIES)[: values.shape[1]]  # the network only wants its outputs told apart
    keys = tuple(PropertyKey(name, _POOL_LEVEL) for name in names)
    smiles = tuple(pool.smiles[row] for row in rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    n_validation = max(_MPNN_VALIDATION, len(rows) // 10)  # the spread is calibrated on it; nothing is tested
    split = order[n_validation + 1 :], order[1 : n_validation + 1], order[:1]
    config = MPNNConfig(n_members=_MPNN_MEMBERS, epochs=_MPNN_EPOCHS)
    ensemble = SurrogateEnsemble.train(PropertyTable(smiles, keys, values), split=split, config=config, seed=seed)
    members = ensemble.predict(pool.smiles).members
    if members is None:
        raise InputError("the ensemble keeps no members; expected one guess of each")
    return members


POOL_MODELS: dict[str, PoolModel] = {"forest": forest, "trees": trees, "mpnn": mpnn}


def learn_map(inputs: FloatArray, values: FloatArray, *, seed: int) -> Callable[[FloatArray], FloatArray]:
    """A function that gives one column from others, (n, k) -> (n,), as the labelled rows show it.

    For what a calculation derives from its own results, such as an efficiency from levels: the map is nearly exact,
    and the levels are smoother in the structure than what is derived from them.
    """
    from sklearn.ensemble import ExtraTreesRegressor  # takes a second to import

    model = ExtraTreesRegressor(n_estimators=_MAP_TREES, random_state=seed, n_jobs=1).fit(inputs, values)

    def apply(points: FloatArray) -> FloatArray:
        features = np.ascontiguousarray(points, dtype=np.float32)
        return np.mean([_tree_values(tree, features)[:, 0] for tree in model.estimators_], axis=0)

    return apply


def _forest(
    features: NDArray[np.float32],
    rows: NDArray[np.intp],
    values: FloatArray,
    *,
    n_trees: int,
    max_features: float,
    seed: int,
) -> FloatArray:
    """(n_trees, n, n_targets)"""
    from sklearn.ensemble import RandomForestRegressor  # takes a second to import

    features = np.ascontiguousarray(features[:, _telling(features[rows])])
    model = RandomForestRegressor(n_estimators=n_trees, max_features=max_features, random_state=seed, n_jobs=1)
    model.fit(features[rows], values if values.shape[1] > 1 else values[:, 0])
    return np.stack([_tree_values(tree, features) for tree in model.estimators_])


def _telling(known: NDArray[np.float32]) -> NDArray[np.intp]:
    """One of each set of equal columns that vary among what is known: the others split nothing, or the same."""
    varying = np.flatnonzero(known.max(axis=0) > known.min(axis=0))
    if not len(varying):
        return np.zeros(1, dtype=np.intp)
    _, first = np.unique(known[:, varying], axis=1, return_index=True)
    return varying[np.sort(first)]


def _tree_values(tree: Any, features: NDArray[np.float32]) -> FloatArray:
    """(n, n_targets) what one tree says; by its core, which does not check the table again for each tree."""
    return tree.tree_.predict(features).reshape(len(features), -1)
