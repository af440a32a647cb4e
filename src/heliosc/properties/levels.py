"""Levels of theory: where a number comes from, and on which scale it stands.

``A//B`` means single points at A on geometries optimised at B. IE and EA from GFN2-xTB and IPEA1-xTB carry the
published empirical shift of 4.846 eV, so every stored value is on the gas-phase scale of experiment.

References
----------
Neugebauer, Bohle, Bursch, Hansen, Grimme, J. Phys. Chem. A 2020, 124, 7166 (shift 4.846 eV).
Asgeirsson, Bauer, Grimme, Chem. Sci. 2017, 8, 4879 (IPEA1-xTB).
"""

from __future__ import annotations

from dataclasses import dataclass

from heliosc.errors import InputError
from heliosc.properties.names import property_definition

XTB_IONIZATION_SHIFT_EV = 4.846
"""Subtracted from the delta-SCC IE and EA of xTB methods, eV."""


@dataclass(frozen=True, slots=True)
class LevelOfTheory:
    """A named way of obtaining values; values of different levels are never pooled."""

    name: str
    tier: str
    scale: str
    meaning: str


LEVELS: dict[str, LevelOfTheory] = {
    level.name: level
    for level in (
        LevelOfTheory("gfn2", "xtb", "gas phase", "GFN2-xTB; IE and EA shifted by -4.846 eV"),
        LevelOfTheory(
            "ipea1//gfn2", "xtb", "gas phase", "IPEA1-xTB on GFN2-xTB geometries; IE and EA shifted by -4.846 eV"
        ),
        LevelOfTheory("structure", "predicted", "1", "computed from the molecular graph alone"),
    )
}


def level_of_theory(name: str) -> LevelOfTheory:
    """Look a level up.

    Raises
    ------
    InputError : the level is not registered
    """
    if name not in LEVELS:
        raise InputError(f"unknown level of theory {name!r}; expected one of: {', '.join(LEVELS)}")
    return LEVELS[name]


@dataclass(frozen=True, slots=True, order=True)
class PropertyKey:
    """A property at a level of theory: the identity of a column, a model head or an objective."""

    name: str
    level: str

    def __str__(self) -> str:
        return f"{self.name}@{self.level}"

    @property
    def unit(self) -> str:
        return property_definition(self.name).unit

    @classmethod
    def parse(cls, text: str) -> PropertyKey:
        """Read ``name@level``.

        Raises
        ------
        InputError : not of that form, or an unknown name or level
        """
        name, separator, level = text.partition("@")
        if not separator:
            raise InputError(f"property {text!r} names no level of theory; expected NAME@LEVEL, e.g. lambda_hole@gfn2")
        return cls(property_definition(name).name, level_of_theory(level).name)


DEFAULT_TARGETS: tuple[PropertyKey, ...] = (
    PropertyKey("vertical_ionization_energy", "ipea1//gfn2"),
    PropertyKey("vertical_electron_affinity", "gfn2"),
    PropertyKey("lambda_hole", "gfn2"),
    PropertyKey("lambda_electron", "gfn2"),
    PropertyKey("homo_energy", "gfn2"),
    PropertyKey("lumo_energy", "gfn2"),
    PropertyKey("homo_lumo_gap", "gfn2"),
    PropertyKey("dipole_moment", "gfn2"),
    PropertyKey("polarizability", "gfn2"),
)
"""What the embedded surrogate predicts."""
