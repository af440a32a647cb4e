"""The other half of a solar cell: the donor or acceptor that a role's candidates are paired with.

A candidate's IE and EA are taken from the scale of their level to that of the partner (``heliosc.properties.scales``),
and the error of that map counts as doubt. What comes out are two properties of the candidate at the level
``pair//gfn2`` or ``pair//dft``: ``open_circuit_voltage``, an estimate that sorts, and ``offset_probability``, that
holes and electrons both find a way to where they belong. The doubt about the levels is inside that probability, which
therefore has no standard deviation of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.properties.scales import CV, FILM, GAS_PHASE, ScaledEnergy, ScaleShift, scale_shift, scaled_quantity
from heliosc.selection.objectives import FloatArray
from heliosc.selection.pairs import Levels, PairTable, pair_up

Part = Literal["donor", "acceptor"]
PAIR_LEVEL = "pair//"
VOLTAGE, OFFSETS = "open_circuit_voltage", "offset_probability"
TABLE_ERROR_EV = 0.1
"""Error of a tabulated level beside other laboratories'."""
LEAST_OFFSETS_EV: Mapping[str, tuple[float, float]] = MappingProxyType({CV: (0.05, 0.1), FILM: (0.5, 0.5)})
"""Scale -> least offsets of holes and of electrons; PM6:Y6 works at 0.09 eV by CV."""

Estimate = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """A material of the bundled table, levels in eV by the named scale."""

    name: str
    part: Part
    ionization_energy: float
    electron_affinity: float
    scale: str
    doi: str


def known_partner(name: str) -> KnownPartner:
    """A material of ``partners.csv``.

    Raises
    ------
    InputError : it is not in the table
    """
    known = _known_partners()
    if name not in known:
        raise InputError(
            f"no partner {name!r} in the bundled table; there are: {', '.join(known)}. Give its ionization_energy, "
            "electron_affinity, scale and source instead"
        )
    return known[name]


