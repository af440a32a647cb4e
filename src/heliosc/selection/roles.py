"""Roles: the windows a material must meet and the objectives it is ranked by, read from ``roles.yaml``."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.properties.scales import ScaledEnergy, ScaleShift, scale_shift, scaled_quantity
from heliosc.selection.objectives import Direction, FloatArray, Objective, Window
from heliosc.selection.partners import (
    LEAST_OFFSETS_EV,
    OFFSETS,
    TABLE_ERROR_EV,
    VOLTAGE,
    KnownPartner,
    Part,
    Partner,
    is_pair_key,
    known_partner,
)


@dataclass(frozen=True, slots=True)
class PropertyWindow:
    """A window on a property, as stated and as applied.

    Attributes
    ----------
    window : on the scale of the key's level of theory
    stated : as written in the file, on ``scale``
    scale : named energy scale of ``stated``, or None where the property has none
    """

    key: PropertyKey
    window: Window
    stated: Window
    scale: str | None

    def __str__(self) -> str:
        applied = f"{self.key} {_limits(self.window)} {self.key.unit}"
        if self.window == self.stated:
            return applied
        return f"{applied} +- {self.window.limits_std:.2g} ({_limits(self.stated)} on the {self.scale} scale)"


@dataclass(frozen=True, slots=True)
class Role:
    """What a material is wanted for.

    Attributes
    ----------
    partner : the other half of the cell, where objectives are on the pair
    """

    name: str
    description: str
    source: str
    windows: tuple[PropertyWindow, ...]
    objectives: tuple[Objective, ...]
    partner: Partner | None = None

    @property
    def reference_costs(self) -> FloatArray:
        """(n_objectives,) reference point of the hypervolume, as costs."""
        return np.array([objective.reference_cost for objective in self.objectives])

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties of the molecule that windows or objectives need, each once; of a pair, those it is made of."""
        wanted = [window.key for window in self.windows]
        wanted += [objective.key for objective in self.objectives if not is_pair_key(objective.key)]
        if self.partner is not None:
            wanted += [self.partner.ionization_key, self.partner.affinity_key]
        return tuple(dict.fromkeys(wanted))


def meets_window(role: Role, values: Mapping[PropertyKey, float]) -> bool | None:
    """Whether all windows of the role are met; None when a needed value is missing or NaN."""
    needed = [values.get(window.key, math.nan) for window in role.windows]
    if any(math.isnan(value) for value in needed):
        return None
    return all(bool(window.window.contains(value)) for window, value in zip(role.windows, needed, strict=True))


def load_roles(path: Path | None = None) -> dict[str, Role]:
    """All roles of a file, by default those shipped.

    Raises
    ------
    InputError : the file cannot be read or does not fit the documented form
    """
    if path is None:
        return dict(_shipped_roles())
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read roles from {path}: {error}") from error
    return _parse_roles(text, origin=str(path))


def get_role(name: str, roles: Mapping[str, Role] | None = None) -> Role:
    """One role by name, by default of those shipped.

    Raises
    ------
    InputError : there is no such role
    """
    known = load_roles() if roles is None else roles
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(f"unknown role {name!r}{hint} Roles: {', '.join(known)}")
    return known[name]


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    property: str
    unit: str | None = None
    scale: str | None = None
    lower: float | None = None
    upper: float | None = None

    def key(self) -> PropertyKey:
        key = PropertyKey.parse(self.property)
        if self.unit not in (None, key.unit):
            raise InputError(f"{self.property} is in {key.unit}, not in {self.unit}; convert the numbers, drop `unit`")
        return key

    def shift(self) -> ScaleShift | None:
        """From the scale written to that of the property's level; the scale of an IE or EA must be named."""
        key = self.key()
        quantity = scaled_quantity(key.name)
        if (quantity is None) != (self.scale is None):
            wanted = "must name its scale" if self.scale is None else "has no energy scale; leave `scale` out"
            raise InputError(f"{self.property} {wanted}")
        if quantity is None or self.scale is None:
            return None
        return scale_shift(quantity, origin=self.scale, destination=level_of_theory(key.level).scale)

    def stated(self) -> Window:
        lower = -math.inf if self.lower is None else self.lower
        return Window(lower, math.inf if self.upper is None else self.upper)


class _WindowRow(_Limits):
    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("a window needs lower, upper or both")
        return self

    def build(self) -> PropertyWindow:
        return PropertyWindow(self.key(), _shifted(self.stated(), self.shift()), self.stated(), self.scale)


class _ObjectiveRow(_Limits):
    direction: Direction
    reference: float
    target: float | None = None
    weight: float = Field(default=1.0, gt=0)
    bound: float | None = None

    @model_validator(mode="after")
    def _goal_fits_direction(self) -> Self:
        has_limits = self.lower is not None or self.upper is not None
        if has_limits != (self.direction == "window") or (self.target is None) == (self.direction == "target"):
            raise ValueError("`window` takes lower and/or upper, `target` takes target, the others take neither")
        return self

    def build(self) -> Objective:
        shift = self.shift()
        stated = {"window": self.stated(), "target": _point(self.target)}.get(self.direction)
        goal = None if stated is None else _shifted(stated, shift)
        step = 0.0 if shift is None else shift.value
        bound = None if self.bound is None else self.bound + step
        return Objective(self.key(), self.direction, self.reference + step, goal, self.weight, bound)


