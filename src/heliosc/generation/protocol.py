"""What a campaign asks of a generator of molecules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from numpy.typing import NDArray

from heliosc.properties import PredictionTable, PropertyKey, PropertyTable


class PropertyModel(Protocol):
    """What a generator needs of a surrogate."""

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """What it predicts."""
        ...

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict every key of every molecule."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Proposes molecules and learns from those that were evaluated."""

    def generate(
        self, n: int, *, seed: int, conditions: Mapping[PropertyKey, float] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """Canonical SMILES of ``n`` legal molecules, repeats possible.

        Parameters
        ----------
        conditions : property values wanted, in the unit of each key
        temperature : how freely choices are sampled; 0 takes the likeliest
        """
        ...

    def neighbours(self, smiles: Sequence[str], n: int, *, seed: int, temperature: float = 0.0) -> list[str]:
        """Canonical SMILES of ``n`` molecules near the given ones."""
        ...

    def covers(self, smiles: Sequence[str]) -> list[bool]:
        """Which molecules the generator can take as starting points."""
        ...

    def fine_tune(
        self,
        smiles: Sequence[str],
        *,
        properties: PropertyTable | None,
        weights: NDArray | None,
        epochs: int,
        lr: float,
        seed: int,
    ) -> object:
        """Learn from more molecules, drawn in proportion to ``weights``."""
        ...
