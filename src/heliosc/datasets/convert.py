"""Records of a source become standard molecules with values in our units and signs. Runs in a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heliosc.chemistry.standardisation import StandardMolecule, standardise
from heliosc.datasets.declaration import ColumnMap, Identity, SourceDeclaration
from heliosc.datasets.frames import pl
from heliosc.datasets.parts import POLYMER_BUCKET, bucket_of
from heliosc.datasets.quarantine import CORRECT, RefusedRow
from heliosc.datasets.records.model import Chunk, ItemCheck, RawRows
from heliosc.datasets.records.registry import read_rows, smiles_column
from heliosc.datasets.schema import MOLECULE, POLYMER, join_list
from heliosc.errors import InputError
from heliosc.properties.plausibility import possible_range

MISSING_TEXTS = ("", "nan", "na", "n/a", "null", "none", "-", "<na>")
UNMARKED = "connection points not marked"
IDENTITY_COLUMNS = ("bucket", "smiles", "inchikey", "kind", "notes", "row", "conditions")


@dataclass(slots=True)
class Converted:
    """A chunk in our terms.

    Attributes
    ----------
    frame : IDENTITY_COLUMNS, then one float64 column ``NAME@LEVEL`` for each key of the source
    refused : the rows set aside, by row
    """

    frame: pl.DataFrame
    refused: list[RefusedRow]


def convert(chunk: Chunk, declaration: SourceDeclaration, check: ItemCheck) -> Converted:
    """Read, convert and standardise the records of a chunk.

    Raises
    ------
    InputError : the whole file does not fit its declaration
    """
    raw = read_rows(chunk, declaration, check)
    refused = {row: RefusedRow(row, text, reason) for row, text, reason in raw.refused}
    texts = raw.cells[smiles_column(chunk.columns, declaration, origin=declaration.name)]
    values = _values(raw, declaration)
    for index, reason in values.reasons.items():
        refused[raw.rows[index]] = RefusedRow(raw.rows[index], texts[index], reason)
    usable = [index for index in range(len(texts)) if index not in values.reasons]
    molecules = _standardised(texts, usable, check)
    polymers = _declared_polymers(raw, declaration)
    rows: dict[str, list] = {name: [] for name in IDENTITY_COLUMNS}
    kept = []
    for index in usable:
        molecule = molecules[texts[index]]
        if isinstance(molecule, str):
            refused[raw.rows[index]] = RefusedRow(raw.rows[index], texts[index], molecule, _next_step(molecule))
            continue
        kept.append(index)
        for name, value in zip(IDENTITY_COLUMNS, _identity(molecule, index in polymers), strict=False):
            rows[name].append(value)
        rows["row"].append(raw.rows[index])
        rows["conditions"].append(_conditions(raw, declaration, index))
    frame = _identity_frame(rows)
    if values.frame.width:
        frame = frame.hstack(values.frame[kept])
    return Converted(frame.sort("bucket", "smiles", "row"), [refused[row] for row in sorted(refused)])


def _conditions(raw: RawRows, declaration: SourceDeclaration, index: int) -> str | None:
    """How the values of a row were measured; None where the source does not say."""
    return None if declaration.conditions is None else raw.cells[declaration.conditions][index].strip() or None


def _identity(molecule: StandardMolecule, is_declared_polymer: bool) -> tuple[int, str, str | None, str, str]:
    """Bucket, SMILES, InChIKey, kind and notes."""
    if is_declared_polymer and not molecule.is_polymer:
        return POLYMER_BUCKET, molecule.smiles, None, POLYMER, join_list((*molecule.notes, UNMARKED))
    if molecule.is_polymer:
        return POLYMER_BUCKET, molecule.smiles, None, POLYMER, join_list(molecule.notes)
    return bucket_of(molecule.smiles), molecule.smiles, molecule.inchikey, MOLECULE, join_list(molecule.notes)


def _identity_frame(rows: dict[str, list]) -> pl.DataFrame:
    kinds = {"bucket": pl.Int32, "row": pl.Int64}
    return pl.DataFrame(rows, schema={name: kinds.get(name, pl.String) for name in IDENTITY_COLUMNS})


def _standardised(texts: list[str], usable: list[int], check: ItemCheck) -> dict[str, StandardMolecule | str]:
    """Text -> molecule, or the reason why there is none; each distinct text is read once."""
    known: dict[str, StandardMolecule | str] = {}
    for index in usable:
        text = texts[index]
        if text in known:
            continue
        reason = check(index)
        try:
            known[text] = reason if reason is not None else standardise(text)
        except InputError as error:
            known[text] = str(error)
        except (RuntimeError, ValueError, MemoryError) as error:  # RDKit's own invariants, seen on hostile input
            known[text] = f"RDKit gave up: {str(error)[:120] or type(error).__name__}"
    return known


def _next_step(reason: str) -> str:
    return "give the one molecule to which the values belong" if "fragments" in reason else CORRECT


def _declared_polymers(raw: RawRows, declaration: SourceDeclaration) -> frozenset[int]:
    if declaration.kind is None:
        return frozenset()
    polymer = set(declaration.kind.polymer)
    return frozenset(i for i, text in enumerate(raw.cells[declaration.kind.column]) if text.strip() in polymer)


@dataclass(slots=True)
class _Values:
    """Values of all rows, and by index the reason of each row that has an impossible one."""

    frame: pl.DataFrame
    reasons: dict[int, str]


def _values(raw: RawRows, declaration: SourceDeclaration) -> _Values:
    numbers: dict[str | int, pl.Series] = {}
    reasons: dict[int, str] = {}

    def column(name: str | int) -> pl.Series:
        if name not in numbers:
            numbers[name] = _numbers(raw.cells[name], name, reasons)
        return numbers[name]

    for identity in declaration.identities:
        _check_identity(identity, column, reasons)
    series: dict[str, pl.Series] = {
        str(key): pl.Series([None] * len(raw.rows), dtype=pl.Float64) for key in declaration.keys
    }
    for mapped in declaration.columns:
        value = column(mapped.column) if mapped.minus is None else column(mapped.column) - column(mapped.minus)
        name = str(mapped.key)
        series[name] = series[name].fill_null(_selected(value * mapped.factor, mapped, raw))
        _check_range(series[name], mapped, reasons)
    return _Values(pl.DataFrame(series), reasons)


def _numbers(cells: list[str], name: str | int, reasons: dict[int, str]) -> pl.Series:
    """Numbers of a text column, null where a value is missing; other texts are reasons."""
    text = pl.Series(cells, dtype=pl.String).str.strip_chars()
    is_missing = text.str.to_lowercase().is_in(MISSING_TEXTS)
    value = text.cast(pl.Float64, strict=False)
    is_bad = ~is_missing & ~(value.is_finite().fill_null(False))
    for index in is_bad.arg_true():
        shown = cells[index].strip()[:40]
        reasons.setdefault(index, f"column {name} is {shown!r}; expected a finite number or an empty cell")
    return value.set(is_missing | is_bad, None)


def _selected(value: pl.Series, mapped: ColumnMap, raw: RawRows) -> pl.Series:
    for name, wanted in mapped.where.items():
        others = pl.Series(raw.cells[name], dtype=pl.String).str.strip_chars() != wanted
        value = value.set(others, None)
    return value


def _check_range(value: pl.Series, mapped: ColumnMap, reasons: dict[int, str]) -> None:
    low, high = possible_range(mapped.key)
    for index in ((value < low) | (value > high)).fill_null(False).arg_true():
        reasons.setdefault(
            index,
            f"{mapped.key} is {value[index]:.6g} {mapped.key.unit}; possible is {low:g} to {high:g}; "
            f"is column {mapped.column} in {mapped.unit}, {mapped.sign} sign?",
        )


def _check_identity(identity: Identity, column: Callable[[str | int], pl.Series], reasons: dict[int, str]) -> None:
    total = column(identity.total)
    expected = pl.Series([0.0] * len(total), dtype=pl.Float64)
    for part in identity.parts:
        number = column(part.removeprefix("-"))
        expected = expected - number if part.startswith("-") else expected + number
    for index in ((total - expected).abs() > identity.tolerance).fill_null(False).arg_true():
        reasons.setdefault(
            index,
            f"{identity.total} is {total[index]:.6g}, but {' + '.join(identity.parts)} is {expected[index]:.6g}; "
            f"expected equal within {identity.tolerance:g}",
        )
