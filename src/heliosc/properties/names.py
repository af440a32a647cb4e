"""The vocabulary of properties: names, units, meaning.

Signs are those of the field's definitions: energies in eV, electron affinity positive for a bound anion, ionisation
energies never taken from -HOMO.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from heliosc.environment import OWN_PROPERTIES
from heliosc.errors import InputError


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """One measurable or computable quantity of a molecule.

    Attributes
    ----------
    lower, upper : possible values of a property of the user's (``own``); for ours see ``plausibility``
    """

    name: str
    unit: str
    symbol: str
    meaning: str
    lower: float = -math.inf
    upper: float = math.inf


_DEFINITIONS = (
    PropertyDefinition("homo_energy", "eV", "E(HOMO)", "highest occupied orbital energy of the neutral"),
    PropertyDefinition("lumo_energy", "eV", "E(LUMO)", "lowest unoccupied orbital energy of the neutral"),
    PropertyDefinition("homo_lumo_gap", "eV", "E(gap)", "lumo_energy - homo_energy, not the optical gap"),
    PropertyDefinition("vertical_ionization_energy", "eV", "IE(v)", "E+(R0) - E0(R0)"),
    PropertyDefinition("adiabatic_ionization_energy", "eV", "IE(a)", "E+(R+) - E0(R0)"),
    PropertyDefinition("vertical_electron_affinity", "eV", "EA(v)", "E0(R0) - E-(R0), positive when bound"),
    PropertyDefinition("adiabatic_electron_affinity", "eV", "EA(a)", "E0(R0) - E-(R-), positive when bound"),
    PropertyDefinition("fundamental_gap", "eV", "IE-EA", "vertical IE minus vertical EA"),
    PropertyDefinition("lambda_hole", "eV", "lambda(h)", "[E+(R0) - E+(R+)] + [E0(R+) - E0(R0)]"),
    PropertyDefinition("lambda_electron", "eV", "lambda(e)", "[E-(R0) - E-(R-)] + [E0(R-) - E0(R0)]"),
    PropertyDefinition("singlet_excitation_energy", "eV", "S1", "lowest vertical singlet excitation at R0"),
    PropertyDefinition("triplet_excitation_energy", "eV", "T1", "lowest vertical triplet excitation at R0"),
    PropertyDefinition("oscillator_strength", "1", "f(S1)", "oscillator strength of S1, length gauge"),
    PropertyDefinition("dipole_moment", "D", "mu", "norm of the neutral's dipole moment at R0"),
    PropertyDefinition("polarizability", "A^3", "alpha", "isotropic static polarizability of the neutral at R0"),
    PropertyDefinition("optical_gap", "eV", "E(opt)", "onset of absorption, measured"),
    PropertyDefinition("power_conversion_efficiency", "%", "PCE", "of a solar cell with this material"),
    PropertyDefinition("open_circuit_voltage", "V", "V_OC", "of a solar cell with this material"),
    PropertyDefinition("offset_probability", "1", "P(offsets)", "that charges of a donor:acceptor pair separate"),
    PropertyDefinition("short_circuit_current", "mA/cm^2", "J_SC", "of a solar cell with this material"),
    PropertyDefinition("fill_factor", "%", "FF", "of a solar cell with this material"),
    PropertyDefinition("hole_mobility", "cm^2/(V s)", "mu(h)", "drift mobility of holes, measured on a device"),
    PropertyDefinition("electron_mobility", "cm^2/(V s)", "mu(e)", "drift mobility of electrons, measured on a device"),
    PropertyDefinition("hansen_dispersion", "MPa^0.5", "delta(D)", "Hansen parameter of dispersion"),
    PropertyDefinition("hansen_polar", "MPa^0.5", "delta(P)", "Hansen parameter of dipoles"),
    PropertyDefinition("hansen_hydrogen_bonding", "MPa^0.5", "delta(H)", "Hansen parameter of hydrogen bonds"),
    PropertyDefinition("miscibility_pc61bm", "1", "chi(PC61BM)", "Flory-Huggins chi with PC61BM, a window and no goal"),
    PropertyDefinition("miscibility_itic", "1", "chi(ITIC)", "Flory-Huggins chi with ITIC, a window and no goal"),
    PropertyDefinition("miscibility_y6", "1", "chi(Y6)", "Flory-Huggins chi with Y6, a window and no goal"),
    PropertyDefinition("density", "g/cm^3", "rho", "density of the condensed phase"),
    PropertyDefinition("packing_score", "1", "packing", "how well the conjugated system can stack, 0 to 1"),
    PropertyDefinition("planarity_deviation", "A", "MPP", "rms distance of the pi atoms from their mean plane"),
    PropertyDefinition("planarity_span", "A", "SDP", "span of the pi atoms across their mean plane"),
    PropertyDefinition("largest_torsion", "deg", "theta", "largest twist between conjugated rings, 0 flat to 90"),
    PropertyDefinition("stacking_energy", "eV", "E(stack)", "dimer interaction energy per pi atom of one molecule"),
    PropertyDefinition("stacking_contacts", "1", "contacts", "share of the pi atoms within 4 A of the neighbour's"),
    PropertyDefinition("transfer_integral_hole", "eV", "|J(h)|", "coupling of the HOMOs in the stacked dimer"),
    PropertyDefinition("transfer_integral_electron", "eV", "|J(e)|", "coupling of the LUMOs in the stacked dimer"),
    PropertyDefinition(
        "cohesive_energy",
        "eV",
        "E(coh)",
        "per molecule of a small cluster (gfnff) or the bulk (mmff94-npt), positive when bound",
    ),
    PropertyDefinition("stacking_order", "1", "S", "nematic order of the molecular planes in a small cluster"),
    PropertyDefinition("sa_score", "1", "SA", "synthetic accessibility, 1 easy to 10 hard"),
    PropertyDefinition("sa_score_core", "1", "SA(core)", "sa_score with alkyl chains cut to methyl"),
    PropertyDefinition("synthesizability_score", "1", "synth", "as a data set gives it; its scale is its own"),
)

PROPERTIES: dict[str, PropertyDefinition] = {definition.name: definition for definition in _DEFINITIONS}


_own: set[str] = set()


def add_property(definition: PropertyDefinition) -> None:
    """Add a property of the user's own to the vocabulary of this process; the same one again changes nothing.

    Raises
    ------
    InputError : the name means something else already
    """
    if PROPERTIES.setdefault(definition.name, definition) != definition:
        raise InputError(f"property {definition.name!r} is in the vocabulary already; choose another name")
    _own.add(definition.name)


def own_properties() -> tuple[str, ...]:
    """Names of the user's own properties, sorted; read from the file that ``HELIOSC_PROPERTIES`` names.

    Raises
    ------
    InputError : that file is unusable
    """
    if OWN_PROPERTIES in os.environ:
        from heliosc.properties.own import use_properties  # loads Pydantic

        use_properties(Path(os.environ[OWN_PROPERTIES]))
    return tuple(sorted(_own & PROPERTIES.keys()))


def property_definition(name: str) -> PropertyDefinition:
    """Look a property up; one that is not ours may stand in the user's file, which ``HELIOSC_PROPERTIES`` names.

    Raises
    ------
    InputError : the name is not in the vocabulary, or that file is unusable
    """
    if name not in PROPERTIES:
        own_properties()
    if name not in PROPERTIES:
        raise InputError(f"unknown property {name!r}; expected one of: {', '.join(PROPERTIES)}")
    return PROPERTIES[name]
