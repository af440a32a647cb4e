"""Settings of an external calculation, checked before any of their text reaches an input file.

A Psi4 input is Python and ORCA and Gaussian inputs have directives of their own, so every word is held against an
allow-list: no white space, quotes, ``%``, ``$``, ``!``, ``#`` or line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heliosc.errors import InputError
from heliosc.properties.levels import XTB_METHODS
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.methods import GRIDS, Grid, Method, canonical_basis

Task = Literal["energy", "optimize", "excitations", "polarizability", "frequencies"]

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9+*().,=_/-]{0,59}", re.ASCII)
MEMORY_SHARE = 0.75  # programs exceed the memory they are told to use; this share leaves them room
MIN_MEMORY_MB = 400  # Psi4 refuses less than 250 MiB


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """Method and resources of one program.

    Attributes
    ----------
    method, basis : e.g. ``B3LYP`` and ``def2-SVP``
    dispersion : ``d3bj``, ``d4`` or empty
    grid : ``coarse``, ``normal`` or ``fine``; written in the program's own terms
    solvation, solvent : solvent model and solvent, both empty in the gas phase
    keywords : the user's further words; Psi4 options as ``name=value``
    scf_words, geometry_words : a remedy's words: Psi4 options as ``name=value``; ORCA simple keywords and lines of
        ``%geom``; Gaussian options of ``scf=()`` and of ``opt=()``
    guess : a smaller basis (xtb: an electronic temperature in K) that the orbitals are converged with first
    n_cores : cores of one calculation
    memory_mb : memory that the whole calculation may take; the program is told to use three quarters of it
    timeout_s : wall-time limit, after which the whole process group is killed

    Raises
    ------
    InputError : a word outside the allow-list, or a number out of range
    """

    method: str
    basis: str
    keywords: tuple[str, ...] = ()
    dispersion: str = ""
    grid: Grid = "normal"
    solvation: str = ""
    solvent: str = ""
    scf_words: tuple[str, ...] = ()
    geometry_words: tuple[str, ...] = ()
    guess: str = ""
    n_cores: int = 1
    memory_mb: int = 2_000
    max_scf_cycles: int = 200
    max_optimization_cycles: int = 200
    timeout_s: float = 86_400.0

    def __post_init__(self) -> None:
        named = (self.dispersion, self.solvation, self.solvent, self.guess)
        basis = () if self.method.lower() in XTB_METHODS and not self.basis else (self.basis,)
        for word in (self.method, *basis, *self.keywords, *filter(None, named)):
            check_word(word)
        if self.grid not in GRIDS:
            raise InputError(f"grid is {self.grid!r}; expected one of: {', '.join(GRIDS)}")
        for name in ("n_cores", "max_scf_cycles", "max_optimization_cycles", "timeout_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; expected a positive number")
        if self.memory_mb < MIN_MEMORY_MB:
            raise InputError(f"memory_mb is {self.memory_mb}; expected at least {MIN_MEMORY_MB}")

    @property
    def program_memory_mb(self) -> int:
        """What the program is told to use."""
        return int(self.memory_mb * MEMORY_SHARE)

    def level(self, program: str) -> str:
        """Level of theory; the program belongs to it, since ``B3LYP`` is not the same functional everywhere."""
        return self.as_method().level(program)

    def as_method(self) -> Method:
        """The same method in no program's spelling."""
        return Method(
            self.method.lower(),
            canonical_basis(self.basis),
            self.dispersion,
            self.grid,
            self.solvation,
            self.solvent.lower(),
        )

    @classmethod
    def of(
        cls, method: Method, *, n_cores: int = 1, memory_mb: int = 2_000, keywords: tuple[str, ...] = ()
    ) -> ProgramSettings:
        """Settings that run a method."""
        return cls(
            method.name,
            method.basis,
            keywords,
            dispersion=method.dispersion,
            grid=method.grid,
            solvation=method.solvation,
            solvent=method.solvent,
            n_cores=n_cores,
            memory_mb=memory_mb,
        )


def check_word(word: str) -> str:
    """Hold one word of an input against the allow-list.

    Raises
    ------
    InputError : any other character, or more than 60 of them
    """
    if not WORD.fullmatch(word):
        raise InputError(
            f"{word[:60]!r} cannot go into an input file; expected one word of letters, digits and +*().,=_/- "
            "that starts with a letter or digit"
        )
    return word


def refuse_words(settings: ProgramSettings, *, reserved: Collection[str], program: str) -> None:
    """Refuse words that would turn the job into another one than asked for.

    Raises
    ------
    InputError : a reserved word, alone or before ``=`` or ``(``
    """
    if not settings.basis:
        raise InputError(f"{program}: {settings.method} is an xTB method; run it with program tblite or xtb")
    for word in (settings.method, settings.basis, *settings.keywords):
        stem = re.split(r"[=(]", word.lower(), maxsplit=1)[0]
        if stem in reserved:
            raise InputError(
                f"{program}: {word!r} changes what is computed; leave it out, heliosc writes the job itself"
            )


@dataclass(frozen=True, slots=True)
class Job:
    """One electronic structure asked for.

    Raises
    ------
    InputError : unknown element, coordinates that are not finite, or an impossible charge and multiplicity
    """

    geometry: Geometry
    charge: int
    multiplicity: int
    task: Task = "energy"

    def __post_init__(self) -> None:
        if self.geometry.n_atoms < 1 or not np.isfinite(self.geometry.positions).all():
            raise InputError("the geometry is empty or has coordinates that are not finite; expected numbers in A")
        try:
            n_electrons = electron_count(self.geometry.symbols, charge=self.charge)
        except KeyError as error:
            raise InputError(f"unknown element {error}; expected symbols such as C or Se") from error
        n_unpaired = self.multiplicity - 1
        if not 0 <= n_unpaired <= n_electrons or (n_electrons - n_unpaired) % 2:
            raise InputError(
                f"charge {self.charge} leaves {n_electrons} electrons, which cannot have multiplicity "
                f"{self.multiplicity}; an even number needs 1, 3, ..., an odd one 2, 4, ..."
            )

    def atom_lines(self) -> str:
        """One ``symbol x y z`` line an atom, A."""
        return "\n".join(self.geometry.to_xyz().splitlines()[2:])
