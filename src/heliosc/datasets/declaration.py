"""What a source is, in one small YAML file: where it is had, its licence, its columns with units and signs.

The shipped declarations are ``heliosc/datasets/sources/*.yaml``. A user's own file has the same form; nothing in it is
guessed: every column names its property, level of theory, unit and sign.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from heliosc.errors import HelioscError, InputError
from heliosc.properties import PropertyKey
from heliosc.properties.units import factor_to

Column = Annotated[str, Field(min_length=1)] | Annotated[int, Field(strict=True)]
"""A column by its name, or by its place: 1 is the first, -1 the last."""


def _file_pattern(pattern: str) -> str:
    if not pattern.strip() or Path(pattern).is_absolute() or "**" in pattern:
        raise ValueError(
            f"{pattern!r} is no file name; expected one beside the column map, such as osc.csv or osc*.csv"
        )
    return pattern


FilePattern = Annotated[str, AfterValidator(_file_pattern)]
"""A file name, perhaps with ``*``, relative to the folder that is searched."""

MAX_DECLARATION_BYTES = 1_000_000


class Part(BaseModel):
    """A part of a declaration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Download(Part):
    """A file at its public home. ``sha256: null`` means that the home publishes none; the first download records it."""

    url: str = Field(pattern=r"^https?://")
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name to store it under")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")


class Licence(Part):
    """Under what terms the data may be used; shown before a download."""

    name: str
    url: str | None = None
    note: str = ""


class ColumnMap(Part):
    """One column of the source as one property.

    ``value = (column - minus) x unit factor``, negated where ``sign`` is ``opposite``. Our signs: energies as they are,
    electron affinity E(N) - E(N+1), positive when the anion is bound.
    """

    column: Column
    minus: Column | None = Field(None, description="column to subtract first, in the same unit")
    property: str
    level: str
    unit: str
    sign: Literal["same", "opposite"]
    where: dict[str, str] = Field(default_factory=dict, description="only rows in which these columns have these texts")
    is_unusual: bool = Field(False, description="the median is right although it is outside the usual range")

    @cached_property
    def key(self) -> PropertyKey:
        return PropertyKey.parse(f"{self.property}@{self.level}")

    @cached_property
    def factor(self) -> float:
        return factor_to(self.key.unit, self.unit) * (1.0 if self.sign == "same" else -1.0)

    @model_validator(mode="after")
    def _known(self) -> ColumnMap:
        try:
            _ = self.factor
        except InputError as error:
            raise ValueError(str(error)) from error
        return self


class Identity(Part):
    """A sum that must hold within a row of the raw file: ``total = sum(parts)``; parts with ``-`` are subtracted."""

    total: str
    parts: list[str] = Field(min_length=1)
    tolerance: float = Field(gt=0)


class Kind(Part):
    """Which rows are repeat units of polymers although their SMILES has no ``[*]``."""

    column: str
    polymer: list[str] = Field(min_length=1)


class SourceDeclaration(Part):
    """One source."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str
    reference: str = ""
    licence: Licence
    downloads: list[Download] = []
    package: str | None = Field(None, description="installed Python package that carries the files")
    files: list[FilePattern] = Field(min_length=1, description="file name patterns, tried in this order")
    format: Literal["csv", "sdf", "parquet", "qm9_xyz"] = "csv"
    delimiter: Literal[",", ";", "\t"] = ","
    smiles: list[Column] = Field(min_length=1, description="SMILES column; of several, the first that the file has")
    kind: Kind | None = None
    conditions: Column | None = Field(None, description="column that says how a row's values were measured")
    columns: list[ColumnMap] = []
    identities: list[Identity] = []
    ignored: dict[str, str] = Field(default_factory=dict, description="columns left out on purpose -> why")

    @model_validator(mode="after")
    def _one_column_a_property(self) -> SourceDeclaration:
        seen: dict[tuple[str, tuple[tuple[str, str], ...]], Column] = {}
        for column in self.columns:
            identity = (str(column.key), tuple(sorted(column.where.items())))
            if identity in seen:
                raise ValueError(f"columns {seen[identity]!r} and {column.column!r} are both {column.key}; keep one")
            seen[identity] = column.column
        return self

    @model_validator(mode="after")
    def _one_property_a_column(self) -> SourceDeclaration:
        seen: dict[tuple[Column, Column | None, tuple[tuple[str, str], ...]], PropertyKey] = {}
        for column in self.columns:
            numbers = (column.column, column.minus, tuple(sorted(column.where.items())))
            if seen.setdefault(numbers, column.key) != column.key:
                raise ValueError(
                    f"column {column.column!r} is both {seen[numbers]} and {column.key}; keep the true one"
                )
        return self

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties and levels that this source gives, sorted."""
        return tuple(sorted({column.key for column in self.columns}))


def shipped_sources() -> dict[str, SourceDeclaration]:
    """All declarations that come with heliosc, by name."""
    folder = files("heliosc.datasets.sources")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    parsed = [_parse((folder / name).read_text(), name) for name in names]
    return {declaration.name: declaration for declaration in parsed}


def shipped_source(name: str) -> SourceDeclaration:
    """One shipped declaration.

    Raises
    ------
    InputError : there is none of that name
    """
    sources = shipped_sources()
    if name not in sources:
        near = difflib.get_close_matches(name, sources, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"no source is called {name!r}.{hint} There are: {', '.join(sources)}")
    return sources[name]


def read_declaration(path: Path) -> SourceDeclaration:
    """A user's own declaration.

    Raises
    ------
    InputError : absent, not YAML, or wrong in a named place
    """
    try:
        if path.stat().st_size > MAX_DECLARATION_BYTES:
            raise InputError(f"{path} is over {MAX_DECLARATION_BYTES} bytes; a column map is a small file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the column map {path}: {error}") from error
    return _parse(text, str(path))


def _parse(text: str, origin: str) -> SourceDeclaration:
    try:
        data: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{origin} is not YAML: {str(error)[:300]}") from error
    if not isinstance(data, Mapping):
        raise InputError(f"{origin} holds {type(data).__name__}; expected a mapping with name, licence, files, columns")
    try:
        return SourceDeclaration.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:8])
        raise InputError(f"{origin}: {faults}. See docs/how-to/data.md for an example") from error
    except HelioscError as error:
        raise InputError(f"{origin}: {error}") from error
