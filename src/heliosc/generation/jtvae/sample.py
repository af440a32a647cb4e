"""Decoding any number of latent vectors into molecules."""

from __future__ import annotations

import torch
from torch import Tensor

from heliosc.errors import InputError
from heliosc.generation.jtvae.beam import Beam
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Chunk, Decoded, DecodeLimits, Growing, finished
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import LegalMoves

CHUNK = 128
"""Molecules decoded side by side."""


class MoleculeSampler:
    """Decodes with one network and vocabulary."""

    def __init__(self, network: Network, legal: LegalMoves, *, limits: DecodeLimits | None = None) -> None:
        self._network, self._legal, self._limits = network, legal, limits or DecodeLimits()

    @torch.no_grad()
    def decode(
        self, latent: Tensor, decoding: Decoding, *, generator: torch.Generator, core: JunctionTree | None = None
    ) -> list[Decoded]:
        """Decode conditioned latent vectors, one molecule each.

        Parameters
        ----------
        latent : (n, input_size) as from ``Network.condition``
        generator : a CPU generator, the source of all chance
        core : what every molecule begins with; its nodes are then offered more children, the last first

        Raises
        ------
        InputError : a beam of several with a core
        """
        if decoding.beam_width > 1 and core is not None:
            raise InputError("a core is grown without a beam; expected beam_width 1")
        size = max(1, CHUNK // decoding.beam_width)
        found: list[Decoded] = []
        for start in range(0, len(latent), size):
            grown = self._grow(latent[start : start + size], decoding, generator, core)
            found.extend(finished(molecule) for molecule in grown)
        return found

    def _grow(
        self, latent: Tensor, decoding: Decoding, generator: torch.Generator, core: JunctionTree | None
    ) -> list[Growing]:
        kind = Chunk if decoding.beam_width == 1 else Beam
        chunk = kind(self._network, self._legal, latent, decoding=decoding, generator=generator, limits=self._limits)
        return chunk.grow(core)