@lru_cache(maxsize=1)
def _known_partners() -> dict[str, KnownPartner]:
    text = files("heliosc.selection").joinpath("partners.csv").read_text(encoding="utf-8")
    return {
        row["name"]: KnownPartner(
            row["name"], "donor" if row["role"] == "donor" else "acceptor", float(row["ionization_energy"]),
            float(row["electron_affinity"]), row["scale"], row["doi"],
        )
        for row in csv.DictReader(text.splitlines())
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Partner:
    """A material whose levels are known, and how candidates are set beside it.

    Attributes
    ----------
    part : what the partner is; the candidate is the other one
    ionization_energy, electron_affinity : of the partner, on one scale
    ionization_key, affinity_key : the candidate's levels
    source : where the partner's levels are from
    least_hole_offset, least_electron_offset : eV, on the partner's scale
    """

    name: str
    part: Part
    ionization_energy: ScaledEnergy
    electron_affinity: ScaledEnergy
    ionization_key: PropertyKey
    affinity_key: PropertyKey
    source: str
    least_hole_offset: float
    least_electron_offset: float

    def __post_init__(self) -> None:
        if self.ionization_energy.scale != self.electron_affinity.scale:
            raise InputError(
                f"partner {self.name}: IE on the scale {self.ionization_energy.scale!r}, EA on "
                f"{self.electron_affinity.scale!r}; give both on one scale"
            )
        ie, ea = self.ionization_energy.value, self.electron_affinity.value
        if not ie > ea or (ea <= 0 and self.scale != GAS_PHASE):
            raise InputError(
                f"partner {self.name}: IE {ie} and EA {ea} eV ({self.scale} scale); expected IE > EA > 0, both "
                "positive, unlike the energies of HOMO and LUMO"
            )
        for key, wanted in ((self.ionization_key, "ionization_energy"), (self.affinity_key, "electron_affinity")):
            if scaled_quantity(key.name) != wanted:
                raise InputError(f"partner {self.name}: {key} is no {wanted}; name one, e.g. vertical_{wanted}@gfn2")
        self.shifts()

    @property
    def scale(self) -> str:
        return self.ionization_energy.scale

    @property
    def level(self) -> str:
        """Level of the pair's properties: the lower tier of the candidate's two levels."""
        tiers = {level_of_theory(key.level).tier for key in (self.ionization_key, self.affinity_key)}
        return f"{PAIR_LEVEL}dft" if tiers == {"dft"} else f"{PAIR_LEVEL}gfn2"

    def shifts(self) -> tuple[ScaleShift, ScaleShift]:
        """From the scales of the candidate's levels to that of the partner, IE and EA.

        Raises
        ------
        InputError : no map between the scales
        """
        ie, ea = (
            scale_shift(quantity, origin=level_of_theory(key.level).scale, destination=self.scale)
            for quantity, key in (("ionization_energy", self.ionization_key), ("electron_affinity", self.affinity_key))
        )
        return ie, ea

    def __str__(self) -> str:
        ie, ea = self.ionization_energy, self.electron_affinity
        return f"{self.part} {self.name} (IE {ie.value:.2f}, EA {ea.value:.2f} eV, {self.scale} scale)"


def is_pair_key(key: PropertyKey) -> bool:
    """Whether a property belongs to a pair and not to the molecule alone."""
    return key.level.startswith(PAIR_LEVEL)


def pair_estimates(
    partner: Partner, ionization_energy: Estimate, electron_affinity: Estimate
) -> dict[PropertyKey, Estimate]:
    """Voltage and probability of the offsets of every candidate with the partner.

    Parameters
    ----------
    ionization_energy, electron_affinity : mean and std of the candidates on the scale of their own level, eV

    Returns
    -------
    key -> mean and standard deviation, in the shape of the arguments, which may be any
    """
    shape = np.shape(ionization_energy[0])
    ie, ea = (_on_scale(e, s) for e, s in zip((ionization_energy, electron_affinity), partner.shifts(), strict=True))
    candidates = Levels(ie[0], ea[0], partner.scale, ie[1], ea[1])
    table = _paired(partner, candidates)
    exact = np.zeros(table.voltage.size)
    return {
        PropertyKey(VOLTAGE, partner.level): (table.voltage.reshape(shape), table.voltage_std.reshape(shape)),
        PropertyKey(OFFSETS, partner.level): (table.probability_of_offsets.reshape(shape), exact.reshape(shape)),
    }


def with_pair_values(partner: Partner | None, values: Mapping[PropertyKey, Any]) -> Mapping[PropertyKey, Any]:
    """Values, numbers or arrays, with those of the pair beside them; as they are where partner, IE or EA is missing."""
    if partner is None or partner.ionization_key not in values or partner.affinity_key not in values:
        return values
    ie, ea = (np.asarray(values[key], dtype=np.float64) for key in (partner.ionization_key, partner.affinity_key))
    pairs = pair_estimates(partner, (ie, np.zeros_like(ie)), (ea, np.zeros_like(ea)))
    return {**values, **{key: mean for key, (mean, _) in pairs.items()}}


def _on_scale(energy: Estimate, shift: ScaleShift) -> Estimate:
    mean, std = (np.asarray(part, dtype=np.float64).ravel() for part in energy)
    return mean + shift.value, np.hypot(std, shift.std)


def _paired(partner: Partner, candidates: Levels) -> PairTable:
    ie, ea = partner.ionization_energy, partner.electron_affinity
    own = Levels(
        np.array([ie.value]), np.array([ea.value]), partner.scale, np.array([ie.std]), np.array([ea.std])
    )  # fmt: skip
    donors, acceptors = (own, candidates) if partner.part == "donor" else (candidates, own)
    return pair_up(
        donors,
        acceptors,
        least_hole_offset=partner.least_hole_offset,
        least_electron_offset=partner.least_electron_offset,
    )
