"""The tables that ``heliosc data merge`` writes, column by column. Everything that reads them starts here.

``data/store/`` (the store; Parquet, read a folder with ``polars.scan_parquet(folder / "*.parquet")``)
    ``properties/part-NN.parquet``  LONG_SCHEMA: one row a molecule, property, level of theory, source and conditions
    ``molecules/part-NN.parquet``   MOLECULE_SCHEMA followed by descriptor columns, float64: one row a molecule
    ``polymers/properties.parquet``, ``polymers/molecules.parquet``   the same for repeat units with ``[*]``
    ``quarantine.csv``              QUARANTINE_SCHEMA: every row that was set aside
    ``merge.json``                  rows in, kept, duplicates and quarantined of each source; file hashes; versions
``data/raw/all_mols.csv`` (wide), ``data/raw/all_polymers.csv``
    WIDE_IDENTITY_COLUMNS, then one ``NAME@LEVEL`` column a property and level, then the structural columns of
    ``heliosc.datasets.bulk_descriptors``. An empty cell is a missing value.

A molecule is its canonical SMILES after standardisation. Tautomers are different molecules even where they share an
InChIKey. Within a table rows are sorted by SMILES (then property, level, source), so equal inputs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.properties.plausibility import possible_range

PROPERTIES_FOLDER = "properties"
MOLECULES_FOLDER = "molecules"
POLYMERS_FOLDER = "polymers"
QUARANTINE_FILE = "quarantine.csv"
MERGE_FILE = "merge.json"
WIDE_POLYMER_FILE = Path("data/raw/all_polymers.csv")

MOLECULE = "molecule"
POLYMER = "polymer"


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


LONG_SCHEMA = pa.schema(
    [
        _required("smiles", pa.string()),
        pa.field("inchikey", pa.string()),
        _required("property", pa.string()),
        _required("level", pa.string()),
        _required("source", pa.string()),
        _required("value", pa.float64()),
        pa.field("std", pa.float64()),
        _required("n_rows", pa.int32()),
        _required("unit", pa.string()),
        _required("first_row", pa.int64()),
        pa.field("conditions", pa.string()),
    ]
)
"""``value`` is the median of ``n_rows`` rows of one source, ``std`` their sample standard deviation (null for one row),
``first_row`` the lowest record number in the source's file, counted from 1 without the header. InChIKey is null for
polymers. ``conditions`` say how a value was measured, in the source's words; null where it does not say."""

MOLECULE_SCHEMA = pa.schema(
    [
        _required("smiles", pa.string()),
        pa.field("inchikey", pa.string()),
        _required("kind", pa.string()),
        _required("sources", pa.string()),
        _required("notes", pa.string()),
    ]
)
"""``sources`` and ``notes`` are sorted lists joined by ``;``; notes say what standardisation did or saw."""

QUARANTINE_SCHEMA = pa.schema(
    [
        _required("source", pa.string()),
        _required("row", pa.int64()),
        _required("text", pa.string()),
        _required("reason", pa.string()),
        _required("next_step", pa.string()),
    ]
)

WIDE_IDENTITY_COLUMNS = ("smiles", "inchikey", "sources", "notes")
LIST_SEPARATOR = ";"


class LongRow(BaseModel):
    """One row of the long store, checked at the file boundary."""

    model_config = ConfigDict(extra="forbid", strict=True)

    smiles: str = Field(min_length=1)
    inchikey: str | None = Field(None, pattern=r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$")
    property: str
    level: str
    source: str = Field(min_length=1)
    value: float = Field(allow_inf_nan=False)
    std: float | None = Field(None, ge=0, allow_inf_nan=False)
    n_rows: int = Field(ge=1)
    unit: str
    first_row: int = Field(ge=1)
    conditions: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _known(self) -> LongRow:
        try:
            key = PropertyKey.parse(f"{self.property}@{self.level}")
        except InputError as error:
            raise ValueError(str(error)) from error
        if self.unit != key.unit:
            raise ValueError(f"unit {self.unit!r} of {key}, expected {key.unit!r}")
        low, high = possible_range(key)
        if not low <= self.value <= high:
            raise ValueError(f"{key} of {self.value:.6g} {key.unit}; possible is {low:g} to {high:g}; another unit?")
        return self


class MoleculeRow(BaseModel):
    """The identity of one molecule."""

    model_config = ConfigDict(strict=True)

    smiles: str = Field(min_length=1)
    inchikey: str | None = Field(None, pattern=r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$")
    kind: Literal["molecule", "polymer"]
    sources: str = Field(min_length=1)
    notes: str


def check_columns(found: pa.Schema, expected: pa.Schema, *, file: str, extra: pa.DataType | None = None) -> None:
    """Refuse a table with a wrong column or type.

    Parameters
    ----------
    extra : type of further columns behind the expected ones; None = there may be none

    Raises
    ------
    InputError : names the first column that differs
    """
    for index, field in enumerate(expected):
        got = found.field(index) if index < len(found) else None
        if got is None or got.name != field.name or _loose(got.type) != field.type:
            raise InputError(
                f"{file}: column {index + 1} is {got.name + ' ' + str(got.type) if got is not None else 'absent'}; "
                f"expected {field.name} {field.type}; write the table with: heliosc data merge"
            )
    for field in list(found)[len(expected) :]:
        if extra is None or field.type != extra:
            raise InputError(f"{file}: unexpected column {field.name} of type {field.type}; expected {extra or 'none'}")


def check_row(model: type[BaseModel], row: dict[str, object], *, file: str, number: int) -> None:
    """Refuse one bad row, with its number and all that is wrong in it.

    Raises
    ------
    InputError : a value of the wrong type, unit, range or vocabulary
    """
    try:
        model.model_validate(row)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'row'}: {e['msg']}" for e in error.errors())
        raise InputError(f"{file}, row {number}: {faults}; correct the source and merge again") from error


def join_list(parts: Iterable[str]) -> str:
    """A ``sources`` or ``notes`` cell."""
    return LIST_SEPARATOR.join(sorted(set(parts)))


def _loose(kind: pa.DataType) -> pa.DataType:
    """Polars writes large strings; they are strings to us."""
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind
