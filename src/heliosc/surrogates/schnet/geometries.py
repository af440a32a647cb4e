"""Where a three-dimensional model gets its geometries: providers, each of one level of theory.

This room computes no quantum chemistry. A provider is handed in: the shipped library or an xTB optimisation by
``heliosc.campaign.geometry_sources``, a force field by ``force_field``, any of them behind a ``cache``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.errors import InputError
from heliosc.properties import PropertyTable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STATES = ("neutral", "cation", "anion")
"""Charge states; a model reads the first, or all three."""


@dataclass(frozen=True, slots=True, eq=False)
class MolecularGeometry:
    """One molecule in space, in one charge state or several, its atoms always in the same order.

    Attributes
    ----------
    atomic_numbers : (n_atoms,), hydrogens included
    positions : charge state -> (n_atoms, 3), A
    """

    atomic_numbers: IntArray
    positions: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        for state, positions in self.positions.items():
            if positions.shape != (len(self.atomic_numbers), 3) or not np.isfinite(positions).all():
                raise InputError(
                    f"the {state} geometry has positions of shape {positions.shape} for {len(self.atomic_numbers)} "
                    "atoms, or not finite ones; expected (n_atoms, 3) numbers in A"
                )


@dataclass(frozen=True, slots=True)
class MissingGeometry:
    """A molecule that has no geometry, and why."""

    smiles: str
    reason: str

    def __str__(self) -> str:
        return f"{self.smiles[:80]}: {self.reason}"


class GeometryProvider(Protocol):
    """Gives the geometries of one level of theory, and never those of another."""

    @property
    def level(self) -> str:
        """Level of theory of every geometry, such as ``gfn2`` or ``etkdg-mmff94``."""
        ...

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        """Geometry of each molecule in all the states, or why there is none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class KnownGeometries:
    """Geometries at hand.

    Attributes
    ----------
    level : of all of them
    of_molecule : InChIKey -> geometry
    """

    level: str
    of_molecule: Mapping[str, MolecularGeometry]

    @classmethod
    def of_states(cls, level: str, entries: Iterable[tuple[str, str, IntArray, FloatArray]]) -> KnownGeometries:
        """Put (InChIKey, charge state, atomic numbers, positions) together, molecule by molecule.

        Raises
        ------
        InputError : the states of a molecule have their atoms in different orders
        """
        return cls(level, join_states(entries))

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        """Geometry of each molecule in all the states, or why there is none."""
        return [self._find(text, states) for text in smiles]

    def _find(self, smiles: str, states: Sequence[str]) -> MolecularGeometry | MissingGeometry:
        try:
            key = inchikey(parse_smiles(smiles))
        except InputError as error:
            return MissingGeometry(smiles, str(error))
        known = self.of_molecule.get(key)
        absent = [state for state in states if known is None or state not in known.positions]
        if known is None or absent:
            return MissingGeometry(smiles, f"no {self.level} geometry of the {', '.join(absent)} ({key})")
        return known


def join_states(entries: Iterable[tuple[str, str, IntArray, FloatArray]]) -> dict[str, MolecularGeometry]:
    """InChIKey -> geometry in all its states, from (InChIKey, charge state, atomic numbers, positions).

    Raises
    ------
    InputError : the states of a molecule have their atoms in different orders
    """
    numbers_of: dict[str, IntArray] = {}
    positions_of: dict[str, dict[str, FloatArray]] = {}
    for key, state, numbers, positions in entries:
        if not np.array_equal(numbers_of.setdefault(key, numbers), numbers):
            raise InputError(f"the charge states of {key} list their atoms in different orders; expected one order")
        positions_of.setdefault(key, {})[state] = positions
    return {key: MolecularGeometry(numbers, positions_of[key]) for key, numbers in numbers_of.items()}


def find_geometries(
    provider: GeometryProvider, smiles: Sequence[str], *, states: Sequence[str]
) -> list[MolecularGeometry | MissingGeometry]:
    """Ask a provider, and refuse a geometry that is not of the molecule asked for: its atoms are counted."""
    found = provider.find(smiles, states=states)
    return [_checked(text, entry) for text, entry in zip(smiles, found, strict=True)]


def all_geometries(
    provider: GeometryProvider, smiles: Sequence[str], *, states: Sequence[str]
) -> list[MolecularGeometry]:
    """The geometry of every molecule.

    Raises
    ------
    InputError : a molecule has none; the message names the first rows, counted from 0, with the reasons
    """
    found = find_geometries(provider, smiles, states=states)
    missing = [(row, entry) for row, entry in enumerate(found) if isinstance(entry, MissingGeometry)]
    if missing:
        shown = "; ".join(f"row {row}: {entry}" for row, entry in missing[:3])
        raise InputError(
            f"{len(missing)} of {len(smiles)} molecules have no {provider.level} geometry: {shown}. Compute them, or "
            "leave these molecules out (`with_geometry` for a table, `predict_available` for a prediction)"
        )
    return [entry for entry in found if isinstance(entry, MolecularGeometry)]


def with_geometry(
    table: PropertyTable, provider: GeometryProvider, *, states: Sequence[str]
) -> tuple[PropertyTable, tuple[MissingGeometry, ...]]:
    """The rows of a table that have a geometry, and the molecules left out with the reason."""
    found = find_geometries(provider, table.smiles, states=states)
    kept = [row for row, entry in enumerate(found) if isinstance(entry, MolecularGeometry)]
    return table.rows(kept), tuple(entry for entry in found if isinstance(entry, MissingGeometry))


def _checked(smiles: str, entry: MolecularGeometry | MissingGeometry) -> MolecularGeometry | MissingGeometry:
    if isinstance(entry, MissingGeometry):
        return entry
    atoms = Chem.AddHs(parse_smiles(smiles)).GetAtoms()
    expected = sorted(atom.GetAtomicNum() for atom in atoms)
    if sorted(entry.atomic_numbers.tolist()) == expected:
        return entry
    return MissingGeometry(
        smiles, f"the geometry on record has other atoms ({len(entry.atomic_numbers)}; expected {len(expected)})"
    )
