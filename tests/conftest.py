"""What all tests share: outputs recorded by real programs, which are reference data and not part of the project."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def recorded_log() -> Callable[[str], str]:
    """Text of an output recorded by a real program, from the reference data, which is not part of the project."""
    root = Path(os.environ.get("HELIOSC_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data")) / "qc-logs"

    def read(name: str) -> str:
        path = root / name
        if not path.is_file():
            pytest.skip(f"REFERENCE DATA MISSING: {path}; set HELIOSC_REFERENCE_DATA to the folder that holds qc-logs/")
        if path.suffix == ".gz":
            return gzip.decompress(path.read_bytes()).decode(errors="replace")
        return path.read_text(errors="replace")

    return read