class _PartnerRow(BaseModel):
    """A partner by its name in the bundled table, or with levels of its own."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    part: Part | None = None
    ionization_energy: float | None = None
    electron_affinity: float | None = None
    std: float = Field(default=TABLE_ERROR_EV, ge=0)
    scale: str | None = None
    source: str | None = None
    ionization_key: str = "vertical_ionization_energy@ipea1//gfn2"
    affinity_key: str = "vertical_electron_affinity@gfn2"
    least_hole_offset: float | None = None
    least_electron_offset: float | None = None

    def build(self) -> Partner:
        known = self._known()
        hole, electron = LEAST_OFFSETS_EV.get(known.scale, (None, None))
        hole = hole if self.least_hole_offset is None else self.least_hole_offset
        electron = electron if self.least_electron_offset is None else self.least_electron_offset
        if hole is None or electron is None:
            raise InputError(
                f"partner {self.name}: the {known.scale} scale has no usual least offsets; give least_hole_offset and "
                "least_electron_offset"
            )
        return Partner(
            self.name,
            known.part,
            ScaledEnergy(known.ionization_energy, self.std, known.scale),
            ScaledEnergy(known.electron_affinity, self.std, known.scale),
            PropertyKey.parse(self.ionization_key),
            PropertyKey.parse(self.affinity_key),
            known.doi,
            hole,
            electron,
        )

    def _known(self) -> KnownPartner:
        own = (self.part, self.ionization_energy, self.electron_affinity, self.scale, self.source)
        if all(entry is None for entry in own):
            return known_partner(self.name)
        part, ie, ea, scale, source = own
        if part is None or ie is None or ea is None or scale is None or source is None:
            raise InputError(
                f"partner {self.name}: levels of your own need part, ionization_energy, electron_affinity, scale and "
                "source, all of them; a name of the bundled table needs none"
            )
        return KnownPartner(self.name, part, ie, ea, scale, source)


class _RoleRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str
    source: str
    windows: list[_WindowRow]
    objectives: list[_ObjectiveRow] = Field(min_length=1)
    partner: _PartnerRow | None = None


@lru_cache(maxsize=1)
def _shipped_roles() -> dict[str, Role]:
    text = files("heliosc.selection").joinpath("roles.yaml").read_text(encoding="utf-8")
    return _parse_roles(text, origin="roles.yaml")


def _parse_roles(text: str, *, origin: str) -> dict[str, Role]:
    try:
        rows = TypeAdapter(dict[str, _RoleRow]).validate_python(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(f"{origin} is not YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"{origin} does not describe roles: {problems}") from error
    if not rows:
        raise InputError(f"{origin} describes no role; expected at least one")
    return {name: _build_role(name, row, origin=origin) for name, row in rows.items()}


def _build_role(name: str, row: _RoleRow, *, origin: str) -> Role:
    try:
        windows = tuple(window.build() for window in row.windows)
        objectives = tuple(objective.build() for objective in row.objectives)
        partner = None if row.partner is None else row.partner.build()
        keys = [objective.key for objective in objectives]
        if repeated := next((key for key in keys if keys.count(key) > 1), None):
            raise InputError(f"two objectives on {repeated}; one property has one direction")
        _check_pairs([*(o.key for o in objectives), *(w.key for w in windows)], partner, n_windows=len(windows))
    except InputError as error:
        raise InputError(f"{origin}, role {name!r}: {error}") from error
    return Role(name, row.description, row.source, windows, objectives, partner)


def _check_pairs(keys: Sequence[PropertyKey], partner: Partner | None, *, n_windows: int) -> None:
    """Objectives on a pair need the partner, at the level that its keys give; windows are of the molecule alone."""
    pairs = [key for key in keys if is_pair_key(key)]
    if any(is_pair_key(key) for key in keys[len(keys) - n_windows :]):
        raise InputError("a window on a pair; set windows on the levels of the molecule, and the pair as an objective")
    if partner is None:
        if pairs:
            raise InputError(f"{pairs[0]} is of a donor:acceptor pair; name the role's `partner`")
        return
    known = [PropertyKey(name, partner.level) for name in (VOLTAGE, OFFSETS)]
    if wrong := next((key for key in pairs if key not in known), None):
        raise InputError(f"{wrong} is not known of a pair with {partner}; expected {' or '.join(map(str, known))}")


def _point(value: float | None) -> Window | None:
    return None if value is None else Window(value, value)


def _shifted(window: Window, shift: ScaleShift | None) -> Window:
    if shift is None:
        return window
    return Window(window.lower + shift.value, window.upper + shift.value, shift.std)


def _limits(window: Window) -> str:
    if math.isinf(window.lower):
        return f"<= {window.upper:.4g}"
    if math.isinf(window.upper):
        return f">= {window.lower:.4g}"
    return f"{window.lower:.4g} to {window.upper:.4g}"
