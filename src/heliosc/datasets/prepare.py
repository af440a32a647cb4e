"""From the wide master table to what training and the campaign read: three sides, their statistics, seed and pool.

``OUT/train.csv``, ``validation.csv``, ``test.csv``
    SMILES, InChIKey and the targets; molecules without any of the targets are in none of them
``OUT/split.json``           how the split was made, from which table, rows of each side
``OUT/normalisation.json``   mean and spread of each target on the training side, checked on loading
``OUT/seed.csv``             the labelled molecules with which an active loop begins, from the training side
``OUT/pool.csv``             SMILES of all other molecules but the test side and its stereoisomers and tautomers: what
                             the loop may choose from
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heliosc.datasets.csv_source import read_property_csv
from heliosc.datasets.frames import pl
from heliosc.datasets.normalisation import Normalisation, normalisation_of, read_normalisation, write_normalisation
from heliosc.datasets.splits import DEFAULT_FRACTIONS, Split, random_split, scaffold_split, stratified_split
from heliosc.errors import InputError
from heliosc.files import ensure_folder, write_atomically
from heliosc.properties import PropertyKey, PropertyTable

SIDES = ("train", "validation", "test")
SPLIT_FILE = "split.json"
NORMALISATION_FILE = "normalisation.json"
SEED_FILE = "seed.csv"
POOL_FILE = "pool.csv"
_SKELETON_LENGTH = 14  # of an InChIKey
_FROM_STRUCTURE = "structure"  # level of what any reader can compute again; nothing to learn

MIN_KNOWN = 30
"""Known values from which on a column is a target where none are named."""

Method = Literal["random", "scaffold", "stratified"]


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """How to split.

    Attributes
    ----------
    targets : keys to learn; () = every property column that is not computed from the structure and has at least
        ``MIN_KNOWN`` values, not all of them equal
    stratify_by : target whose range each side shall have, for the stratified split; None = the first
    n_seed : molecules of the seed, drawn from the training side
    """

    method: Method = "random"
    targets: tuple[PropertyKey, ...] = ()
    stratify_by: PropertyKey | None = None
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS
    seed: int = 0
    n_seed: int = 500


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared folder, read back and checked."""

    train: PropertyTable
    validation: PropertyTable
    test: PropertyTable
    normalisation: Normalisation


def prepare(table_file: Path, out: Path, settings: PrepareSettings) -> dict[str, int]:
    """Split a wide table; returns the number of molecules of each file.

    Raises
    ------
    InputError : the table is missing or has no such target; or a side would be too small to be of use
    ResourceError : the folder cannot be written
    """
    frame, keys = _read_wide(table_file, settings.targets)
    names = [str(key) for key in keys]
    labelled = frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in names))
    values = labelled.select(names).to_numpy().astype(np.float64)
    table = PropertyTable(tuple(labelled["smiles"]), keys, values)
    skeletons = labelled.select(_skeleton()).to_series()
    split = _split(table, skeletons.to_list(), settings)
    statistics = normalisation_of(table.rows(split.train))
    ensure_folder(out)
    sides = dict(zip(SIDES, (split.train, split.validation, split.test), strict=True))
    for side, rows in sides.items():
        _write_rows(out / f"{side}.csv", labelled[rows])
    seed_rows = _seed_rows(split.train, settings)
    _write_rows(out / SEED_FILE, labelled[seed_rows])
    is_tested = _skeleton().is_in(skeletons[split.test].to_list())
    pool = frame.filter(~is_tested & ~pl.col("smiles").is_in(labelled["smiles"][seed_rows].to_list()))["smiles"]
    _write_pool(out / POOL_FILE, pool.to_list())
    write_normalisation(statistics, out / NORMALISATION_FILE)
    counts = {side: len(rows) for side, rows in sides.items()} | {"seed": len(seed_rows), "pool": len(pool)}
    _write_split(out / SPLIT_FILE, table_file, settings, keys, counts)
    return counts


def load_prepared(folder: Path) -> Prepared:
    """Read a prepared folder.

    Raises
    ------
    InputError : a file is missing or damaged, or the statistics do not belong to the training side
    """
    train, validation, test = (read_property_csv(folder / f"{side}.csv").table for side in SIDES)
    return Prepared(train, validation, test, read_normalisation(folder / NORMALISATION_FILE, train))


