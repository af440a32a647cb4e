"""Properties of the user's own: what arrives with data becomes a column, a model head, an objective by one YAML file.

For each name::

    solubility:
      unit: g/L
      symbol: S
      meaning: in chloroform at 25 C
      lower: 0                  # possible values, optional
      upper: 2000
      units: {mg/mL: 1.0}       # further units and their factors, optional

``use_properties`` adds them to the vocabulary of this process and, through ``HELIOSC_PROPERTIES``, of those it starts.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from heliosc.environment import OWN_PROPERTIES
from heliosc.errors import InputError
from heliosc.properties.names import PropertyDefinition, add_property
from heliosc.properties.units import add_units

_NAME = r"^[a-z][a-z0-9_]{1,59}$"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    unit: str = Field(min_length=1, max_length=30)
    symbol: str = Field(min_length=1, max_length=20)
    meaning: str = Field(min_length=1, max_length=200)
    lower: float | None = None
    upper: float | None = None
    units: dict[str, float] = {}

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError(f"lower {self.lower} must be below upper {self.upper}")
        return self


def use_properties(path: Path) -> tuple[PropertyDefinition, ...]:
    """Add the properties of a file to the vocabulary; the same file again changes nothing.

    Raises
    ------
    InputError : unreadable, not of the documented form, or a name that means something else already
    """
    rows = _read(path)
    definitions = tuple(
        PropertyDefinition(
            name, row.unit, row.symbol, row.meaning,
            -math.inf if row.lower is None else row.lower, math.inf if row.upper is None else row.upper,
        )
        for name, row in rows.items()
    )  # fmt: skip
    for definition, row in zip(definitions, rows.values(), strict=True):
        add_property(definition)
        add_units(definition.unit, row.units)
    os.environ[OWN_PROPERTIES] = str(path.resolve())
    return definitions


def _read(path: Path) -> dict[str, _Row]:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows = TypeAdapter(dict[str, _Row]).validate_python(content)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read properties from {path}: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:8])
        raise InputError(f"{path} does not describe properties: {faults}. See docs/how-to/add-a-property.md") from error
    wrong = [name for name in rows if not re.match(_NAME, name)]
    if wrong:
        raise InputError(f"{path}: property name {wrong[0]!r}; expected lower-case letters, digits and _")
    return rows
