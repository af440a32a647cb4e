"""A molecular geometry and its XYZ text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ParseError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Atoms in space.

    Attributes
    ----------
    symbols : (n_atoms,) element symbols
    positions : (n_atoms, 3), A
    """

    symbols: tuple[str, ...]
    positions: FloatArray

    @property
    def n_atoms(self) -> int:
        return len(self.symbols)

    def to_xyz(self, comment: str = "") -> str:
        """XYZ text with eight decimals, coordinates in A."""
        atoms = (
            f"{symbol:2s} {x:14.8f} {y:14.8f} {z:14.8f}"
            for symbol, (x, y, z) in zip(self.symbols, self.positions, strict=True)
        )
        return "\n".join((str(self.n_atoms), comment.replace("\n", " "), *atoms)) + "\n"

    @classmethod
    def from_xyz(cls, text: str) -> Geometry:
        """Read the first frame of an XYZ text.

        Raises
        ------
        ParseError : truncated, or not an XYZ text
        """
        lines = text.splitlines()
        try:
            n_atoms = int(lines[0])
            fields = [line.split() for line in lines[2 : 2 + n_atoms]]
            symbols = tuple(field[0].capitalize() for field in fields)
            positions = np.array([[float(value) for value in field[1:4]] for field in fields], dtype=np.float64)
        except (IndexError, ValueError) as error:
            raise ParseError(f"not an XYZ text: {error}; first line {text[:40]!r}") from error
        if n_atoms < 1 or positions.shape != (n_atoms, 3):
            raise ParseError(f"XYZ text announces {n_atoms} atoms but holds coordinates of shape {positions.shape}")
        return cls(symbols, positions)


def electron_count(symbols: Sequence[str], *, charge: int) -> int:
    """Number of electrons of a molecule of the given charge."""
    from ase.data import atomic_numbers

    return sum(atomic_numbers[symbol] for symbol in symbols) - charge
