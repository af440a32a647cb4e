"""What the models learn from a round, and how far their predictions had been off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.records import CandidateRecord
from heliosc.config import Config
from heliosc.properties import PropertyKey, PropertyTable

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE
    from heliosc.surrogates.ensemble import SurrogateEnsemble

EpochListener = Callable[[Any], None]
"""Hears of each epoch of a training."""

Goal = tuple[Mapping[PropertyKey, float], Callable[[Sequence[str]], NDArray[np.float64]]]
"""Property values asked for, and what molecules made for them earn."""

_NORMAL_95 = 1.959964


def fine_tune_surrogate(
    surrogate: SurrogateEnsemble,
    computed: PropertyTable,
    library: PropertyTable,
    *,
    config: Config,
    index: int,
    seed: int,
    folder: Path,
    progress: EpochListener | None = None,
) -> None:
    """Train a little on everything the campaign has computed, with library molecules replayed, and save.

    Parameters
    ----------
    index : round; every ``surrogate.refit_every`` rounds the members are trained anew from random weights
    """
    settings = config.surrogate
    epochs = settings.fine_tune_epochs
    new, replay = (_columns_of(table, surrogate) for table in (computed, library))
    if new.smiles and settings.refit_every and (index + 1) % settings.refit_every == 0:
        surrogate = surrogate.refit(new, replay_table=replay, seed=seed, progress=progress)
    elif new.smiles and epochs:
        surrogate = surrogate.fine_tune(new, replay_table=replay, epochs=epochs, seed=seed, progress=progress)
    surrogate.save(folder)


def fine_tune_generator(
    generator: JTVAE,
    best_first: Sequence[str],
    computed: PropertyTable,
    library: PropertyTable,
    *,
    config: Config,
    index: int,
    seed: int,
    folder: Path,
    progress: EpochListener | None = None,
) -> None:
    """Weighted retraining on the best known molecules of all roles, candidates among them, and save.

    Parameters
    ----------
    index : round; the model is saved as it is unless ``generator.refresh_every`` rounds have passed

    References
    ----------
    Tripp, Daxberger, Hernandez-Lobato, NeurIPS 2020, arXiv 2006.09191 (rank weights).
    """
    settings = config.generator
    is_due = (index + 1) % settings.refresh_every == 0
    if is_due and settings.fine_tune_epochs and best_first:
        both = PropertyTable(
            (*library.smiles, *computed.smiles), library.keys, np.vstack([library.values, computed.values])
        )
        row_of = {smiles: row for row, smiles in enumerate(both.smiles)}
        properties = both.rows([row_of[smiles] for smiles in best_first])
        generator.fine_tune(
            best_first,
            properties=properties,
            weights=rank_weights(len(best_first), k=settings.rank_constant),
            epochs=settings.fine_tune_epochs,
            lr=settings.fine_tune_learning_rate,
            seed=seed,
            progress=progress,
        )
    generator.save(folder)


def reinforce_generator(
    generator: JTVAE,
    goals: Sequence[Goal],
    *,
    config: Config,
    index: int,
    seed: int,
    folder: Path,
) -> None:
    """Policy-gradient fine-tuning towards what the roles ask for, and save.

    Parameters
    ----------
    goals : property values asked for, and what molecules earn that were made for them; one for each step
    index : round; the model is saved as it is unless ``generator.refresh_every`` rounds have passed

    References
    ----------
    Olivecrona et al., J. Cheminf. 2017, 9, 48, 10.1186/s13321-017-0235-x; see ``heliosc.generation.jtvae.policy``.
    """
    from heliosc.generation.jtvae.policy import PolicySettings  # loads torch

    settings = config.generator.policy_gradient
    if (index + 1) % config.generator.refresh_every == 0 and goals:
        policy = PolicySettings(
            len(goals), settings.batch_size, learning_rate=settings.learning_rate, prior_weight=settings.prior_weight
        )
        generator.reinforce(goals, settings=policy, seed=seed)
    generator.save(folder)


def rank_weights(n: int, *, k: float) -> np.ndarray:
    """(n,) sampling weights 1 / (k n + rank) of molecules given best first, normalised to sum 1."""
    from heliosc.generation.genetic.fitness import rank_weights as weights_by_rank  # loads RDKit

    weights = weights_by_rank(n, k=k)
    return weights / weights.sum()


def prediction_errors(records: Sequence[CandidateRecord]) -> dict[str, dict[str, float]]:
    """``name@level`` -> MAE, coverage of the 95 % interval and count, predictions against fresh values."""
    errors: dict[str, dict[str, float]] = {}
    names = {name for record in records for name in record.predicted if name in record.computed}
    for name in sorted(names):
        pairs = [(r.predicted[name], r.computed[name]) for r in records if name in r.predicted and name in r.computed]
        misses = np.array([value - prediction.mean for prediction, value in pairs])
        widths = np.array([_NORMAL_95 * prediction.std for prediction, _ in pairs])
        errors[name] = {
            "mae": float(np.abs(misses).mean()),
            "coverage95": float((np.abs(misses) <= widths).mean()),
            "n": len(pairs),
        }
    return errors


def _columns_of(table: PropertyTable, surrogate: SurrogateEnsemble) -> PropertyTable:
    """The table restricted to what the surrogate predicts."""
    columns = [column for column, key in enumerate(table.keys) if key in surrogate.keys]
    return PropertyTable(table.smiles, tuple(table.keys[c] for c in columns), table.values[:, columns])
