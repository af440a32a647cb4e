"""The form of a criteria file, checked in full before anything is judged by it."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from heliosc.errors import InputError
from heliosc.handoff.promotion.criteria import (
    Criteria,
    Criterion,
    LevelError,
    Limits,
    MissingCriterion,
    PairCriterion,
    PairRole,
    RoleCriteria,
    StructureLimits,
    WindowCriterion,
)
from heliosc.properties import PROPERTIES, level_of_theory
from heliosc.properties.names import property_definition
from heliosc.properties.scales import SCALES, scaled_quantity
from heliosc.selection.objectives import Window

Tier = Literal["xtb", "dft", "experiment"]
MoleculeKind = Literal["fullerene", "large"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)


class _Range(_Strict):
    lower: float | None = None
    upper: float | None = None

    def window(self) -> Window:
        return _window(self.lower, self.upper)


class _LimitsRow(_Range):
    scale: str | None = None
    level: str | None = None
    tier: Tier | None = None
    tolerated_lower: float | None = None
    tolerated_upper: float | None = None
    grades: dict[str, _Range] = Field(default_factory=dict)
    advisory: bool = False

    @model_validator(mode="after")
    def _is_meaningful(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("limits need lower, upper or both")
        if self.lower is not None and self.tolerated_lower is not None and self.tolerated_lower > self.lower:
            raise ValueError(f"tolerated_lower {self.tolerated_lower} lies inside the window, above {self.lower}")
        if self.upper is not None and self.tolerated_upper is not None and self.tolerated_upper < self.upper:
            raise ValueError(f"tolerated_upper {self.tolerated_upper} lies inside the window, below {self.upper}")
        return self

    def build(self, property_name: str) -> Limits:
        self._check_scale(property_name)
        if self.level is not None:
            level_of_theory(self.level)
        is_tolerant = self.tolerated_lower is not None or self.tolerated_upper is not None
        wider = (
            self.lower if self.tolerated_lower is None else self.tolerated_lower,
            self.upper if self.tolerated_upper is None else self.tolerated_upper,
        )
        return Limits(
            self.window(),
            _window(*wider) if is_tolerant else None,
            self.scale,
            self.level,
            self.tier,
            tuple((name, part.window()) for name, part in self.grades.items()),
            self.advisory,
        )

    def _check_scale(self, property_name: str) -> None:
        if (scaled_quantity(property_name) is None) != (self.scale is None):
            wanted = "has no energy scale; leave `scale` out" if self.scale else "must name its scale"
            raise InputError(f"{property_name} {wanted} ({', '.join(SCALES)})")
        if self.scale is not None and self.scale not in SCALES:
            raise InputError(f"unknown energy scale {self.scale!r}; expected one of: {', '.join(SCALES)}")


class _PairRow(_Strict):
    role: PairRole
    partner: str
    least: dict[str, float] = Field(min_length=1)
    least_voltage: float = 0.0


class _CriterionRow(_Strict):
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    property: str | None = None
    limits: list[_LimitsRow] = Field(default_factory=list)
    pair: _PairRow | None = None
    not_computed: str | None = Field(default=None, min_length=1)
    required: bool = True
    advisory: bool = False

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        is_window = self.property is not None and bool(self.limits)
        if [is_window, self.pair is not None, self.not_computed is not None].count(True) != 1:
            raise ValueError("a criterion has either `property` and `limits`, or `pair`, or `not_computed`")
        return self

    def build(self) -> Criterion:
        if self.not_computed is not None:
            return MissingCriterion(self.name, self.not_computed, self.source)
        if self.pair is not None:
            unknown = [scale for scale in self.pair.least if scale not in SCALES]
            if unknown:
                raise InputError(f"unknown energy scale {unknown[0]!r}; expected one of: {', '.join(SCALES)}")
            return PairCriterion(
                self.name, self.pair.role, self.pair.partner, tuple(self.pair.least.items()),
                self.pair.least_voltage, self.source, self.required, self.advisory,
            )  # fmt: skip
        name = property_definition(str(self.property)).name
        limits = tuple(row.build(name) for row in self.limits)
        return WindowCriterion(self.name, name, limits, self.source, self.required, self.advisory)


class _RoleRow(_Strict):
    description: str
    criteria: list[_CriterionRow] = Field(min_length=1)

    def build(self, name: str) -> RoleCriteria:
        names = [row.name for row in self.criteria]
        twice = sorted({row for row in names if names.count(row) > 1})
        if twice:
            raise InputError(f"criterion {twice[0]!r} is there twice; names must differ")
        return RoleCriteria(name, self.description, tuple(row.build() for row in self.criteria))


class _LevelErrorRow(_Strict):
    quantity: str
    std: float = Field(gt=0)
    source: str
    level: str | None = None
    tier: Tier | None = None
    kind: MoleculeKind | None = None
    shift: float = 0.0

    def build(self) -> LevelError:
        quantities = {scaled_quantity(name) or name for name in PROPERTIES}
        if self.quantity not in quantities:
            raise InputError(f"level_errors: unknown quantity {self.quantity!r}; expected ionization_energy, "
                             "electron_affinity or another property")  # fmt: skip
        if self.level is not None:
            level_of_theory(self.level)
        return LevelError(self.quantity, self.std, self.source, self.level, self.tier, self.kind, self.shift)


class _SaRow(_Strict):
    passes: float = Field(alias="pass")
    limit: float
    source: str

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.passes > self.limit:
            raise ValueError(f"pass {self.passes} must not exceed limit {self.limit}")
        return self


class _StructureRow(_Strict):
    sa_core: _SaRow
    torsion_change_deg: float = Field(gt=0, le=90)


class _ThresholdsRow(_Strict):
    passes: float = Field(alias="pass", gt=0, lt=1)
    warn: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.warn > self.passes:
            raise ValueError(f"warn {self.warn} must not exceed pass {self.passes}")
        return self


class _File(_Strict):
    thresholds: _ThresholdsRow
    level_errors: list[_LevelErrorRow]
    structure: _StructureRow
    roles: dict[str, _RoleRow] = Field(min_length=1)


def parse_criteria(content: object, *, origin: str) -> Criteria:
    """Check what a YAML file holds and build the criteria.

    Raises
    ------
    InputError : it does not fit the documented form
    """
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:6])
        raise InputError(
            f"{origin} does not describe promotion criteria: {problems}; criteria.yaml of heliosc explains each field"
        ) from error
    roles = {}
    for name, row in file.roles.items():
        try:
            roles[name] = row.build(name)
        except InputError as error:
            raise InputError(f"{origin}, role {name!r}: {error}") from error
    try:
        errors = tuple(row.build() for row in file.level_errors)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from error
    sa = file.structure.sa_core
    structure = StructureLimits(sa.passes, sa.limit, sa.source, file.structure.torsion_change_deg)
    return Criteria(file.thresholds.passes, file.thresholds.warn, errors, structure, roles)


def _window(lower: float | None, upper: float | None) -> Window:
    return Window(-math.inf if lower is None else lower, math.inf if upper is None else upper)
