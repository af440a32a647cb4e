"""Walks through a JT-VAE's latent space: between molecules, uphill along property heads, Bayesian optimisation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliosc.generation.latent.ascent import ascend
    from heliosc.generation.latent.bayesian import optimise, weighted_score
    from heliosc.generation.latent.interpolation import interpolate

_HOMES = {"ascend": "ascent", "interpolate": "interpolation", "optimise": "bayesian", "weighted_score": "bayesian"}

__all__ = ["ascend", "interpolate", "optimise", "weighted_score"]


def __getattr__(name: str) -> object:
    """Load torch and RDKit only when a function is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
