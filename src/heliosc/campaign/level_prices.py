"""What a calculation of a molecule at a level costs: from the times of those that were done, else an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from heliosc.campaign.calculations import n_atoms
from heliosc.config import Config
from heliosc.execution import QCResultStore
from heliosc.qc.levels import estimated_core_seconds, level_scheme
from heliosc.selection.objectives import FloatArray
from heliosc.selection.prices import PriceModel

ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class LevelPrices:
    """Core seconds of calculations at one level.

    Attributes
    ----------
    level : as configured
    response : asked for beside energies, where there is no measured time
    model : fitted to measured times; None before the first
    source : ``estimate``, or how many times were measured
    """

    level: str
    response: tuple[str, ...] = ()
    model: PriceModel | None = None
    source: str = ESTIMATE

    def core_seconds(self, smiles: Sequence[str]) -> FloatArray:
        """(n_molecules,)"""
        sizes = [n_atoms(text) for text in smiles]
        if self.model is not None:
            return self.model.seconds(sizes)
        scheme = level_scheme(self.level)
        return np.array([estimated_core_seconds(scheme, size, response=self.response) for size in sizes])


def level_prices(
    level: str, done: Iterable[tuple[str, str]], store: QCResultStore, config: Config
) -> LevelPrices:  # fmt: skip
    """Prices at a level, from the processor times that the store has kept.

    Parameters
    ----------
    done : (SMILES, calculation key) of what was computed at this level
    """
    response = () if level == "gfn2" else config.qc.response
    if config.campaign.prices == "estimated":
        return LevelPrices(level, response)
    timed = [(n_atoms(smiles), seconds) for smiles, key in done if (seconds := _core_seconds(store, key))]
    if not timed:
        return LevelPrices(level, response)
    sizes, times = zip(*timed, strict=True)
    return LevelPrices(level, response, PriceModel.fit(sizes, times), f"{len(timed)} measured")


def _core_seconds(store: QCResultStore, key: str) -> float | None:
    """Of the attempt that gave the result; None = not measured."""
    return next((attempt.cpu_s for attempt in store.attempts(key) if attempt.outcome == "done"), None)
