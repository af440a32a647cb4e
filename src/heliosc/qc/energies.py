"""The four-point scheme as arithmetic: from seven energies to IE, EA and reorganisation energies."""

from __future__ import annotations

from dataclasses import dataclass, fields

from heliosc.qc.units import HARTREE_EV

LAMBDA_TERM_TOLERANCE_EV = 1e-3


@dataclass(frozen=True, slots=True)
class FourPointEnergies:
    """Energies E_charge(geometry), Eh; R0, R+ and R- are the minima of neutral, cation and anion."""

    neutral_at_neutral: float
    cation_at_neutral: float
    anion_at_neutral: float
    cation_at_cation: float
    neutral_at_cation: float
    anion_at_anion: float
    neutral_at_anion: float

    @property
    def vertical_ionization_energy(self) -> float:
        """E+(R0) - E0(R0), eV, without any empirical shift."""
        return (self.cation_at_neutral - self.neutral_at_neutral) * HARTREE_EV

    @property
    def adiabatic_ionization_energy(self) -> float:
        """E+(R+) - E0(R0), eV, without any empirical shift."""
        return (self.cation_at_cation - self.neutral_at_neutral) * HARTREE_EV

    @property
    def vertical_electron_affinity(self) -> float:
        """E0(R0) - E-(R0), eV, without any empirical shift."""
        return (self.neutral_at_neutral - self.anion_at_neutral) * HARTREE_EV

    @property
    def adiabatic_electron_affinity(self) -> float:
        """E0(R0) - E-(R-), eV, without any empirical shift."""
        return (self.neutral_at_neutral - self.anion_at_anion) * HARTREE_EV

    @property
    def lambda_terms(self) -> dict[str, float]:
        """The four relaxation energies, eV; each is >= 0 when every geometry is its state's minimum."""
        return {
            "cation": (self.cation_at_neutral - self.cation_at_cation) * HARTREE_EV,
            "neutral_from_cation": (self.neutral_at_cation - self.neutral_at_neutral) * HARTREE_EV,
            "anion": (self.anion_at_neutral - self.anion_at_anion) * HARTREE_EV,
            "neutral_from_anion": (self.neutral_at_anion - self.neutral_at_neutral) * HARTREE_EV,
        }

    @property
    def lambda_hole(self) -> float:
        """[E+(R0) - E+(R+)] + [E0(R+) - E0(R0)], eV."""
        terms = self.lambda_terms
        return terms["cation"] + terms["neutral_from_cation"]

    @property
    def lambda_electron(self) -> float:
        """[E-(R0) - E-(R-)] + [E0(R-) - E0(R0)], eV."""
        terms = self.lambda_terms
        return terms["anion"] + terms["neutral_from_anion"]

    def values(self, *, shift: float = 0.0) -> dict[str, float]:
        """Every property that the seven energies give, eV, by its name in the vocabulary.

        Parameters
        ----------
        shift : empirical shift that IE and EA are lowered by
        """
        vertical_ie, vertical_ea = self.vertical_ionization_energy - shift, self.vertical_electron_affinity - shift
        return {
            "vertical_ionization_energy": vertical_ie,
            "adiabatic_ionization_energy": self.adiabatic_ionization_energy - shift,
            "vertical_electron_affinity": vertical_ea,
            "adiabatic_electron_affinity": self.adiabatic_electron_affinity - shift,
            "fundamental_gap": vertical_ie - vertical_ea,
            "lambda_hole": self.lambda_hole,
            "lambda_electron": self.lambda_electron,
        }

    def as_dict(self) -> dict[str, float]:
        """The seven energies by name, Eh."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def negative_terms(self) -> tuple[str, ...]:
        """Relaxation energies below -1 meV: some geometry is not its state's minimum."""
        return tuple(name for name, value in self.lambda_terms.items() if value < -LAMBDA_TERM_TOLERANCE_EV)
