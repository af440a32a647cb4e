"""The long store, opened for reading once every part of it is what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.frames import pl
from heliosc.datasets.schema import (
    LONG_SCHEMA,
    MOLECULE_SCHEMA,
    MOLECULES_FOLDER,
    PROPERTIES_FOLDER,
    LongRow,
    MoleculeRow,
    check_columns,
    check_row,
)
from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.properties.plausibility import possible_range

_INCHIKEY = r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$"


@dataclass(frozen=True, slots=True)
class StoreTables:
    """A checked long store; nothing is in memory yet.

    Attributes
    ----------
    properties : columns of LONG_SCHEMA
    molecules : columns of MOLECULE_SCHEMA, then ``descriptors``
    """

    properties: pl.LazyFrame
    molecules: pl.LazyFrame
    descriptors: tuple[str, ...]


def open_store(folder: Path) -> StoreTables:
    """Open the store that ``heliosc data merge`` wrote.

    Raises
    ------
    InputError : there is none, or a column, type, unit, name or value is not as it should be; names file and row
    """
    for file in _parts(folder, PROPERTIES_FOLDER):
        check_columns(_schema(file), LONG_SCHEMA, file=str(file))
        _check_long_rows(file)
    for file in _parts(folder, MOLECULES_FOLDER):
        check_columns(_schema(file), MOLECULE_SCHEMA, file=str(file), extra=pa.float64())
        _check_molecule_rows(file)
    return scan_store(folder)


def scan_store(folder: Path) -> StoreTables:
    """The same for a store that was checked a moment ago.

    Raises
    ------
    InputError : there is none
    """
    properties = _parts(folder, PROPERTIES_FOLDER)
    molecules = _parts(folder, MOLECULES_FOLDER)
    described = _schema(molecules[0]).names[len(MOLECULE_SCHEMA) :]
    return StoreTables(pl.scan_parquet(properties), pl.scan_parquet(molecules), tuple(described))


def _parts(folder: Path, name: str) -> list[Path]:
    files = sorted((folder / name).glob("part-*.parquet"))
    if not files:
        raise InputError(f"{folder / name} holds no part-*.parquet; write the store with: heliosc data merge")
    return files


def _schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file} cannot be read as Parquet: {error}; merge again") from error


def _check_long_rows(file: Path) -> None:
    """All rows at the speed of columns; the first that looks wrong is then examined as a row."""
    rows = pl.scan_parquet(file).with_row_index("number", offset=1)
    _refuse_repeated(rows, file)
    units = _units(rows)
    suspicious = rows.join(units.lazy(), on=["property", "level"], how="left", suffix="_expected").filter(
        _lacks_required(LONG_SCHEMA)
        | pl.col("unit_expected").is_null()
        | (pl.col("unit") != pl.col("unit_expected"))
        | ~pl.col("value").is_between("low", "high")
        | ~pl.col("value").is_finite()
        | ~pl.col("inchikey").str.contains(_INCHIKEY).fill_null(value=True)
        | (pl.col("std").fill_null(0.0) < 0)
        | ~pl.col("std").fill_null(0.0).is_finite()
        | (pl.col("n_rows") < 1)
        | (pl.col("first_row") < 1)
        | (pl.col("smiles") == "")
        | (pl.col("source") == "")
    )
    for row in suspicious.head(1).drop("unit_expected", "low", "high").collect().to_dicts():
        check_row(LongRow, row, file=str(file), number=row.pop("number"))


def _refuse_repeated(rows: pl.LazyFrame, file: Path) -> None:
    """Rows are sorted by their identity, so that a repeated one stands beside its twin."""
    identity = ("smiles", "property", "level", "source")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in identity)
    for (number,) in rows.filter(same).select("number").head(1).collect().rows():
        raise InputError(
            f"{file}, row {number}: molecule, property, level and source of the row before it once more; merge again"
        )


def _lacks_required(schema: pa.Schema) -> pl.Expr:
    return pl.any_horizontal(pl.col(field.name).is_null() for field in schema if not field.nullable)


def _units(rows: pl.LazyFrame) -> pl.DataFrame:
    """Unit and possible range of each property and level that the vocabulary knows."""
    pairs = rows.select("property", "level").unique().collect().rows()
    known = []
    for name, level in pairs:
        try:
            key = PropertyKey.parse(f"{name}@{level}")
        except InputError:
            continue  # the rows with it are the suspicious ones
        known.append((name, level, key.unit, *possible_range(key)))
    schema = dict.fromkeys(("property", "level", "unit"), pl.String) | dict.fromkeys(("low", "high"), pl.Float64)
    return pl.DataFrame(known, schema=schema, orient="row")


def _check_molecule_rows(file: Path) -> None:
    rows = pl.scan_parquet(file).select(MOLECULE_SCHEMA.names).with_row_index("number", offset=1)
    suspicious = rows.filter(
        _lacks_required(MOLECULE_SCHEMA)
        | (pl.col("smiles") == "")
        | (pl.col("sources") == "")
        | ~pl.col("kind").is_in(["molecule", "polymer"])
        | ~pl.col("inchikey").str.contains(_INCHIKEY).fill_null(value=True)
    )
    for row in suspicious.head(1).collect().to_dicts():
        check_row(MoleculeRow, row, file=str(file), number=row.pop("number"))
