"""Levels of theory: where a number comes from, and on which scale it stands.

``A//B`` means single points at A on geometries optimised at B. Each of the two is an xTB method (``gfn2``), or
``functional-dispersion/basis[program]``: the program belongs to it, since ``b3lyp`` is not the same functional
everywhere. A solvent model is part of the level: ``gfn2+alpb(toluene)``, ``b3lyp-d4/def2-svp+smd(toluene)[orca]``.
Excitation energies carry ``tda-`` or ``td-`` before the functional. ``cal-NAME.VERSION//BASE`` is a value of level BASE
after a fitted map: to gas-phase experiment (``gas``), to cyclic voltammetry (``cv``; ``cvpolymer`` from a repeat unit
to its polymer), to a film (``film``), or to a better level under any other name.

IE and EA from GFN2-xTB and IPEA1-xTB carry the published empirical shift of 4.846 eV, so every stored value is on the
gas-phase scale of experiment.

References
----------
Neugebauer, Bohle, Bursch, Hansen, Grimme, J. Phys. Chem. A 2020, 124, 7166 (shift 4.846 eV).
Asgeirsson, Bauer, Grimme, Chem. Sci. 2017, 8, 4879 (IPEA1-xTB).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

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
        LevelOfTheory(
            "d4//gfn2",
            "xtb",
            "gas phase",
            "polarizability of the D4 model, added up from atoms with GFN2-xTB's charges",
        ),
        LevelOfTheory("structure", "predicted", "1", "computed from the molecular graph alone"),
        LevelOfTheory("gfnff", "xtb", "1", "GFN-FF force field; small clusters in vacuum"),
        LevelOfTheory(
            "mmff94-npt", "xtb", "bulk", "MMFF94 force field; periodic molecular dynamics at 298.15 K and 1 bar"
        ),
        LevelOfTheory("dftb", "xtb", "gas phase", "density-functional tight binding, parameters as the data set's"),
        LevelOfTheory("scharber//gfn2", "xtb", "device model", "Scharber's model on calibrated GFN2-xTB orbitals"),
        LevelOfTheory("scharber//dft", "dft", "device model", "Scharber's model on calibrated DFT orbitals"),
        LevelOfTheory("pair//gfn2", "xtb", "device model", "with the partner of its role, from levels of xTB methods"),
        LevelOfTheory("pair//dft", "dft", "device model", "with the partner of its role, from DFT levels"),
        LevelOfTheory("experiment", "experiment", "as published", "measured"),
        LevelOfTheory("experiment-cv", "experiment", "CV", "measured by cyclic voltammetry, against vacuum"),
        LevelOfTheory("experiment-film", "experiment", "film", "measured on a film"),
        LevelOfTheory("experiment-solution", "experiment", "solution", "measured in solution"),
        LevelOfTheory("experiment-device", "experiment", "device", "measured on a device"),
    )
}


XTB_METHODS = {"gfn2": "GFN2-xTB", "gfn1": "GFN1-xTB", "ipea1": "IPEA1-xTB"}
GEOMETRY_SOURCES = (*XTB_METHODS, "gfnff", "mmff94", "uff", "experiment", "unknown")
SOLVENT_MODELS = ("alpb", "gbsa", "ddcosmo", "ddpcm", "cosmo", "cpcm", "pcm", "smd")

_SOLVENT = rf"(?:\+(?P<model>{'|'.join(SOLVENT_MODELS)})\((?P<solvent>[a-z0-9][a-z0-9_.,-]{{0,39}})\))?"
_XTB = re.compile(rf"(?P<method>{'|'.join(GEOMETRY_SOURCES)}){_SOLVENT}")
_AB_INITIO = re.compile(
    r"(?P<method>[a-z0-9][a-z0-9()_.-]{0,39})/(?P<basis>[a-z0-9][a-z0-9()_.,*+-]{0,39}?)"
    rf"{_SOLVENT}(?:\[(?P<program>[a-z0-9]{{1,20}})\])?"
)


_CALIBRATED = re.compile(r"cal-(?P<name>[a-z0-9]{1,20})\.(?P<version>[1-9][0-9]{0,3})//(?P<base>.+)")
_CALIBRATED_SCALES = {"gas": "gas phase", "cv": "CV", "cvpolymer": "CV", "film": "film"}


@dataclass(frozen=True, slots=True)
class LevelPart:
    """One side of ``A//B``.

    Attributes
    ----------
    method : xTB method, or functional with its dispersion correction
    basis, program : empty for xTB methods and where a source does not say
    model, solvent : both empty in the gas phase
    """

    method: str
    basis: str = ""
    model: str = ""
    solvent: str = ""
    program: str = ""

    @property
    def is_xtb(self) -> bool:
        return self.method in XTB_METHODS and not self.basis


@cache
def parse_level(name: str) -> tuple[LevelPart, LevelPart | None]:
    """Both sides of ``A//B``; the second is ``None`` where single points and geometries share one level.

    Raises
    ------
    InputError : not of that form
    """
    sides = name.split("//")
    matches = [_XTB.fullmatch(side) or _AB_INITIO.fullmatch(side) for side in sides]
    parts = [LevelPart(**{k: v or "" for k, v in match.groupdict().items()}) for match in matches if match]
    if len(parts) < len(sides) or len(sides) > 2 or not (parts[0].is_xtb or parts[0].basis):
        raise InputError(
            f"unknown level of theory {name[:120]!r}; expected one of: {', '.join(LEVELS)}, "
            "or METHOD/BASIS[PROGRAM]//GEOMETRY, e.g. b3lyp/def2-svp[psi4]//gfn2"
        )
    return parts[0], parts[1] if len(parts) == 2 else None


@cache
def level_of_theory(name: str) -> LevelOfTheory:
    """Look a level up; every well-formed ``A//B`` is one.

    Raises
    ------
    InputError : neither registered nor well-formed
    """
    if name in LEVELS:
        return LEVELS[name]
    calibrated = _CALIBRATED.fullmatch(name)
    if calibrated:
        return _calibrated_definition(name, **calibrated.groupdict())
    single_points, geometry = parse_level(name)
    scale = f"solution in {single_points.solvent}" if single_points.solvent else "gas phase"
    where = f" on geometries at {name.split('//')[1]}" if geometry else ""
    if single_points.is_xtb:
        meaning = f"{XTB_METHODS[single_points.method]}{where}; IE and EA shifted by -{XTB_IONIZATION_SHIFT_EV} eV"
        return LevelOfTheory(name, "xtb", scale, meaning)
    program = f" by {single_points.program}" if single_points.program else ""
    return LevelOfTheory(name, "dft", scale, f"{single_points.method}/{single_points.basis}{program}{where}")


def calibrated_level(name: str, version: int, *, base: str) -> str:
    """``cal-NAME.VERSION//BASE``.

    Raises
    ------
    InputError : not of that form, or no such base level
    """
    level = f"cal-{name}.{version}//{base}"
    if not _CALIBRATED.fullmatch(level):
        raise InputError(f"calibration {level[:80]!r}; expected a short lower-case name, a version >= 1")
    return level_of_theory(level).name


def _calibrated_definition(level: str, *, name: str, version: str, base: str) -> LevelOfTheory:
    cheap = level_of_theory(base)
    if _CALIBRATED.fullmatch(base):
        raise InputError(f"level {level!r} calibrates what is calibrated; expected a base such as gfn2")
    scale = _CALIBRATED_SCALES.get(name, cheap.scale)
    return LevelOfTheory(level, cheap.tier, scale, f"{base} after the fitted map {name!r}, version {version}")


def ionization_shift(level: str) -> float:
    """What is subtracted from the delta-SCF IE and EA of a level, eV: the published shift for xTB, else zero.

    Raises
    ------
    InputError : not a level
    """
    return XTB_IONIZATION_SHIFT_EV if parse_level(level)[0].is_xtb else 0.0


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
