"""How latent vectors become molecules: chance, breadth and number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

from heliosc.errors import InputError


class DecodingOptions(TypedDict, total=False):
    """Keyword arguments of everything that decodes; meaning and defaults are those of ``Decoding``."""

    temperature: float
    attachment_temperature: float | None
    top_k: int
    n_per_latent: int
    beam_width: int


@dataclass(frozen=True, slots=True)
class Decoding:
    """How latent vectors are decoded.

    Attributes
    ----------
    temperature : how freely words, and where to stop, are chosen; 0 takes the likeliest
    attachment_temperature : how freely ports and sites are chosen; None = as freely as words
    top_k : choose words, ports and sites among so many of the likeliest; 0 = among all
    n_per_latent : molecules decoded from each latent vector
    beam_width : partial molecules followed side by side, of which the likeliest whole one comes out (see ``beam``);
        it leaves nothing to chance, so the temperature must be 0

    Raises
    ------
    InputError : a number out of range
    """

    temperature: float = 1.0
    attachment_temperature: float | None = None
    top_k: int = 0
    n_per_latent: int = 1
    beam_width: int = 1

    def __post_init__(self) -> None:
        temperatures = (self.temperature, self.place_temperature)
        if not all(0 <= value < math.inf for value in temperatures) or self.n_per_latent < 1 or self.top_k < 0:
            raise InputError(
                f"cannot decode with {self}; expected finite temperatures, 0 or more, n_per_latent >= 1, top_k >= 0"
            )
        if self.beam_width < 1 or (self.beam_width > 1 and (any(temperatures) or self.n_per_latent > 1)):
            raise InputError(
                f"cannot decode with {self}; a beam of several finds the one likeliest molecule: "
                "expected temperature 0 and n_per_latent 1"
            )

    @property
    def place_temperature(self) -> float:
        """Of ports and sites."""
        return self.temperature if self.attachment_temperature is None else self.attachment_temperature
