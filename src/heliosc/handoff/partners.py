"""Known donors and acceptors with measured levels, and the best of them for a candidate.

``selection/partners.csv`` holds levels by cyclic voltammetry as the named papers report them; the same material differs
by 0.1 eV and more between laboratories, so a suggestion is a place to start. Voc is Scharber's estimate.

Levels of ITIC, IDIC, IT-M, IT-4F, IEICO, Y6 and PTB7 agree with the reference sets of the tests (named acceptors,
HOPV15); the other levels and all optical gaps were entered once and have had no second reading against the papers.

References
----------
Scharber et al., Adv. Mater. 2006, 18, 789, 10.1002/adma.200501717.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from heliosc.errors import InputError
from heliosc.selection.pairs import Levels, pair_up

PartnerRole = Literal["donor", "acceptor"]
READING_ERROR_EV = 0.03
"""Error of a tabulated level beside another of the same table; against other laboratories it is about 0.1 eV."""
WARNING = (
    "Levels of the partners are as published, by cyclic voltammetry; Voc is Scharber's estimate with a loss of 0.3 V. "
    "Morphology, absorption and mixing are not considered."
)


@dataclass(frozen=True, slots=True)
class Partner:
    """A known material.

    Attributes
    ----------
    ionization_energy, electron_affinity : eV on ``scale``
    optical_gap : onset of absorption of a film, eV
    """

    name: str
    role: PartnerRole
    ionization_energy: float
    electron_affinity: float
    optical_gap: float
    scale: str
    doi: str


@dataclass(frozen=True, slots=True)
class CandidateLevels:
    """IE and EA of a candidate, eV, with standard errors, on one named scale."""

    ionization_energy: float
    electron_affinity: float
    scale: str
    ionization_energy_std: float = 0.0
    electron_affinity_std: float = 0.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A partner for a candidate.

    Attributes
    ----------
    hole_offset, electron_offset : IE (EA) of the acceptor less that of the donor, eV; positive drives charges apart
    voltage, voltage_std : Scharber's estimate of Voc, V
    probability_of_offsets : that both offsets reach 0.1 eV
    """

    partner: Partner
    hole_offset: float
    electron_offset: float
    voltage: float
    voltage_std: float
    probability_of_offsets: float

    def to_document(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def load_partners() -> dict[str, Partner]:
    """All known materials, by name."""
    return dict(_partners())


def get_partner(name: str) -> Partner:
    """A known material.

    Raises
    ------
    InputError : it is not in the table
    """
    known = _partners()
    if name not in known:
        raise InputError(f"no partner {name!r} in the bundled table; there are: {', '.join(known)}")
    return known[name]


def suggest_partners(levels: CandidateLevels, *, role: PartnerRole, n_best: int = 3) -> list[Suggestion]:
    """The best partners of a candidate, by the voltage that may be expected.

    Parameters
    ----------
    role : of the candidate; a donor is given acceptors

    Raises
    ------
    InputError : the candidate's levels are on a scale that no partner's are on
    """
    wanted: PartnerRole = "acceptor" if role == "donor" else "donor"
    partners = [p for p in _partners().values() if p.role == wanted and p.scale == levels.scale]
    if not partners:
        raise InputError(
            f"no {wanted} of the bundled table has levels on the {levels.scale!r} scale; "
            "take the candidate's to CV (heliosc.properties.scales)"
        )
    table = _pair_table(levels, partners, role=role)
    suggestions = [
        Suggestion(partner, *(float(table[field][place]) for field in _PAIR_FIELDS))
        for place, partner in enumerate(partners)
    ]
    ranked = sorted(suggestions, key=lambda item: -max(item.voltage, 0.0) * item.probability_of_offsets)
    return ranked[:n_best]


def _pair_table(levels: CandidateLevels, partners: Sequence[Partner], *, role: PartnerRole) -> Mapping[str, Any]:
    candidate = Levels(
        np.array([levels.ionization_energy]),
        np.array([levels.electron_affinity]),
        levels.scale,
        np.array([levels.ionization_energy_std]),
        np.array([levels.electron_affinity_std]),
    )
    errors = np.full(len(partners), READING_ERROR_EV)
    others = Levels(
        np.array([partner.ionization_energy for partner in partners]),
        np.array([partner.electron_affinity for partner in partners]),
        levels.scale,
        errors,
        errors,
    )
    table = pair_up(candidate, others) if role == "donor" else pair_up(others, candidate)
    return {field: getattr(table, field).ravel() for field in _PAIR_FIELDS}


_PAIR_FIELDS = ("hole_offset", "electron_offset", "voltage", "voltage_std", "probability_of_offsets")


@lru_cache(maxsize=1)
def _partners() -> dict[str, Partner]:
    text = files("heliosc.selection").joinpath("partners.csv").read_text(encoding="utf-8")
    numbers = ("ionization_energy", "electron_affinity", "optical_gap")
    rows = (row | {name: float(row[name]) for name in numbers} for row in csv.DictReader(text.splitlines()))
    partners = [Partner(**row) for row in rows]  # type: ignore[arg-type]
    return {partner.name: partner for partner in partners}
