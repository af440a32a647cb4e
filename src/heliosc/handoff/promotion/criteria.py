"""Criteria of promotion, read from YAML: the shipped ``criteria.yaml``, and a user's file over it."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml

from heliosc.errors import InputError
from heliosc.experiments.calibration import LaboratoryStep
from heliosc.selection.objectives import Window

SHIPPED = "criteria.yaml"
PairRole = Literal["donor", "acceptor"]
BEST_PARTNER = "best"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one property on one scale.

    Attributes
    ----------
    window : inside passes
    tolerated : inside warns instead of failing; None = nothing outside the window is
    scale : energy scale; None for properties without one
    level, tier : only values of that level or tier are judged by these limits; None = all
    grades : name -> better part of the window, e.g. ``likely``
    advisory : such a value can warn and never decides
    """

    window: Window
    tolerated: Window | None = None
    scale: str | None = None
    level: str | None = None
    tier: str | None = None
    grades: tuple[tuple[str, Window], ...] = ()
    advisory: bool = False


@dataclass(frozen=True, slots=True)
class WindowCriterion:
    """A property that must lie inside a window."""

    name: str
    property: str
    limits: tuple[Limits, ...]
    source: str
    is_required: bool = True
    is_advisory: bool = False


@dataclass(frozen=True, slots=True)
class PairCriterion:
    """Offsets of IE and EA, and a voltage, beside a partner of the bundled table.

    Attributes
    ----------
    role : of the candidate; a donor is paired with acceptors
    partner : a name of the table, or ``best``
    least : scale -> least offset of IE and of EA, acceptor less donor, eV
    least_voltage : of Scharber's estimate, V
    """

    name: str
    role: PairRole
    partner: str
    least: tuple[tuple[str, float], ...]
    least_voltage: float
    source: str
    is_required: bool = True
    is_advisory: bool = False


@dataclass(frozen=True, slots=True)
class MissingCriterion:
    """What belongs to a role and is not computed; the ledger says so."""

    name: str
    note: str
    source: str


Criterion = WindowCriterion | PairCriterion | MissingCriterion


@dataclass(frozen=True, slots=True)
class RoleCriteria:
    """What is asked of one role."""

    name: str
    description: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class LevelError:
    """Standard error of one value of a level, on the level's own scale, in the unit of the quantity.

    Attributes
    ----------
    kind : of molecule: ``fullerene``, ``large``, or None = any
    shift : added to the value, for a kind of molecule that the level is known to be wrong about
    """

    quantity: str
    std: float
    source: str
    level: str | None = None
    tier: str | None = None
    kind: str | None = None
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class StructureLimits:
    """What is read off the structure and the geometries: SA score of the core, change of torsions, degrees."""

    sa_pass: float
    sa_limit: float
    sa_source: str
    torsion_change_deg: float


@dataclass(frozen=True, slots=True)
class Criteria:
    """A whole file: thresholds of probability, errors of levels, structural limits, roles.

    Attributes
    ----------
    laboratory : steps from computed to measured that returned values have taught; they take the place of shipped maps
    """

    pass_at: float
    warn_at: float
    level_errors: tuple[LevelError, ...]
    structure: StructureLimits
    roles: Mapping[str, RoleCriteria]
    laboratory: tuple[LaboratoryStep, ...] = ()

    def role(self, name: str) -> RoleCriteria:
        """The criteria of a role.

        Raises
        ------
        InputError : there is no such role
        """
        if name not in self.roles:
            close = difflib.get_close_matches(name, self.roles, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise InputError(f"no promotion criteria for role {name!r}{hint} Roles: {', '.join(self.roles)}")
        return self.roles[name]

    def error_of(self, quantity: str, *, level: str, tier: str, kinds: Collection[str]) -> LevelError | None:
        """The first entry that fits a value of this level for a molecule of these kinds; None = not known."""
        fitting = (
            error
            for error in self.level_errors
            if error.quantity == quantity
            and error.level in (None, level)
            and error.tier in (None, tier)
            and (error.kind is None or error.kind in kinds)
        )
        return next(fitting, None)

    def digest(self) -> str:
        """SHA-256 of everything that a verdict can depend on."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


def load_criteria(path: Path | None = None) -> Criteria:
    """The shipped criteria, or a user's file over them.

    Raises
    ------
    InputError : the file cannot be read or does not fit the documented form
    """
    if path is None:
        return _shipped()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read promotion criteria from {path}: {error}") from error
    return _parse(text, origin=str(path))


@lru_cache(maxsize=1)
def _shipped() -> Criteria:
    return _parse(None, origin=SHIPPED)


def _parse(text: str | None, *, origin: str) -> Criteria:
    from heliosc.handoff.promotion.criteria_file import parse_criteria

    shipped = files("heliosc.handoff.promotion").joinpath(SHIPPED).read_text(encoding="utf-8")
    defaults = _yaml(shipped, origin=SHIPPED)
    if text is None:
        return parse_criteria(defaults, origin=origin)
    return parse_criteria(_merged(defaults, _yaml(text, origin=origin), origin=origin), origin=origin)


def _yaml(text: str, *, origin: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{origin} is not YAML: {' '.join(str(error).split())}") from error


def _merged(defaults: object, given: object, *, origin: str) -> dict[str, object]:
    """The defaults with the user's sections over them; his level errors come first, so that they win."""
    if not isinstance(defaults, dict) or not isinstance(given, dict) or not given:
        raise InputError(f"{origin} holds no criteria; expected sections such as `roles:`, see criteria.yaml")
    merged: dict[str, object] = dict(defaults)
    for section, content in given.items():
        default = defaults.get(section)
        if isinstance(default, list) and isinstance(content, list):
            merged[section] = [*content, *default]
        elif isinstance(default, dict) and isinstance(content, dict):
            merged[section] = {**default, **content}
        else:
            merged[section] = content
    return merged
