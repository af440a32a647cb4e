"""Training from a table: the wiring of data sets, splits and models that the command line and users share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliosc.config import Config
from heliosc.datasets.splits import random_split, scaffold_split
from heliosc.properties import DEFAULT_TARGETS, PropertyTable

if TYPE_CHECKING:
    from heliosc.surrogates.ensemble import SurrogateEnsemble

LARGE_HEAVY_ATOMS = 45
"""From this size on (today's A-D-A and A-DA'D-A acceptors) held-out figures are reported apart."""

_SPLITS = {"random": random_split, "scaffold": scaffold_split}


@dataclass(frozen=True, slots=True)
class SurrogateReports:
    """Held-out figures of a training: split -> subset -> key -> metric, and the baseline's on the same molecules."""

    model: dict[str, Any]
    baseline: dict[str, Any]


def training_table(data: Path | None) -> PropertyTable:
    """The user's table, or the labels of the embedded library.

    Raises
    ------
    InputError : the file is missing, empty or has nothing usable in it
    """
    if data is None:
        from heliosc.datasets.library.load import load_library

        return load_library().property_table(DEFAULT_TARGETS)
    from heliosc.datasets.csv_source import read_csv_table

    table, _ = read_csv_table(data)
    return table


def train_surrogate(
    table: PropertyTable, config: Config, *, progress: Callable[[Any], None] | None = None, split: str = "random"
) -> tuple[SurrogateEnsemble, dict[str, Any], dict[str, Any]]:
    """Train on one split and report on its held-out part.

    Returns
    -------
    ensemble, its reports (subset -> key -> metric), the reports of the forest baseline trained on the same rows

    Raises
    ------
    InputError : too few molecules, or a target that cannot be learnt
    """
    from heliosc.surrogates.ensemble import SurrogateEnsemble
    from heliosc.surrogates.evaluate import evaluate_surrogate
    from heliosc.surrogates.forest import ForestSurrogate
    from heliosc.surrogates.mpnn.config import MPNNConfig

    parts = _SPLITS[split](table.smiles, seed=config.seed)
    settings = config.surrogate
    mpnn = MPNNConfig(
        n_members=settings.n_members, epochs=settings.epochs, amp=settings.compute.amp,
        compile=settings.compute.compile, compile_mode=settings.compute.compile_mode, device=settings.compute.device,
    )  # fmt: skip
    checkpoints = settings.out.with_name(f"{settings.out.name}.checkpoints") / split
    ensemble = SurrogateEnsemble.train(
        table, split=parts, config=mpnn, seed=config.seed, progress=progress, checkpoint_dir=checkpoints
    )
    forest = ForestSurrogate.train(table, split=parts, seed=config.seed)
    held_out = table.rows(parts[2])
    subsets = {"large": large_mask(held_out.smiles)}
    return (
        ensemble,
        evaluate_surrogate(ensemble, held_out, reference_std=_error_spread(ensemble, table, parts), subsets=subsets),
        evaluate_surrogate(forest, held_out, subsets=subsets),
    )


def large_mask(smiles: tuple[str, ...]) -> np.ndarray:
    """(n,) which molecules have at least ``LARGE_HEAVY_ATOMS`` heavy atoms."""
    from heliosc.chemistry.identity import parse_smiles

    return np.array([parse_smiles(text).GetNumHeavyAtoms() >= LARGE_HEAVY_ATOMS for text in smiles], dtype=bool)


def _error_spread(ensemble: SurrogateEnsemble, table: PropertyTable, parts: Any) -> np.ndarray:
    """(n_keys,) root mean square error on the validation part: the constant sigma to beat."""
    validation = table.rows(parts[1])
    return np.sqrt(np.nanmean((ensemble.predict(validation.smiles).mean - validation.values) ** 2, axis=0))
