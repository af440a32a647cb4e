"""A user's own molecules: a CSV with a SMILES column and property columns, or a plain list of SMILES.

What can be read is read; what cannot is set aside with its row number, the reason and what to do. A property column is
named ``NAME@LEVEL`` or declared in a map, because a value without its level of theory cannot be used.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError
from heliosc.properties import PROPERTIES, PropertyKey, PropertyTable

SMILES_COLUMNS = ("smiles", "canonical_smiles", "rdkit_smiles", "smi")
LIST_SUFFIXES = (".smi", ".txt", ".smiles")
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was set aside.

    Attributes
    ----------
    row : line number in the file, the header being 1
    text : its SMILES as found, shortened
    reason : what is wrong
    next_step : what to do about it
    """

    row: int
    text: str
    reason: str
    next_step: str


@dataclass(frozen=True, slots=True)
class CsvImport:
    """What a file gave.

    Attributes
    ----------
    rows : (n_molecules,) line number of each molecule of the table
    """

    table: PropertyTable
    quarantined: tuple[QuarantinedRow, ...]
    rows: tuple[int, ...]


def read_smiles(file: Path) -> tuple[list[str], list[QuarantinedRow]]:
    """Canonical SMILES of a CSV or a list, each molecule once, and the rows set aside.

    Raises
    ------
    InputError : the file is absent, empty, not text, or has no SMILES column
    """
    imported = _collect(_smiles_rows(file), ())
    return list(imported.table.smiles), list(imported.quarantined)


def read_property_csv(file: Path, *, columns: Mapping[str, PropertyKey] | None = None) -> CsvImport:
    """Molecules and property values of a CSV; empty cells and NaN are missing values.

    Parameters
    ----------
    columns : column of the file -> property and level, for columns not named ``NAME@LEVEL``; other columns are ignored

    Raises
    ------
    InputError : as ``read_smiles``; also a property column without a level, or a declared column that is absent
    """
    header, rows = _csv_rows(file)
    chosen = _property_columns(header, columns or {}, file)
    smiles_column = _smiles_column(header, file)
    return _collect(
        ((number, cells[smiles_column], [cells[index] for index in chosen]) for number, cells in rows),
        tuple(chosen.values()),
    )


def _collect(rows: Iterator[tuple[int, str, list[str]]], keys: tuple[PropertyKey, ...]) -> CsvImport:
    first_row: dict[str, int] = {}
    values, quarantined = [], []
    for number, text, cells in rows:
        try:
            smiles = Chem.MolToSmiles(parse_smiles(text))
            numbers = [_number(cell, key) for cell, key in zip(cells, keys, strict=True)]
        except InputError as error:
            quarantined.append(QuarantinedRow(number, text[:80], str(error), "correct the row and import again"))
            continue
        if smiles in first_row:
            reason = f"the same molecule as row {first_row[smiles]}, which is used"
            quarantined.append(QuarantinedRow(number, text[:80], reason, "keep one row a molecule"))
            continue
        first_row[smiles] = number
        values.append(numbers)
    array = np.array(values, dtype=np.float64).reshape(len(values), len(keys))
    return CsvImport(PropertyTable(tuple(first_row), keys, array), tuple(quarantined), tuple(first_row.values()))


def _number(cell: str, key: PropertyKey) -> float:
    if cell.strip().lower() in MISSING:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(f"{key} is {cell.strip()[:40]!r}; expected a finite number in {key.unit}, or an empty cell")
    return value


def _property_columns(header: list[str], declared: Mapping[str, PropertyKey], file: Path) -> dict[int, PropertyKey]:
    """Column number -> property; declared columns first, then those named NAME@LEVEL."""
    absent = [name for name in declared if name not in header]
    if absent:
        raise InputError(f"{file} has no column {', '.join(absent)}; its columns are {', '.join(header)}")
    chosen = {}
    for index, name in enumerate(header):
        if name in declared:
            chosen[index] = declared[name]
        elif "@" in name:
            chosen[index] = PropertyKey.parse(name)
        elif name in PROPERTIES:
            raise InputError(
                f"{file}: column {name!r} names no level of theory; call it {name}@LEVEL, "
                f"e.g. {name}@gfn2, or declare it"
            )
    repeated = {str(key) for key in chosen.values() if list(chosen.values()).count(key) > 1}
    if repeated:
        raise InputError(f"{file} has two columns of {', '.join(sorted(repeated))}; keep one of each")
    return chosen


def _smiles_rows(file: Path) -> Iterator[tuple[int, str, list[str]]]:
    if file.suffix.lower() in LIST_SUFFIXES:
        yield from _list_rows(file)
        return
    header, rows = _csv_rows(file)
    column = _smiles_column(header, file)
    for number, cells in rows:
        yield number, cells[column], []


def _list_rows(file: Path) -> Iterator[tuple[int, str, list[str]]]:
    """One SMILES a line, perhaps with a name behind it; ``#`` starts a comment line."""
    for number, line in enumerate(_read_text(file).splitlines(), start=1):
        fields = line.split()
        is_header = number == 1 and bool(fields) and fields[0].lower() in SMILES_COLUMNS
        if fields and not line.startswith("#") and not is_header:
            yield number, fields[0], []


def _csv_rows(file: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header, and line number with cells of each row that is not blank, filled up to the header's length."""
    text = _read_text(file)
    first_line = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: not a CSV row ({error}); check its quotes") from error
    header = rows[0][1]
    filled = ((number, cells + [""] * (len(header) - len(cells))) for number, cells in rows[1:])
    return header, filled


def _smiles_column(header: list[str], file: Path) -> int:
    lowered = [name.lower() for name in header]
    for name in SMILES_COLUMNS:
        if name in lowered:
            return lowered.index(name)
    raise InputError(
        f"{file} has no SMILES column; its columns are {', '.join(header)[:200]}; expected one named smiles "
        "(or a .smi file with one SMILES a line)"
    )


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}; check the path and permission") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x}); save it as CSV UTF-8"
        ) from error
    if "\0" in text:
        raise InputError(f"{file} is not a text file; expected a CSV or a list of SMILES")
    if not text.strip():
        raise InputError(f"{file} is empty; expected a header with a SMILES column and one molecule a row")
    return text
