"""Miscibility of a donor and an acceptor: the Flory-Huggins parameter from Hansen parameters, and what it means.

    chi = alpha V_ref / (R T) [(d delta_D)^2 + (d delta_P)^2 / 4 + (d delta_H)^2 / 4],  alpha = 0.6, V_ref = 100 cm3/mol
    chi_c = (N1^-1/2 + N2^-1/2)^2 / 2,   N = molar volume / V_ref

Below chi_c the pair mixes in one phase and charges recombine; far above it the mixed phase loses the percolation of
the minority component and demixes with time. The best blends lie between: the window reaches from chi_c to the chi at
which the donor-rich phase holds just the percolating fraction of acceptor. It is a window, never a minimum.

The estimate is rough: the error of the parameters alone makes chi uncertain by 0.15 to 0.6 (``std``), ten times the
width of the window, so it rules out extremes and cannot place a blend inside. It knows neither crystallisation nor
kinetics.

References
----------
Lindvig, Michelsen, Kontogeorgis, Fluid Phase Equilib. 2002, 203, 247 (alpha = 0.6).
Flory, Principles of Polymer Chemistry, Cornell University Press 1953 (chi_c, binodal).
Ye et al., Nat. Mater. 2018, 17, 253, 10.1038/s41563-017-0005-1 (best blends at the percolation threshold).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import erf, expm1, log, log1p, sqrt

from scipy.optimize import brentq

from heliosc.chemistry.hansen import MEASURED, PC61BM_SMILES, HansenParameters, hansen_distance, hansen_parameters
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError

LINDVIG_ALPHA = 0.6
REFERENCE_VOLUME = 100.0  # cm3/mol
PERCOLATING_FRACTION = 0.2  # volume fraction of acceptor that still conducts through the mixed phase
COMPONENT_STD = (0.9, 3.6, 2.8)
"""Standard error of delta_D, delta_P, delta_H, MPa^0.5: 1.25 x the mean absolute error (heteroaromatics)."""

_GAS_CONSTANT = 8.314462618  # J/(mol K)
_WEIGHTS = (1.0, 0.25, 0.25)

REFERENCE_ACCEPTORS: dict[str, str] = {
    "PC61BM": PC61BM_SMILES,
    "ITIC": (
        "N#CC(C#N)=C1C(=Cc2cc3sc4c(c3s2)C(c2ccc(CCCCCC)cc2)(c2ccc(CCCCCC)cc2)c2cc3c(cc2-4)C(c2ccc(CCCCCC)cc2)"
        "(c2ccc(CCCCCC)cc2)c2c-3sc3cc(C=C4C(=O)c5ccccc5C4=C(C#N)C#N)sc23)C(=O)c2ccccc12"
    ),
    "Y6": (
        "CCCCCCCCCCCc1c(C=C2C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(CCCCCCCCCCC)"
        "c(C=C7C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)sc6c5n(CC(CC)CCCC)c4c3n(CC(CC)CCCC)c21"
    ),
}
"""Acceptors with the side chains they are used with."""


@dataclass(frozen=True, slots=True)
class Miscibility:
    """How well two substances mix, with the error that the parameters leave.

    Attributes
    ----------
    chi, std : Flory-Huggins parameter at the given temperature and its standard error
    chi_critical : below it the two mix in every proportion
    chi_percolation : upper end of the window
    hansen_distance : Ra, MPa^0.5
    warnings : those of both substances
    """

    chi: float
    std: float
    chi_critical: float
    chi_percolation: float
    hansen_distance: float
    warnings: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``mixed`` below the window, ``window`` inside, ``separated`` above."""
        if self.chi < self.chi_critical:
            return "mixed"
        return "window" if self.chi <= self.chi_percolation else "separated"

    @property
    def window_probability(self) -> float:
        """Probability that chi lies in the window, given its error."""
        if self.std == 0:
            return float(self.verdict == "window")
        upper, lower = ((limit - self.chi) / self.std for limit in (self.chi_percolation, self.chi_critical))
        return 0.5 * (erf(upper / sqrt(2.0)) - erf(lower / sqrt(2.0)))


def miscibility(
    donor: HansenParameters,
    acceptor: HansenParameters,
    *,
    temperature_K: float = 298.15,
    donor_volume: float | None = None,
) -> Miscibility | None:
    """Miscibility of two substances with the side chains they carry; None when a polar parameter is missing.

    Parameters
    ----------
    donor_volume : molar volume of the whole chain, cm3/mol, where the parameters are those of a polymer's repeat unit

    Raises
    ------
    InputError : see ``percolation_chi``
    """
    distance = hansen_distance(donor, acceptor)
    if distance is None:
        return None
    chi, std = flory_huggins_chi(donor, acceptor, temperature_K=temperature_K)
    n_donor = (donor_volume or donor.molar_volume) / REFERENCE_VOLUME
    n_acceptor = acceptor.molar_volume / REFERENCE_VOLUME
    return Miscibility(
        chi=chi,
        std=std,
        chi_critical=critical_chi(n_donor, n_acceptor),
        chi_percolation=percolation_chi(n_donor, n_acceptor),
        hansen_distance=distance,
        warnings=tuple(dict.fromkeys(donor.warnings + acceptor.warnings)),
    )


