"""The genetic generator for users: make it from molecules, generate, neighbours, fine-tune, save, load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.generation.genetic.breeding import Breeder, GeneticSettings, parent_molecule
from heliosc.generation.genetic.fitness import PropertyDistance, rank_weights
from heliosc.generation.genetic.population import Population, load_population, save_population
from heliosc.generation.known_values import values_by_constitution
from heliosc.generation.protocol import PropertyModel
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]

N_ELITE = 200
"""Members nearest to the property values asked for, which become parents."""
BRED_PER_ASKED = 2
"""Molecules bred and predicted for each one asked for, when a surrogate tells the nearest."""


@dataclass(frozen=True, slots=True)
class PopulationUpdate:
    """What ``fine_tune`` did.

    Attributes
    ----------
    n_used : distinct molecules that joined or took a new weight
    n_members : members afterwards
    refused : SMILES -> reason
    """

    n_used: int
    n_members: int
    refused: dict[str, str]


class GeneticGenerator:
    """Breeds molecules by crossover and mutation; a ``Generator`` that has nothing to train.

    Make one with ``GeneticGenerator.of`` or ``GeneticGenerator.load``. It knows constitutions: stereo marks and
    isotopes of the molecules given are dropped.

    Parameters
    ----------
    surrogate : tells the property values of children, when values are asked for; without it children of the members
        with the best known values are given unjudged

    References
    ----------
    Jensen, Chem. Sci. 2019, 10, 3567, 10.1039/C8SC05372C.
    """

    def __init__(
        self, population: Population, *, settings: GeneticSettings | None = None, surrogate: PropertyModel | None = None
    ) -> None:
        self.population = population
        self.settings = settings or GeneticSettings()
        self.surrogate = surrogate

    @classmethod
    def of(
        cls,
        smiles: Sequence[str],
        *,
        properties: PropertyTable | None = None,
        settings: GeneticSettings | None = None,
        surrogate: PropertyModel | None = None,
    ) -> GeneticGenerator:
        """A generator whose population is a list of molecules; those that cannot be parents are left out.

        Raises
        ------
        InputError : none of them can be a parent (the message has the first reason)
        """
        generator = cls(Population((), np.zeros(0)), settings=settings, surrogate=surrogate)
        generator.fine_tune(smiles, properties=properties)
        return generator

    def save(self, folder: Path) -> None:
        """Write the model folder (JSON; the surrogate is not in it).

        Raises
        ------
        ResourceError : the folder cannot be written
        """
        save_population(Path(folder), self.population, self.settings)

    @classmethod
    def load(cls, folder: Path, *, surrogate: PropertyModel | None = None) -> GeneticGenerator:
        """Read a model folder.

        Raises
        ------
        InputError : missing, damaged or of another kind
        """
        population, settings = load_population(Path(folder))
        return cls(population, settings=settings, surrogate=surrogate)

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties that can be asked for: those the surrogate predicts, or those with known values."""
        return self.population.known_keys() if self.surrogate is None else self.surrogate.keys

    def generate(
        self, n: int, *, seed: int, conditions: Mapping[PropertyKey, float] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """Canonical SMILES of ``n`` distinct molecules that are not in the population.

        There are fewer only where a small population has no more children (after 30 matings for each asked for).

        Parameters
        ----------
        conditions : property values wanted, in the unit of each key
        temperature : mean number of mutations of a child beyond its first step from its parents

        Raises
        ------
        InputError : a condition on a property that neither the surrogate nor known values tell
        """
        breeder = self._breeder(n, seed=seed, temperature=temperature)
        if conditions:
            return self._towards(n, PropertyDistance.of(conditions, self.population, self.surrogate), breeder)
        return self._bred(breeder, self.population.smiles, self.population.weights, n)

    def neighbours(self, smiles: Sequence[str], n: int, *, seed: int, temperature: float = 0.0) -> list[str]:
        """Canonical SMILES of ``n`` distinct mutations and crossovers of the given molecules, used in turn.

        A single molecule is crossed with the population.

        Raises
        ------
        InputError : no starting point, or one that cannot be a parent (see ``covers``)
        """
        if not smiles:
            raise InputError("neighbours of no molecule; give at least one starting point")
        parents = list(dict.fromkeys(_spelling(text, self.settings) for text in smiles))
        mates, weights = parents, np.ones(len(parents))
        if len(parents) == 1 and self.population.smiles:
            mates, weights = list(self.population.smiles), self.population.weights
        breeder = self._breeder(n, seed=seed, temperature=temperature)
        return breeder.children(cycle(parents), mates, n, exclude=set(parents), weights=weights)

    def covers(self, smiles: Sequence[str]) -> list[bool]:
        """Whether each molecule can be a parent: neutral, closed shell, one component, known elements and sizes."""
        return [_reason(text, self.settings) == "" for text in smiles]

    def fine_tune(
        self,
        smiles: Sequence[str],
        *,
        properties: PropertyTable | None = None,
        weights: NDArray | None = None,
        epochs: int = 1,
        lr: float = 0.0,
        seed: int = 0,
    ) -> PopulationUpdate:
        """Let molecules join the population, in place; the lightest members make room.

        Parameters
        ----------
        weights : (n,) how often each becomes a parent, such as 1 / (k N + rank); equal by default
        epochs, lr, seed : belong to generators with a network; nothing here depends on them

        Raises
        ------
        InputError : nothing usable, or weights that do not fit
        """
        given = _checked(weights, len(smiles))
        spelling: dict[str, str] = {}
        refused: dict[str, str] = {}
        weight_of: dict[str, float] = {}
        for text, weight in zip(smiles, given.tolist(), strict=True):
            try:
                plain = _spelling(text, self.settings)
            except InputError as error:
                refused[text] = str(error)
                continue
            spelling[text] = plain
            weight_of[plain] = max(weight, weight_of.get(plain, 0.0))
        if not weight_of or not sum(weight_of.values()):
            reason = next(iter(refused.values()), "all weights are zero")
            raise InputError(f"none of {len(smiles)} molecules can join the population, first: {reason}")
        self.population = self.population.joined_by(
            list(weight_of),
            np.array(list(weight_of.values())),
            values_by_constitution(properties, spelling),
            limit=self.settings.max_population,
        )
        return PopulationUpdate(len(weight_of), len(self.population.smiles), refused)

    def _breeder(self, n: int, *, seed: int, temperature: float) -> Breeder:
        if n < 0 or not 0 <= temperature < np.inf:
            raise InputError(f"cannot breed n={n}, temperature={temperature}; expected n >= 0, temperature >= 0")
        return Breeder(self.settings, np.random.default_rng(seed), temperature)

    def _bred(
        self, breeder: Breeder, parents: Sequence[str], weights: FloatArray, n: int, *, known: Sequence[str] = ()
    ) -> list[str]:
        """Distinct children of weighted parents, neither members nor known."""
        drawn = _drawn(parents, weights, breeder.rng)
        return breeder.children(drawn, parents, n, exclude={*self.population.smiles, *known}, weights=weights)

    def _towards(self, n: int, distance: PropertyDistance, breeder: Breeder) -> list[str]:
        """Children near the property values asked for; the nearest become parents in turn if they can be judged."""
        pool = dict(zip(self.population.smiles, distance.of_members(), strict=True))
        if not np.isfinite(list(pool.values())).any():
            raise InputError(
                "no member has known values of all properties asked for; ask for fewer, or give a surrogate"
            )
        if not distance.can_judge:
            return self._bred(breeder, *_elite(pool), n)
        n_generations = self.settings.n_generations
        for _ in range(n_generations):
            size = -(-BRED_PER_ASKED * n // n_generations)
            bred = self._bred(breeder, *_elite(pool), size, known=list(pool))
            pool.update(zip(bred, distance.of_children(bred), strict=True))
        members = set(self.population.smiles)
        children = [text for text in pool if text not in members]
        return sorted(children, key=lambda text: pool[text])[:n]


def _elite(pool: Mapping[str, float]) -> tuple[list[str], FloatArray]:
    """The nearest of a pool, nearest first, with rank weights; molecules without known values are left out."""
    judged = sorted((text for text in pool if np.isfinite(pool[text])), key=lambda text: pool[text])[:N_ELITE]
    return judged, rank_weights(len(judged))


def _drawn(parents: Sequence[str], weights: FloatArray, rng: np.random.Generator) -> Iterator[str]:
    shares = np.cumsum(weights / weights.sum())
    while True:
        yield parents[min(int(np.searchsorted(shares, rng.random(), side="right")), len(parents) - 1)]


def _spelling(smiles: str, settings: GeneticSettings) -> str:
    return str(Chem.MolToSmiles(parent_molecule(smiles, settings)))


def _reason(smiles: str, settings: GeneticSettings) -> str:
    """Why a molecule cannot be a parent; empty if it can."""
    try:
        parent_molecule(smiles, settings)
    except InputError as error:
        return str(error)
    return ""


def _checked(weights: NDArray | None, n: int) -> FloatArray:
    values = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"weights of shape {values.shape}; expected ({n},) non-negative values")
    return values
