"""``data/raw/all_mols.csv``: the wide master table, one molecule a row, one ``NAME@LEVEL`` column a property."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from heliosc.datasets.library.load import LibraryTable, load_library
from heliosc.files import write_atomically

MASTER_FILE = Path("data/raw/all_mols.csv")
DESCRIPTIVE_COLUMNS = ("smiles", "inchikey", "name", "class", "origin", "family", "n_heavy_atoms")


def write_master_table(path: Path = MASTER_FILE, *, library: LibraryTable | None = None) -> int:
    """Write the labelled molecules of the library; missing values are empty cells. Returns the number of rows.

    Raises
    ------
    InputError : the library has no labels
    ResourceError : the file cannot be written
    """
    source = library or load_library()
    table = source.property_table(source.keys)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*DESCRIPTIVE_COLUMNS, *map(str, table.keys)])
    for molecule, values in zip(source.labelled_molecules(), table.values, strict=True):
        described = (molecule.smiles, molecule.inchikey, molecule.name or "", molecule.class_name, molecule.origin)
        cells = ["" if value != value else f"{value:.6f}" for value in values]
        writer.writerow([*described, molecule.family, molecule.n_heavy_atoms, *cells])
    write_atomically(path, buffer.getvalue())
    return len(table.smiles)
