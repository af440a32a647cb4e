"""Where the reference data is, and small ways to read a source."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.datasets.convert import Converted, convert
from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.records.registry import read_chunks

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the reference data sets, which are not part of the project."""
    folder = Path(os.environ.get("HELIOSC_REFERENCE_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "compas_1d.csv").is_file():
        pytest.skip(f"REFERENCE DATA MISSING: {folder}; set HELIOSC_REFERENCE_DATA to the folder with compas_1d.csv")
    return folder


@pytest.fixture(scope="session")
def converted() -> Callable[..., Converted]:
    """The first chunk of a file, converted in this process."""

    def read(file: Path, declaration: SourceDeclaration, *, n_rows: int = 10_000) -> Converted:
        chunk = next(read_chunks([file], declaration, n_rows=n_rows))
        return convert(chunk, declaration, lambda index: None)

    return read
