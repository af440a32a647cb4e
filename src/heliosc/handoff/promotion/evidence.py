"""What is known of a candidate: values with level and error, and which of them counts for a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rdkit import Chem

from heliosc.chemistry.cages import fullerene_cage
from heliosc.handoff.promotion.criteria import Criteria, Limits
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.properties.scales import SCALES, scale_shift, scaled_quantity

TIER_ORDER = ("experiment", "dft", "xtb")
LARGE_HEAVY_ATOMS = 14
_NITRO = Chem.MolFromSmarts("[#7+](=[#8])[#8-]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value of a candidate, in the unit of its key.

    Attributes
    ----------
    std : the value's own standard error; None = that of its level in the criteria
    is_fallback : from a cheaper engine than was asked for
    note : what a reader must know of it
    """

    key: PropertyKey
    value: float
    std: float | None = None
    is_fallback: bool = False
    note: str = ""

    @property
    def tier(self) -> str:
        return level_of_theory(self.key.level).tier


@dataclass(frozen=True, slots=True)
class Reading:
    """A value taken to the scale of a limit.

    Attributes
    ----------
    value, std : on ``scale``; std holds the error of the value and of the map between the scales
    note : where it came to ``scale`` by what the laboratory has returned
    """

    evidence: Evidence
    limits: Limits
    value: float
    std: float
    scale: str | None
    note: str = ""

    @property
    def rank(self) -> tuple[int, float]:
        """Best tier first, then the smallest error."""
        return TIER_ORDER.index(self.evidence.tier), self.std


def molecule_kinds(molecule: Chem.Mol) -> frozenset[str]:
    """Kinds of molecule that level errors may be given for."""
    if fullerene_cage(molecule):
        return frozenset({"fullerene"})
    is_large = molecule.GetNumHeavyAtoms() >= LARGE_HEAVY_ATOMS and not molecule.HasSubstructMatch(_NITRO)
    return frozenset({"large"} if is_large else ())


def evidence_of(values: Mapping[str, float], *, is_fallback: bool = False) -> list[Evidence]:
    """Values as they lie in a result, ``name@level`` -> value."""
    return [Evidence(PropertyKey.parse(key), value, is_fallback=is_fallback) for key, value in values.items()]


def best_reading(
    property_name: str,
    limits: Sequence[Limits],
    evidence: Sequence[Evidence],
    *,
    criteria: Criteria,
    kinds: frozenset[str],
) -> Reading | None:
    """The reading that counts: the best tier, then the smallest error; None where nothing can be read."""
    readings = [
        reading
        for item in evidence
        if item.key.name == property_name and item.tier in TIER_ORDER
        for reading in _readings(item, limits, criteria=criteria, kinds=kinds)
    ]
    return min(readings, key=lambda reading: reading.rank, default=None)


def _readings(item: Evidence, limits: Sequence[Limits], *, criteria: Criteria, kinds: frozenset[str]) -> list[Reading]:
    fitting = [entry for entry in limits if entry.level in (None, item.key.level) and entry.tier in (None, item.tier)]
    found = judged_value(item, criteria=criteria, kinds=kinds)
    if found is None:
        return []
    value, std = found
    own = [entry for entry in fitting if entry.scale == own_scale(item.key)]
    if own:  # a limit on the value's own scale needs no map
        return [Reading(item, own[0], value, std, own[0].scale)]
    return [
        _learnt(item, entry, criteria=criteria) or _converted(item, entry, value, std)
        for entry in fitting
        if _can_convert(item.key, entry)
    ]


def judged_value(item: Evidence, *, criteria: Criteria, kinds: frozenset[str]) -> tuple[float, float] | None:
    """Value and standard error on the level's own scale; None where the error is not known.

    Replicates that agree to the last digit have scatter 0, which is no knowledge of the error: the tier's counts then.
    """
    if item.std:
        return item.value, item.std
    quantity = scaled_quantity(item.key.name) or item.key.name
    error = criteria.error_of(quantity, level=item.key.level, tier=item.tier, kinds=kinds)
    return None if error is None else (item.value + error.shift, error.std)


def own_scale(key: PropertyKey) -> str | None:
    """The energy scale that a value stands on; None for properties without one."""
    return level_of_theory(key.level).scale if scaled_quantity(key.name) else None


def _can_convert(key: PropertyKey, entry: Limits) -> bool:
    return entry.scale is not None and own_scale(key) in SCALES


def _learnt(item: Evidence, entry: Limits, *, criteria: Criteria) -> Reading | None:
    """The value on the scale of the limits by the step that returned measurements have taught; None without one."""
    for step in criteria.laboratory:
        is_of_scale = level_of_theory(step.measured.level).scale == entry.scale
        if step.computed == item.key and step.measured.name == item.key.name and is_of_scale:
            value, std = step.expected(item.value)
            note = f"by {step.n} molecule{'s' if step.n > 1 else ''} measured, step {step.offset:+.2f} eV"
            return Reading(item, entry, value, std, entry.scale, note)
    return None


def _converted(item: Evidence, entry: Limits, value: float, std: float) -> Reading:
    """The value on the scale of the limits.

    The maps from raw xTB values were fitted to those values, so their error holds that of the level already.
    """
    quantity, origin = scaled_quantity(item.key.name), own_scale(item.key)
    shift = scale_shift(str(quantity), origin=str(origin), destination=str(entry.scale))
    is_fitted_to_it = item.tier == "xtb" and item.std is None and not shift.is_provisional
    total = shift.std if is_fitted_to_it else float((std**2 + shift.std**2) ** 0.5)
    return Reading(item, entry, value + shift.value, total, entry.scale)
