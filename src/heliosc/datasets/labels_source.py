"""heliosc's own labels as a source: the embedded library, or a folder that ``label``, ``qc run``, ``qc export`` wrote.

Polymers stand in a file of their own and keep their two ``[*]``, by which a merge tells them from molecules.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heliosc.datasets.declaration import ColumnMap, Licence, SourceDeclaration
from heliosc.datasets.library.load import LibraryTable, load_library, load_polymers
from heliosc.datasets.locate import SourceFiles
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey, PropertyTable

LIBRARY = "library"
LABELS = "labels"


def library_source(work: Path) -> SourceFiles:
    """The embedded library.

    Raises
    ------
    InputError : the library has no labels
    ResourceError : ``work`` cannot be written
    """
    return labels_source(load_library(), LIBRARY, work=work, licence="MIT, as heliosc")


def label_folder_source(folder: Path, *, work: Path) -> SourceFiles:
    """A folder that ``heliosc label``, ``qc run`` or ``qc export`` wrote.

    Raises
    ------
    InputError : there are no labels in it
    ResourceError : ``work`` cannot be written
    """
    return labels_source(load_library(folder), LABELS, work=work, polymers=load_polymers(folder))


def labels_source(
    table: LibraryTable, name: str, *, work: Path, licence: str = "your own", polymers: PropertyTable | None = None
) -> SourceFiles:
    """Labelled molecules, and polymers where given, as a wide Parquet file in ``work`` with its declaration.

    Raises
    ------
    ResourceError : ``work`` cannot be written
    """
    parts = [table.property_table(table.keys), *([polymers] if polymers else [])]
    keys = sorted({key for part in parts for key in part.keys})
    columns = {"smiles": pa.array([smiles for part in parts for smiles in part.smiles], pa.string())}
    for key in keys:
        values = np.concatenate([_column(part, key) for part in parts])
        columns[str(key)] = pa.array(values, pa.float64(), from_pandas=True)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    file = work / f"{name}.parquet"
    write_atomically(file, sink.getvalue().to_pybytes())
    declaration = SourceDeclaration(
        name=name,
        title=f"heliosc labels: {table.description}",
        licence=Licence(name=licence),
        files=[file.name],
        format="parquet",
        smiles=["smiles"],
        columns=[
            ColumnMap(column=str(key), property=key.name, level=key.level, unit=key.unit, sign="same") for key in keys
        ],
    )
    return SourceFiles(declaration, (file,))


def _column(table: PropertyTable, key: PropertyKey) -> NDArray[np.float64]:
    return table.column(key) if key in table.keys else np.full(len(table.smiles), np.nan)
