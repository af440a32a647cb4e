"""Where candidates come from: the JT-VAE, genetic breeding, a fixed pool, or several of them in one round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from heliosc.campaign.shares import parts_by_share
from heliosc.config import Config, GeneratorSettings
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.selection.roles import Role

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE
    from heliosc.generation.protocol import Generator, PropertyModel

_N_TARGETS = 4  # different property targets asked of a generator in one round
_N_PARENTS = 30
_AMBITION = (0.02, 0.25)  # quantiles of the known values from which targets of open objectives are drawn


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for in a round.

    Attributes
    ----------
    role : what the molecules are for
    parents : the best known molecules for the role, best first
    known_values : computed values, from which the targets of open objectives are drawn
    """

    role: Role
    parents: Sequence[str]
    known_values: PropertyTable


class Source(Protocol):
    """Proposes molecules, unfiltered, with a word for where each comes from."""

    def propose(self, wish: Wish, n: int, *, seed: int) -> list[tuple[str, str]]:
        """About ``n`` (SMILES, origin) pairs; the same seed gives the same ones."""
        ...


class JTVAESource:
    """Conditional samples of the JT-VAE and neighbours of the best known molecules."""

    def __init__(self, generator: JTVAE, settings: GeneratorSettings) -> None:
        self._generator, self._settings = generator, settings

    def propose(self, wish: Wish, n: int, *, seed: int) -> list[tuple[str, str]]:
        settings = self._settings
        make = partial(
            self._generator.generate,
            temperature=settings.temperature,
            attachment_temperature=settings.attachment_temperature,
            top_k=settings.top_k,
            n_per_latent=settings.samples_per_latent,
            beam_width=settings.beam_width,
        )
        return _conditional_and_near(
            self._generator, make, "jtvae", wish, n, keys=self._generator.keys, settings=settings, seed=seed
        )


class GeneticSource:
    """Children of the best known molecules, bred towards the same targets as the JT-VAE is asked for."""

    def __init__(self, surrogate: PropertyModel, settings: GeneratorSettings) -> None:
        self._surrogate, self._settings = surrogate, settings

    def propose(self, wish: Wish, n: int, *, seed: int) -> list[tuple[str, str]]:
        from heliosc.generation.genetic import GeneticGenerator

        if not wish.parents:
            raise InputError(
                "the genetic source breeds known molecules, and none is known; give campaign.library, or let another "
                "source of generator.sources begin"
            )
        generator = GeneticGenerator.of(wish.parents, surrogate=self._surrogate)
        keys = self._surrogate.keys
        make = partial(generator.generate, temperature=self._settings.temperature)
        return _conditional_and_near(generator, make, "genetic", wish, n, keys=keys, settings=self._settings, seed=seed)


class PoolSource:
    """Molecules of a fixed pool in random order."""

    def __init__(self, smiles: Sequence[str]) -> None:
        self._smiles = list(smiles)

    def propose(self, wish: Wish, n: int, *, seed: int) -> list[tuple[str, str]]:
        order = np.random.default_rng(seed).permutation(len(self._smiles))[:n]
        return [(self._smiles[row], "pool") for row in order]


class MixedSource:
    """Several sources, each for its share."""

    def __init__(self, sources: Sequence[tuple[Source, float]]) -> None:
        self._sources = list(sources)

    def propose(self, wish: Wish, n: int, *, seed: int) -> list[tuple[str, str]]:
        sizes = parts_by_share(n, [share for _, share in self._sources])
        pairs = zip(self._sources, sizes, strict=True)
        return [proposal for (source, _), size in pairs for proposal in source.propose(wish, size, seed=seed)]


def make_source(
    config: Config, *, generator: Callable[[], JTVAE], surrogate: Callable[[], PropertyModel], known: Collection[str]
) -> Source:
    """The source that ``generator.sources`` describes.

    Parameters
    ----------
    generator, surrogate : called only by sources that use them
    known : skeleton keys that a pool need not propose again

    Raises
    ------
    InputError : the pool cannot be read, or has nothing new
    """
    settings = config.generator
    makers: dict[str, Callable[[], Source]] = {
        "jtvae": lambda: JTVAESource(generator(), settings),
        "genetic": lambda: GeneticSource(surrogate(), settings),
        "pool": lambda: PoolSource(_unknown_of_pool(config, known)),
    }
    return MixedSource([(makers[name](), share) for name, share in settings.sources.items()])


def _unknown_of_pool(config: Config, known: Collection[str]) -> list[str]:
    """Molecules of ``generator.pool``, or of the embedded library, that have no known values yet."""
    from heliosc.datasets.csv_source import read_smiles
    from heliosc.datasets.library.load import library_smiles
    from heliosc.selection.novelty import novel_mask

    file = config.generator.pool
    smiles = library_smiles() if file is None else list(read_smiles(file)[0])
    new = [text for text, is_new in zip(smiles, novel_mask(smiles, known), strict=True) if is_new]
    if not new:
        raise InputError(
            f"{file or 'the embedded library'} has no molecule whose values are not known; name a larger generator.pool"
        )
    return new


def _conditional_and_near(
    generator: Generator,
    make: Callable[..., list[str]],
    name: str,
    wish: Wish,
    n: int,
    *,
    keys: Collection[PropertyKey],
    settings: GeneratorSettings,
    seed: int,
) -> list[tuple[str, str]]:
    """Molecules made for drawn targets (by ``make``), and neighbours of the best known ones."""
    n_near = round(n * settings.neighbour_share) if wish.parents else 0
    rng = np.random.default_rng(seed)
    proposals: list[tuple[str, str]] = []
    for size in parts_by_share(n - n_near, [1.0] * _N_TARGETS):
        if size:
            conditions = draw_targets(wish.role, wish.known_values, keys, rng=rng)
            made = make(size, seed=int(rng.integers(2**31)), conditions=conditions)
            proposals += [(smiles, name) for smiles in made]
    usable = generator.covers(wish.parents)
    covered = [smiles for smiles, is_covered in zip(wish.parents, usable, strict=True) if is_covered]
    if n_near and covered:
        nearby = generator.neighbours(covered[:_N_PARENTS], n_near, seed=int(rng.integers(2**31)))
        proposals += [(smiles, f"{name}-neighbour") for smiles in nearby]
    return proposals


def draw_targets(
    role: Role, known: PropertyTable, keys: Collection[PropertyKey], *, rng: np.random.Generator
) -> dict[PropertyKey, float]:
    """Property values to ask for: inside the goal of a windowed objective, else among the best known values."""
    targets: dict[PropertyKey, float] = {}
    for objective in role.objectives:
        if objective.key not in keys or objective.key not in known.keys:
            continue
        if objective.goal is not None:
            targets[objective.key] = float(rng.uniform(objective.goal.lower, objective.goal.upper))
            continue
        quantile = rng.uniform(*_AMBITION)
        values = known.column(objective.key)
        best_low = objective.direction == "minimise"
        targets[objective.key] = float(np.nanquantile(values, quantile if best_low else 1 - quantile))
    return targets
