"""Energy scales of IE and EA, and the map between them.

The same molecule has three numbers: in the gas phase, in a film (photoemission), and from cyclic voltammetry (CV). A
charge in a film is stabilised by the polarisation of its surroundings, so IE falls and EA rises.

Gas phase to CV is fitted: the median over molecular donors of HOPV15 and named acceptors of -HOMO by CV less the
vertical IE at ``ipea1//gfn2``, and of -LUMO by CV less the vertical EA at ``gfn2`` (``make bench-qc`` prints both; the
error is the root mean square). Gas phase to film is PROVISIONAL: it rests on two anchors, pentacene (IE 6.6 eV gas
phase, about 5.0 eV film) and C60 (EA 2.68 eV gas phase, about 4.0 eV film); so is the CV scale taken to coincide with
the film scale. The polarisation energy shrinks as molecules grow, which one constant cannot show: where the inputs are
at hand, a calibration (``cal-cv``, see ``heliosc.qc.calibration``) is better. A converted number never travels without
its error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from heliosc.errors import InputError

GAS_PHASE = "gas phase"
FILM = "film"
CV = "CV"
SCALES: Mapping[str, str] = MappingProxyType(
    {
        GAS_PHASE: "isolated molecule: gas-phase experiments, quantum chemistry of one molecule",
        FILM: "neat film: photoemission (UPS) for IE, inverse photoemission (IPES) for EA",
        CV: "cyclic voltammetry in solution, against vacuum by the ferrocene convention",
    }
)

IONIZATION_ENERGY = "ionization_energy"
ELECTRON_AFFINITY = "electron_affinity"


@dataclass(frozen=True, slots=True)
class ScaleShift:
    """What is added to a value of ``quantity`` to go from one scale to another.

    Attributes
    ----------
    value, std : eV; std is the error of the map itself, common to all molecules of a kind
    is_provisional : resting on an anchor or a convention, not on a validated fit
    """

    quantity: str
    origin: str
    destination: str
    value: float
    std: float
    source: str
    is_provisional: bool = True

    def reversed(self) -> ScaleShift:
        """The way back, with the same error."""
        return ScaleShift(
            self.quantity, self.destination, self.origin, -self.value, self.std, self.source, self.is_provisional
        )


@dataclass(frozen=True, slots=True)
class ScaledEnergy:
    """An energy on a named scale, eV, with its standard error."""

    value: float
    std: float
    scale: str


_PENTACENE = "pentacene: IE 6.6 eV in the gas phase, about 5.0 eV in a film"
_C60 = "C60: EA 2.68 eV in the gas phase, about 4.0 eV in a film"
_SAME = "CV taken to coincide with the film scale"
_FITTED = "median over HOPV15's molecular donors and named acceptors"

SHIFTS: tuple[ScaleShift, ...] = (
    ScaleShift(IONIZATION_ENERGY, GAS_PHASE, FILM, -1.6, 0.3, _PENTACENE),
    ScaleShift(IONIZATION_ENERGY, GAS_PHASE, CV, -1.1, 0.4, _FITTED, is_provisional=False),
    ScaleShift(IONIZATION_ENERGY, FILM, CV, 0.0, 0.3, _SAME),
    ScaleShift(ELECTRON_AFFINITY, GAS_PHASE, FILM, 1.3, 0.3, _C60),
    ScaleShift(ELECTRON_AFFINITY, GAS_PHASE, CV, 0.9, 0.4, _FITTED, is_provisional=False),
    ScaleShift(ELECTRON_AFFINITY, FILM, CV, 0.0, 0.3, _SAME),
)


def scaled_quantity(property_name: str) -> str | None:
    """``ionization_energy`` or ``electron_affinity`` for a property that the map covers, else None.

    Orbital energies and gaps are not covered: they are neither IE nor EA.
    """
    return next((kind for kind in (IONIZATION_ENERGY, ELECTRON_AFFINITY) if property_name.endswith(kind)), None)


def scale_shift(quantity: str, *, origin: str, destination: str) -> ScaleShift:
    """The step from one scale to another; nothing and no error from a scale to itself.

    Raises
    ------
    InputError : unknown scale, or a quantity that the map does not cover
    """
    for scale in (origin, destination):
        if scale not in SCALES:
            raise InputError(f"unknown energy scale {scale!r}; expected one of: {', '.join(SCALES)}")
    if quantity not in (IONIZATION_ENERGY, ELECTRON_AFFINITY):
        raise InputError(f"no map between scales for {quantity!r}; expected {IONIZATION_ENERGY} or {ELECTRON_AFFINITY}")
    if origin == destination:
        return ScaleShift(quantity, origin, destination, 0.0, 0.0, "same scale", is_provisional=False)
    steps = [*SHIFTS, *(shift.reversed() for shift in SHIFTS)]
    return next(s for s in steps if (s.quantity, s.origin, s.destination) == (quantity, origin, destination))


def convert_energy(energy: ScaledEnergy, *, quantity: str, destination: str) -> ScaledEnergy:
    """The energy on another scale; the errors of the value and of the map add in quadrature.

    Raises
    ------
    InputError : see ``scale_shift``
    """
    shift = scale_shift(quantity, origin=energy.scale, destination=destination)
    return ScaledEnergy(energy.value + shift.value, (energy.std**2 + shift.std**2) ** 0.5, destination)
