"""heliosc's own labels as a source: the embedded library, or a folder that ``heliosc label`` wrote."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.datasets.declaration import ColumnMap, Licence, SourceDeclaration
from heliosc.datasets.library.load import LibraryTable, load_library
from heliosc.datasets.locate import SourceFiles
from heliosc.files import write_atomically

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
    """A folder that ``heliosc label`` wrote.

    Raises
    ------
    InputError : there are no labels in it
    ResourceError : ``work`` cannot be written
    """
    return labels_source(load_library(folder), LABELS, work=work)


def labels_source(table: LibraryTable, name: str, *, work: Path, licence: str = "your own") -> SourceFiles:
    """Labelled molecules as a wide Parquet file in ``work`` with the declaration that reads it.

    Raises
    ------
    ResourceError : ``work`` cannot be written
    """
    wide = table.property_table(table.keys)
    columns = {"smiles": pa.array(wide.smiles, pa.string())}
    for index, key in enumerate(wide.keys):
        columns[str(key)] = pa.array(wide.values[:, index], pa.float64(), from_pandas=True)
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
            ColumnMap(column=str(key), property=key.name, level=key.level, unit=key.unit, sign="same")
            for key in wide.keys
        ],
    )
    return SourceFiles(declaration, (file,))
