"""What values can be: a row outside the possible range is set aside, a column with an unusual median is refused.

The possible range is what no molecule of the kind we hold has left; it catches slips of a cell. The usual range is
where the median of any set of molecules lies; it catches a column in another unit or of the opposite sign.
"""

from __future__ import annotations

from heliosc.properties.levels import PropertyKey
from heliosc.properties.names import property_definition

Range = tuple[float, float]

POSSIBLE: dict[str, Range] = {
    "homo_energy": (-40.0, 5.0),
    "lumo_energy": (-30.0, 20.0),
    "homo_lumo_gap": (0.0, 40.0),
    "vertical_ionization_energy": (0.0, 40.0),
    "adiabatic_ionization_energy": (0.0, 40.0),
    "vertical_electron_affinity": (-15.0, 15.0),
    "adiabatic_electron_affinity": (-15.0, 15.0),
    "fundamental_gap": (0.0, 40.0),
    "lambda_hole": (0.0, 10.0),
    "lambda_electron": (0.0, 10.0),
    "singlet_excitation_energy": (0.0, 30.0),
    "triplet_excitation_energy": (-2.0, 30.0),
    "oscillator_strength": (0.0, 50.0),
    "dipole_moment": (0.0, 300.0),
    "polarizability": (0.0, 10_000.0),
    "optical_gap": (0.0, 20.0),
    "power_conversion_efficiency": (-20.0, 100.0),
    "open_circuit_voltage": (-1.0, 5.0),
    "short_circuit_current": (0.0, 100.0),
    "fill_factor": (0.0, 100.0),
    "hole_mobility": (0.0, 1_000.0),
    "electron_mobility": (0.0, 1_000.0),
    "hansen_dispersion": (0.0, 60.0),
    "hansen_polar": (0.0, 60.0),
    "hansen_hydrogen_bonding": (0.0, 60.0),
}

# Scharber's model gives negative efficiencies where it predicts a negative voltage; they are kept as published.

USUAL_MEDIAN: dict[str, Range] = {
    "homo_energy": (-16.0, -2.5),
    "lumo_energy": (-12.0, 6.0),
    "homo_lumo_gap": (0.4, 16.0),
    "vertical_ionization_energy": (3.0, 15.0),
    "adiabatic_ionization_energy": (3.0, 15.0),
    "vertical_electron_affinity": (-5.0, 5.0),
    "adiabatic_electron_affinity": (-5.0, 5.0),
    "lambda_hole": (0.02, 2.0),
    "lambda_electron": (0.02, 2.0),
    "dipole_moment": (0.0, 20.0),
    "polarizability": (3.0, 1_000.0),
    "optical_gap": (0.4, 10.0),
}

MIN_VALUES_FOR_MEDIAN = 50


def possible_range(key: PropertyKey) -> Range:
    """Lowest and highest possible value, in the key's unit; of a property of the user's, as its definition says."""
    own = property_definition(key.name)
    return POSSIBLE.get(key.name, (max(own.lower, -1e9), min(own.upper, 1e9)))


def is_unusual(key: PropertyKey, *, median: float, n_values: int) -> bool:
    """Whether the median of enough values is where no set of molecules has it."""
    low, high = USUAL_MEDIAN.get(key.name, (-1e9, 1e9))
    return n_values >= MIN_VALUES_FOR_MEDIAN and not low <= median <= high
