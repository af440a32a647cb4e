"""A genetic baseline: molecules bred from a population by crossover and mutation of their graphs.

References
----------
Jensen, Chem. Sci. 2019, 10, 3567, 10.1039/C8SC05372C (graph-based genetic algorithm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliosc.generation.genetic.breeding import GeneticSettings
    from heliosc.generation.genetic.generator import GeneticGenerator

__all__ = ["GeneticGenerator", "GeneticSettings"]


def __getattr__(name: str) -> object:
    """Load RDKit only when a class is asked for."""
    if name == "GeneticGenerator":
        from heliosc.generation.genetic.generator import GeneticGenerator

        return GeneticGenerator
    if name == "GeneticSettings":
        from heliosc.generation.genetic.breeding import GeneticSettings

        return GeneticSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
