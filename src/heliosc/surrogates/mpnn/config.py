"""How a message-passing member is built and trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from heliosc.surrogates.training_config import TrainingConfig

AGGREGATIONS = ("mean", "norm", "sum")


@dataclass(frozen=True, slots=True)
class MPNNConfig(TrainingConfig):
    """Architecture and training of the ensemble.

    Attributes
    ----------
    depth : chemprop's depth, depth - 1 steps of message passing
    aggregation : fingerprint of a molecule from its atoms: their ``mean``, ``sum``, or sum over ``aggregation_norm``
        (``norm``, what chemprop's command line trains)
    auxiliary_weight : how much each quantity that follows from the targets (``auxiliary``) counts in the loss; 0 = none
    """

    subject: ClassVar[str] = "surrogate setting"

    dropout: float = 0.1
    depth: int = 3
    aggregation: str = "mean"
    aggregation_norm: float = 100.0
    auxiliary_weight: float = 0.0

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)  # dataclasses with slots have no zero-argument super()
        self.require("depth", self.depth >= 1, "at least 1")
        self.require("aggregation", self.aggregation in AGGREGATIONS, f"one of: {', '.join(AGGREGATIONS)}")
        self.require("aggregation_norm", self.aggregation_norm > 0, "more than 0")
        self.require("auxiliary_weight", 0 <= self.auxiliary_weight < math.inf, "0 or more")
