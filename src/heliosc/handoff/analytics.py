"""What the mass spectrometer should show: exact masses, [M+H]+ and the isotope pattern.

References
----------
Masses and natural abundances: the isotope tables of RDKit (IUPAC/NIST).
Proton mass 1.007276467 Da and electron mass 0.000548580 Da: CODATA 2018.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

PROTON_MASS_DA = 1.007276467
ELECTRON_MASS_DA = 0.000548580

Distribution = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Abundance and abundance-weighted mass per nominal mass above the lightest isotopologue."""


@dataclass(frozen=True, slots=True)
class IsotopePeak:
    """One peak of a unit-resolution isotope pattern.

    Attributes
    ----------
    mz : abundance-weighted mass of the peak of the cation radical M+., Da per charge
    relative : intensity against the strongest peak, %
    """

    mz: float
    relative: float


def element_counts(molecule: Chem.Mol) -> dict[str, int]:
    """Element -> number of atoms, hydrogens included."""
    atoms = Chem.AddHs(molecule).GetAtoms()
    return dict(Counter(atom.GetSymbol() for atom in atoms))


def average_mass(counts: Mapping[str, int]) -> float:
    """Molar mass at natural abundance, g/mol."""
    table = Chem.GetPeriodicTable()
    return float(sum(n_atoms * table.GetAtomicWeight(element) for element, n_atoms in counts.items()))


def isotope_pattern(counts: Mapping[str, int], *, min_relative: float = 1.0) -> list[IsotopePeak]:
    """Peaks of M+. at unit resolution, natural abundance, lightest first.

    Parameters
    ----------
    counts : element -> number of atoms
    min_relative : weaker peaks are left out, % of the strongest
    """
    offset = 0
    pattern: Distribution = (np.ones(1), np.zeros(1))
    for element, n_atoms in sorted(counts.items()):
        lightest, isotopes = _element_distribution(element)
        offset += lightest * n_atoms
        for _ in range(n_atoms):
            pattern = _convolve(pattern, isotopes)
    abundance, mass = pattern
    relative = 100 * abundance / abundance.max()
    return [
        IsotopePeak(float(mass[i] - ELECTRON_MASS_DA), float(relative[i]))
        for i in range(len(abundance))
        if relative[i] >= min_relative
    ]


def _element_distribution(element: str) -> tuple[int, Distribution]:
    """Lightest stable mass number, and abundance and mass of each mass number from there on."""
    table = Chem.GetPeriodicTable()
    number = table.GetAtomicNumber(element)
    abundances = {a: table.GetAbundanceForIsotope(number, a) for a in range(number, 3 * number + 2)}
    stable = [a for a, abundance in abundances.items() if abundance > 0]
    span = range(min(stable), max(stable) + 1)
    abundance = np.array([abundances[a] / 100 for a in span])
    mass = np.array([table.GetMassForIsotope(number, a) if abundances[a] > 0 else 0.0 for a in span])
    return min(stable), (abundance, mass)


def _convolve(left: Distribution, right: Distribution) -> Distribution:
    """Distribution of the sum of two independent parts; the tail below 1e-12 is cut."""
    abundance = np.convolve(left[0], right[0])
    moment = np.convolve(left[0] * left[1], right[0]) + np.convolve(left[0], right[0] * right[1])
    n_kept = int(np.flatnonzero(abundance > 1e-12)[-1]) + 1
    abundance, moment = abundance[:n_kept], moment[:n_kept]
    mass = np.divide(moment, abundance, out=np.zeros_like(moment), where=abundance > 0)
    return abundance, mass
