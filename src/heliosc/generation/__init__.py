"""Generators of candidate molecules. Submodules load torch and RDKit; this package does not."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliosc.generation.genetic import GeneticGenerator
    from heliosc.generation.jtvae import JTVAE
    from heliosc.generation.protocol import Generator

_HOMES = {
    "JTVAE": "heliosc.generation.jtvae",
    "Generator": "heliosc.generation.protocol",
    "GeneticGenerator": "heliosc.generation.genetic",
}

__all__ = ["JTVAE", "Generator", "GeneticGenerator"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    return getattr(import_module(_HOMES[name]), name)
