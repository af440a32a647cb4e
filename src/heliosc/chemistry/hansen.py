"""Hansen solubility parameters of a molecule from its graph, and from its dipole moment where that is known.

The cohesive energy density is split into dispersion, polar and hydrogen-bonding parts, each the square of a parameter
in MPa^0.5. Measured values, where there are some, take the place of the estimate; every component says where it is
from.

    delta_D = [93.8 + (2016 + 75044 / V) (R / V)^2]^1/2     V molar volume, R molar refraction, cm3/mol (Mathieu)
    delta_P = [E_P / V]^1/2                                 group increments (Mathieu, anchored for aromatic rings)
    delta_P = 37.4 mu / V^1/2                               mu dipole moment, D (Beerbower), when one is given
    delta_H = [E_H / V]^1/2                                 group increments (Mathieu)

References
----------
Mathieu, ACS Omega 2018, 3, 17049, 10.1021/acsomega.8b02601.
Beerbower, Dickey, ASLE Trans. 1969, 12, 1 (polar parameter from the dipole moment).
Hansen, Hansen Solubility Parameters: A User's Handbook, 2nd ed., CRC Press 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt

from rdkit import Chem

from heliosc.chemistry.cages import fullerene_cage
from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph
from heliosc.chemistry.molar_volume import volume_and_refraction
from heliosc.chemistry.polar_groups import hydrogen_bonding_energy, polar_energy

MEASURED, INCREMENTS, ANCHORED, DIPOLE = "measured", "increments", "anchored increments", "dipole"
RA_DISPERSION_WEIGHT = 4.0
_BEERBOWER = 37.4  # MPa^0.5 (cm3/mol)^0.5 / D
_LARGEST_FITTED_VOLUME = 500.0  # cm3/mol; larger molecules than this are few in Mathieu's set
_DOUBTFUL_DIPOLE_PARAMETER = 12.0  # MPa^0.5; above it Beerbower's rule gives up to twice the measured value


@dataclass(frozen=True, slots=True)
class HansenParameters:
    """Solubility parameters of one substance at 25 C.

    Attributes
    ----------
    delta_d, delta_h : dispersion and hydrogen-bonding parameter, MPa^0.5
    delta_p : polar parameter, MPa^0.5; None when a group of the molecule has no increment and no dipole is known
    molar_volume : cm3/mol
    sources : of delta_d, delta_p, delta_h: ``measured``, ``increments``, ``anchored increments``, ``dipole``
    warnings : why the values may be worse than usual; empty when there is no reason
    """

    delta_d: float
    delta_p: float | None
    delta_h: float
    molar_volume: float
    sources: tuple[str, str, str]
    warnings: tuple[str, ...] = ()

    @property
    def hildebrand(self) -> float | None:
        """Total (Hildebrand) parameter, MPa^0.5; None without a polar part."""
        return None if self.delta_p is None else sqrt(self.delta_d**2 + self.delta_p**2 + self.delta_h**2)


@dataclass(frozen=True, slots=True)
class MeasuredParameters:
    """A published measurement: parameters in MPa^0.5, molar volume in cm3/mol."""

    name: str
    smiles: str
    delta_d: float
    delta_p: float
    delta_h: float
    molar_volume: float
    source: str


PC61BM_SMILES = (
    "COC(=O)CCCC1(c2ccccc2)C23c4c5c6c7c8c9c(c%10c%11c2c2c4c4c%12c5c5c6c6c8c8c%13c9c9c%10c%10c%11c%11c2c2c4c4c%12c%12"
    "c5c5c6c8c6c8c%13c9c9c%10c%10c%11c2c2c4c4c%12c5c6c5c8c9c%10c2c45)C713"
)
_C60 = (
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4"
    "c9c5c1c1c6c2c3c41"
)
_HANDBOOK = "Hansen, Handbook, 2nd ed. 2007, table A.1"

MEASURED_PARAMETERS: tuple[MeasuredParameters, ...] = (
    # molar volumes of the fullerenes from their densities, 1.5 and 1.65 g/cm3
    MeasuredParameters(
        "PC61BM", PC61BM_SMILES, 20.2, 5.4, 4.5, 607.3, "Machui et al., Macromol. Chem. Phys. 2011, 212, 2159"
    ),
    MeasuredParameters("C60", _C60, 19.7, 2.9, 2.7, 436.8, "Hansen, Smith, Carbon 2004, 42, 1591"),
    MeasuredParameters("chloroform", "ClC(Cl)Cl", 17.8, 3.1, 5.7, 80.7, _HANDBOOK),
    MeasuredParameters("chlorobenzene", "Clc1ccccc1", 19.0, 4.3, 2.0, 102.1, _HANDBOOK),
    MeasuredParameters("1,2-dichlorobenzene", "Clc1ccccc1Cl", 19.2, 6.3, 3.3, 112.8, _HANDBOOK),
    MeasuredParameters("toluene", "Cc1ccccc1", 18.0, 1.4, 2.0, 106.8, _HANDBOOK),
    MeasuredParameters("o-xylene", "Cc1ccccc1C", 17.8, 1.0, 3.1, 121.2, _HANDBOOK),
    MeasuredParameters("tetrahydrofuran", "C1CCOC1", 16.8, 5.7, 8.0, 81.7, _HANDBOOK),
)
"""Acceptors and processing solvents whose parameters are known by measurement."""


def hansen_parameters(structure: Structure, *, dipole_debye: float | None = None) -> HansenParameters:
    """Solubility parameters of a molecule as it is, side chains included.

    Parameters
    ----------
    dipole_debye : dipole moment of the neutral, D; with it the polar parameter is Beerbower's

    Raises
    ------
    InputError : an atom without volume increment
    """
    graph = as_graph(structure)
    measured = measured_parameters(graph.molecule)
    if measured is not None:
        values = measured.delta_d, measured.delta_p, measured.delta_h, measured.molar_volume
        return HansenParameters(*values, (MEASURED,) * 3)
    volume, refraction = volume_and_refraction(graph)
    delta_d = sqrt(93.8 + (2016.0 + 75044.0 / volume) * (refraction / volume) ** 2)
    delta_p, source, doubts = _polar(graph, volume=volume, dipole_debye=dipole_debye)
    delta_h = sqrt(max(hydrogen_bonding_energy(graph), 0.0) / volume)
    warnings = (*_warnings(graph, volume), *doubts)
    return HansenParameters(delta_d, delta_p, delta_h, volume, (INCREMENTS, source, INCREMENTS), warnings)


def measured_parameters(molecule: Chem.Mol) -> MeasuredParameters | None:
    """The measured values of this substance, if it is in ``MEASURED_PARAMETERS``."""
    same_size = _measured_by_size().get(_size(molecule))
    return same_size.get(Chem.MolToSmiles(molecule, isomericSmiles=False)) if same_size else None


def hansen_distance(first: HansenParameters, second: HansenParameters) -> float | None:
    """Distance Ra in Hansen space, MPa^0.5; None when a polar parameter is missing.

    Ra^2 = 4 (d delta_D)^2 + (d delta_P)^2 + (d delta_H)^2
    """
    if first.delta_p is None or second.delta_p is None:
        return None
    dispersion = RA_DISPERSION_WEIGHT * (first.delta_d - second.delta_d) ** 2
    return sqrt(dispersion + (first.delta_p - second.delta_p) ** 2 + (first.delta_h - second.delta_h) ** 2)


def _polar(
    graph: MolecularGraph, *, volume: float, dipole_debye: float | None
) -> tuple[float | None, str, tuple[str, ...]]:
    """Polar parameter, its source and doubts about it."""
    if dipole_debye is not None:
        value = _BEERBOWER * dipole_debye / sqrt(volume)
        doubt = "very polar: delta_P from the dipole may be twice too high"
        return value, DIPOLE, (doubt,) if value > _DOUBTFUL_DIPOLE_PARAMETER else ()
    energy = polar_energy(graph)
    if energy.value is None:
        return None, INCREMENTS, (f"no polar increment for {', '.join(energy.unknown)}; give the dipole moment",)
    selenium = tuple("Se taken as S in delta_P" for group in energy.anchored if group.startswith("Se"))
    return sqrt(max(energy.value, 0.0) / volume), ANCHORED if energy.anchored else INCREMENTS, selenium


def _warnings(graph: MolecularGraph, volume: float) -> tuple[str, ...]:
    heavy = graph.molecule.GetNumHeavyAtoms()
    halogens = sum(number in (9, 17, 35, 53) for number in graph.numbers)
    found = []
    if heavy >= 20 and len(graph.rings) >= 12 and fullerene_cage(graph.molecule):
        found.append("fullerene: delta_D is far too high, measure it")
    if volume > _LARGEST_FITTED_VOLUME:
        found.append(f"molar volume above {_LARGEST_FITTED_VOLUME:.0f} cm3/mol: extrapolated")
    if 2 * halogens > heavy:
        found.append("mostly halogen: outside the model")
    if Chem.GetFormalCharge(graph.molecule):
        found.append("charged: outside the model")
    return tuple(found)


def _size(molecule: Chem.Mol) -> tuple[int, int]:
    return molecule.GetNumHeavyAtoms(), molecule.GetNumBonds()


@cache
def _measured_by_size() -> dict[tuple[int, int], dict[str, MeasuredParameters]]:
    # writing canonical SMILES costs more than all increments together: only molecules of the right size are compared
    table: dict[tuple[int, int], dict[str, MeasuredParameters]] = {}
    for entry in MEASURED_PARAMETERS:
        molecule = Chem.MolFromSmiles(entry.smiles)
        table.setdefault(_size(molecule), {})[Chem.MolToSmiles(molecule, isomericSmiles=False)] = entry
    return table
