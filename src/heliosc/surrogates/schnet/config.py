"""How a SchNet member is built and trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from heliosc.surrogates.schnet.geometries import STATES
from heliosc.surrogates.training_config import TrainingConfig


@dataclass(frozen=True, slots=True)
class SchNetConfig(TrainingConfig):
    """Architecture and training of the ensemble.

    Attributes
    ----------
    states : charge states whose geometries are read: ``neutral`` alone, or with ``cation`` and ``anion``, which show
        how much every distance changes when a charge arrives
    filters : width of the continuous filters
    interactions : interaction blocks
    gaussians : distances are expanded in this many Gaussians from 0 to ``cutoff``
    cutoff : A, beyond which two atoms do not see each other
    """

    subject: ClassVar[str] = "SchNet setting"

    n_members: int = 2
    hidden: int = 96
    head_hidden: int = 200
    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
    states: tuple[str, ...] = ("neutral",)
    filters: int = 64
    interactions: int = 3
    gaussians: int = 50
    cutoff: float = 5.0

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)  # dataclasses with slots have no zero-argument super()
        for name in ("filters", "interactions"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("hidden", "gaussians"):
            self.require(name, getattr(self, name) >= 2, "at least 2")
        self.require("cutoff", 0 < self.cutoff < math.inf, "a positive distance in A")
        is_ordered = self.states[:1] == ("neutral",) and len(set(self.states)) == len(self.states)
        self.require(
            "states", is_ordered and set(self.states) <= set(STATES), "neutral first, then cation or anion or both"
        )
