"""What a campaign asks of a generator of molecules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
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


class Sample(Protocol):
    """One decoded molecule."""

    @property
    def smiles(self) -> str | None:
        """Canonical SMILES; None if there is no molecule."""
        ...

    @property
    def is_saturated(self) -> bool:
        """Whether an aromatic atom found no double-bond partner and took a hydrogen."""
        ...


@runtime_checkable
class Autoencoder(Generator, Protocol):
    """A generator with a latent space, which gives molecules back and predicts their properties."""

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties that its heads predict and that it can be asked for."""
        ...

    def sample(self, n: int, *, seed: int) -> Sequence[Sample]:
        """As ``generate``, with what happened to each molecule."""
        ...

    def encode(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        """Posterior means, (n, latent)."""
        ...

    def encode_draws(self, smiles: Sequence[str], n_draws: int, *, seed: int) -> NDArray[np.float64]:
        """Draws from the posteriors, (n, n_draws, latent)."""
        ...

    def decode(self, z: NDArray[np.float64], *, seed: int = 0, temperature: float = 0.0) -> list[str | None]:
        """Canonical SMILES of latent vectors, (n, latent)."""
        ...

    def predict_properties(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        """What the property heads say, (n, n_keys) in the unit of each key."""
        ...