def miscibility_with(donor: HansenParameters, acceptor: str, *, temperature_K: float = 298.15) -> Miscibility | None:
    """Miscibility with a named acceptor of ``REFERENCE_ACCEPTORS``.

    Raises
    ------
    InputError : not one of them
    """
    return miscibility(donor, reference_parameters(acceptor), temperature_K=temperature_K)


@cache
def reference_parameters(acceptor: str) -> HansenParameters:
    """Parameters of a named acceptor of ``REFERENCE_ACCEPTORS``.

    Raises
    ------
    InputError : not one of them
    """
    if acceptor not in REFERENCE_ACCEPTORS:
        raise InputError(f"unknown acceptor {acceptor!r}; expected one of: {', '.join(REFERENCE_ACCEPTORS)}")
    return hansen_parameters(parse_smiles(REFERENCE_ACCEPTORS[acceptor]))


def flory_huggins_chi(
    first: HansenParameters, second: HansenParameters, *, temperature_K: float = 298.15
) -> tuple[float, float]:
    """chi and its standard error, from independent normal errors ``COMPONENT_STD`` of what is not measured.

    Raises
    ------
    InputError : a polar parameter is missing
    """
    if first.delta_p is None or second.delta_p is None:
        raise InputError("chi needs the polar parameter of both substances; give the dipole moment of the one without")
    differences = (first.delta_d - second.delta_d, first.delta_p - second.delta_p, first.delta_h - second.delta_h)
    chi = variance = 0.0
    for i, (difference, weight, std) in enumerate(zip(differences, _WEIGHTS, COMPONENT_STD, strict=True)):
        n_estimated = sum(substance.sources[i] != MEASURED for substance in (first, second))
        chi += weight * difference**2
        variance += weight**2 * (4 * difference**2 * n_estimated * std**2 + 2 * (n_estimated * std**2) ** 2)
    scale = LINDVIG_ALPHA * REFERENCE_VOLUME / (_GAS_CONSTANT * temperature_K)
    return scale * chi, scale * sqrt(variance)


def critical_chi(n_first: float, n_second: float) -> float:
    """chi at the critical point of two chains of N segments of ``REFERENCE_VOLUME``."""
    return 0.5 * (n_first**-0.5 + n_second**-0.5) ** 2


def percolation_chi(n_donor: float, n_acceptor: float) -> float:
    """chi at which the donor-rich phase of the binodal holds ``PERCOLATING_FRACTION`` of acceptor.

    Where the critical composition itself holds less, no such phase exists and the window is empty: chi_c is returned.

    Raises
    ------
    InputError : a chain of no length
    """
    if min(n_donor, n_acceptor) <= 0:
        raise InputError(f"chain lengths are {n_donor:g} and {n_acceptor:g} segments; expected positive numbers")
    critical_fraction = sqrt(n_donor) / (sqrt(n_donor) + sqrt(n_acceptor))
    if critical_fraction <= PERCOLATING_FRACTION:
        return critical_chi(n_donor, n_acceptor)

    def mismatch(depth: float) -> float:
        return _chi_of_equal_donor(depth, n_donor, n_acceptor) - _chi_of_equal_acceptor(depth, n_donor, n_acceptor)

    lower = -log1p(-critical_fraction)
    if mismatch(lower) >= 0:  # so close to the critical point that the two compositions cannot be told apart
        return critical_chi(n_donor, n_acceptor)
    upper = 2.0 * lower
    while mismatch(upper) <= 0:  # ends: the donor's chi grows with depth, the acceptor's does not
        upper *= 2.0
    depth = brentq(mismatch, lower, upper, rtol=1e-12)
    return float(_chi_of_equal_donor(depth, n_donor, n_acceptor))


# The other phase is nearly pure acceptor: its donor fraction is exp(-depth), since beside a long chain it underflows.


def _chi_of_equal_donor(depth: float, n_donor: float, n_acceptor: float) -> float:
    """chi at which the donor's chemical potential is equal in both phases."""
    poor, rich = PERCOLATING_FRACTION, -expm1(-depth)
    ideal = -depth - log1p(-poor) + (1 - n_donor / n_acceptor) * (rich - poor)
    return ideal / (n_donor * (poor**2 - rich**2))


def _chi_of_equal_acceptor(depth: float, n_donor: float, n_acceptor: float) -> float:
    """chi at which the acceptor's chemical potential is equal in both phases."""
    poor, rich = PERCOLATING_FRACTION, -expm1(-depth)
    ideal = log(rich / poor) + (1 - n_acceptor / n_donor) * (poor - rich)
    return ideal / (n_acceptor * ((1 - poor) ** 2 - (1 - rich) ** 2))
