"""Reading the embedded library, or any folder that ``heliosc label`` wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heliosc.datasets.library.labels import (
    FAILURE_COLUMNS,
    FAILURES_FILE,
    GEOMETRIES_FILE,
    LABELS_FILE,
    POLYMERS_FILE,
    write_labels,
)
from heliosc.datasets.library.records import LibraryMolecule, read_molecules
from heliosc.errors import InputError
from heliosc.properties import CalculationFailure, PropertyKey, PropertyTable

__all__ = ["REFERENCE_NAMES", "LibraryTable", "library_folder", "library_smiles", "load_library", "write_labels"]

MOLECULES_FILE = "molecules.csv"
REFERENCE_NAMES = ("P3HT trimer", "PM6 repeat unit", "Y6", "PC61BM", "pentacene", "fullerene C60")
"""Materials that candidates are compared with."""


@dataclass(frozen=True)
class LibraryTable:
    """Molecules with their computed values.

    Attributes
    ----------
    molecules : in labelling order, labelled or not
    labels : long table, one value a row, see ``heliosc.datasets.library.labels.SCHEMA``
    failures : calculations that gave no result, with the reason
    folder : where the files are
    """

    molecules: tuple[LibraryMolecule, ...]
    labels: pa.Table
    failures: tuple[CalculationFailure, ...]
    folder: Path

    @property
    def description(self) -> str:
        """One line for people."""
        n_labelled = len(self._row_of_key)
        return f"{len(self.molecules)} molecules, {n_labelled} labelled, {len(self.failures)} failed"

    @cached_property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties and levels that occur, sorted."""
        pairs = zip(self.labels["property"].to_pylist(), self.labels["level"].to_pylist(), strict=True)
        return tuple(sorted(PropertyKey(name, level) for name, level in set(pairs)))

    def labelled_molecules(self) -> tuple[LibraryMolecule, ...]:
        """Molecules that have values, in labelling order: the rows of ``property_table``."""
        return tuple(molecule for molecule in self.molecules if molecule.inchikey in self._row_of_key)

    def property_table(self, keys: Sequence[PropertyKey]) -> PropertyTable:
        """Wide table of the labelled molecules, NaN where a value is missing."""
        smiles = tuple(molecule.smiles for molecule in self.labelled_molecules())
        values = np.full((len(smiles), len(keys)), np.nan)
        for index, key in enumerate(keys):
            rows, known = self._known_values(key)
            values[rows, index] = known
        return PropertyTable(smiles, tuple(keys), values)

    def reference_values(
        self, keys: Sequence[PropertyKey], *, names: Sequence[str] = REFERENCE_NAMES
    ) -> dict[str, dict[str, float]]:
        """Values of well-known materials: name -> ``name@level`` -> value; what is not known is left out."""
        table = self.property_table(keys)
        rows = {molecule.name: row for row, molecule in enumerate(self.labelled_molecules()) if molecule.name in names}
        return {name: _known(table, rows[name]) for name in names if name in rows}

    def geometries(self) -> Iterator[tuple[str, str, str]]:
        """(InChIKey, charge state, XYZ text) of every optimised geometry.

        Raises
        ------
        InputError : the file is absent or damaged
        """
        from heliosc.datasets.library.geometries import decode_geometries

        for geometry in decode_geometries(_read_parquet(self.folder / GEOMETRIES_FILE)):
            yield geometry.inchikey, geometry.state, geometry.to_xyz()

    @cached_property
    def _row_of_key(self) -> dict[str, int]:
        """Row in ``property_table`` of each labelled InChIKey."""
        labelled = set(self.labels["inchikey"].unique().to_pylist())
        kept = [molecule.inchikey for molecule in self.molecules if molecule.inchikey in labelled]
        return {key: row for row, key in enumerate(kept)}

    def _known_values(self, key: PropertyKey) -> tuple[list[int], list[float]]:
        """Rows of ``property_table`` and values of one key."""
        chosen = self.labels.filter((pc.field("property") == key.name) & (pc.field("level") == key.level))
        pairs = zip(chosen["inchikey"].to_pylist(), chosen["value"].to_pylist(), strict=True)
        known = [(self._row_of_key[name], value) for name, value in pairs if name in self._row_of_key]
        return [row for row, _ in known], [value for _, value in known]


def _known(table: PropertyTable, row: int) -> dict[str, float]:
    values = zip(table.keys, table.values[row], strict=True)
    return {str(key): float(value) for key, value in values if not np.isnan(value)}


def library_folder() -> Path:
    """Where the embedded library lies."""
    return Path(str(files("heliosc.datasets.library")))


def library_smiles() -> list[str]:
    """SMILES of the embedded library in labelling order; needs no labels."""
    return [molecule.smiles for molecule in _load_molecules(library_folder())]


def load_library(folder: Path | None = None) -> LibraryTable:
    """The embedded library, or the labels in another folder.

    A folder without ``molecules.csv``, as ``heliosc label`` writes it, has the labelled molecules alone.

    Raises
    ------
    InputError : a file is absent or damaged
    """
    place = folder or library_folder()
    labels = _read_parquet(place / LABELS_FILE)
    has_list = folder is None or (place / MOLECULES_FILE).is_file()
    molecules = _load_molecules(place) if has_list else _labelled_molecules(labels)
    return LibraryTable(tuple(molecules), labels, tuple(_load_failures(place / FAILURES_FILE)), place)


def load_polymers(folder: Path) -> PropertyTable:
    """Values of the polymers in a folder, under their repeat units; an empty table where there are none.

    Raises
    ------
    InputError : the file is damaged
    """
    file = folder / POLYMERS_FILE
    rows = _read_parquet(file).to_pylist() if file.is_file() else []
    keys = sorted({PropertyKey(row["property"], row["level"]) for row in rows})
    smiles = sorted({row["smiles"] for row in rows})
    values = np.full((len(smiles), len(keys)), np.nan)
    for row in rows:
        place = smiles.index(row["smiles"]), keys.index(PropertyKey(row["property"], row["level"]))
        values[place] = row["value"]
    return PropertyTable(tuple(smiles), tuple(keys), values)


def _load_molecules(folder: Path) -> list[LibraryMolecule]:
    return read_molecules(_read_text(folder / MOLECULES_FILE))


def _labelled_molecules(labels: pa.Table) -> list[LibraryMolecule]:
    from heliosc.chemistry.identity import parse_smiles

    pairs = dict(zip(labels["inchikey"].to_pylist(), labels["smiles"].to_pylist(), strict=True))
    return [
        LibraryMolecule(smiles, key, None, "", "labelled", "labelled", parse_smiles(smiles).GetNumHeavyAtoms())
        for key, smiles in pairs.items()
    ]


def _load_failures(file: Path) -> Iterator[CalculationFailure]:
    rows = list(csv.reader(_read_text(file).splitlines()))
    if not rows or tuple(rows[0]) != FAILURE_COLUMNS:
        raise InputError(f"{file} has columns {rows[0] if rows else []}, expected {list(FAILURE_COLUMNS)}; {_REMEDY}")
    for row in rows[1:]:
        yield CalculationFailure(*row)


_REMEDY = "reinstall heliosc from a complete checkout, or write the files again with `heliosc label --out FOLDER`"


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}; {_REMEDY}") from error


def _read_parquet(file: Path) -> pa.Table:
    if not file.is_file():
        raise InputError(f"{file} is missing; {_REMEDY}")
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{file} is damaged: {error}; {_REMEDY}") from error