def training_smiles(folder: Path) -> list[str]:
    """SMILES of the training side of a prepared folder, without its values.

    Raises
    ------
    InputError : there is no such table
    """
    file = folder / f"{SIDES[0]}.csv"
    try:
        return pl.scan_csv(file).select(pl.col("smiles").cast(pl.String)).collect()["smiles"].to_list()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{file} cannot be read ({error}); write it with: heliosc data split") from error


def _skeleton() -> pl.Expr:
    """Connectivity block of the InChIKey; of a molecule without one its SMILES."""
    return pl.col("inchikey").str.slice(0, _SKELETON_LENGTH).fill_null(pl.col("smiles"))


def _read_wide(file: Path, targets: tuple[PropertyKey, ...]) -> tuple[pl.DataFrame, tuple[PropertyKey, ...]]:
    """Identity and target columns of the table, and the targets."""
    if not file.is_file():
        raise InputError(f"there is no table {file}; write it with: heliosc data merge")
    header = pl.scan_csv(file).collect_schema().names()
    known = tuple(_keys(header))
    absent = [str(key) for key in targets if key not in known]
    if absent or not {"smiles", "inchikey"} <= set(header):
        raise InputError(
            f"{file} lacks {', '.join(absent) or 'the columns smiles and inchikey'}; it has: "
            f"{', '.join(map(str, known)) or 'no NAME@LEVEL column'}"
        )
    wanted = targets or tuple(key for key in known if key.level != _FROM_STRUCTURE)
    types = {"smiles": pl.String, "inchikey": pl.String, **dict.fromkeys(map(str, wanted), pl.Float64)}
    try:
        frame = pl.scan_csv(file, schema_overrides=types).select(list(types)).collect()
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{file} holds what is no number in a property column: {error}; merge again") from error
    keys = targets or tuple(key for key in wanted if _can_be_learnt(frame[str(key)]))
    if not keys:
        raise InputError(f"no property of {file} has {MIN_KNOWN} known values; name targets, or merge more data")
    return frame.select("smiles", "inchikey", *map(str, keys)), keys


def _can_be_learnt(values: pl.Series) -> bool:
    """Whether a column is a target where none are named: enough values, and not all of them equal."""
    return values.count() >= MIN_KNOWN and values.min() != values.max()


def _keys(header: Iterable[str]) -> Iterable[PropertyKey]:
    for name in header:
        if "@" in name:
            yield PropertyKey.parse(name)


def _split(table: PropertyTable, skeletons: list[str], settings: PrepareSettings) -> Split:
    fractions, seed = settings.fractions, settings.seed
    if settings.method == "scaffold":
        split = scaffold_split(table.smiles, fractions=fractions, seed=seed, skeletons=skeletons)
    elif settings.method == "stratified":
        by = settings.stratify_by or table.keys[0]
        if by not in table.keys:
            raise InputError(f"{by} is not among the targets: {', '.join(map(str, table.keys))}")
        split = stratified_split(table.smiles, table.column(by), fractions=fractions, seed=seed, skeletons=skeletons)
    else:
        split = random_split(table.smiles, fractions=fractions, seed=seed, skeletons=skeletons)
    sides = zip(SIDES, (split.train, split.validation, split.test), strict=True)
    empty = [side for side, rows in sides if not len(rows)]
    if empty:
        raise InputError(
            f"{len(table.smiles)} labelled molecules leave no {' and no '.join(empty)} side; get more data"
        )
    return split


def _seed_rows(train: NDArray[np.intp], settings: PrepareSettings) -> NDArray[np.intp]:
    generator = np.random.default_rng(settings.seed)
    return np.sort(generator.choice(train, size=min(settings.n_seed, len(train)), replace=False))


def _write_rows(file: Path, rows: pl.DataFrame) -> None:
    write_atomically(file, rows.write_csv())


def _write_pool(file: Path, smiles: Sequence[str]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["smiles"])
    writer.writerows([text] for text in smiles)
    write_atomically(file, buffer.getvalue())


def _write_split(
    file: Path, table_file: Path, settings: PrepareSettings, keys: tuple[PropertyKey, ...], counts: dict[str, int]
) -> None:
    with table_file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    document = {
        **asdict(settings),
        "targets": [str(key) for key in keys],
        "stratify_by": str(settings.stratify_by) if settings.stratify_by else None,
        "table": table_file.name,
        "table_sha256": digest,
        "molecules": counts,
    }
    write_atomically(file, json.dumps(document, indent=1, sort_keys=True) + "\n")
