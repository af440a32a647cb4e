"""The junction-tree variational autoencoder.

References
----------
Jin, Barzilay, Jaakkola, ICML 2018, arXiv:1802.04364 (junction-tree VAE).
Jin, Barzilay, Jaakkola, ICML 2020, arXiv:2002.03230 (attachments predicted instead of enumerated).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliosc.generation.jtvae.config import Compute, JTVAEConfig, ModelConfig, TrainingConfig
    from heliosc.generation.jtvae.generator import JTVAE

__all__ = ["JTVAE", "Compute", "JTVAEConfig", "ModelConfig", "TrainingConfig"]


def __getattr__(name: str) -> object:
    """Load torch and RDKit only when a class is asked for."""
    if name == "JTVAE":
        from heliosc.generation.jtvae.generator import JTVAE

        return JTVAE
    if name in __all__:
        from heliosc.generation.jtvae import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
