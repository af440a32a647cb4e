"""A store for each test, and the fake calculations on the import path of the workers."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliosc.execution import QCResultStore

sys.path.insert(0, str(Path(__file__).parent))  # what the tests of this folder share

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - durable writes cost nothing there; a disk serves as well


@pytest.fixture(autouse=True)
def _fake_calculations_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    parent = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        yield Path(name)


@pytest.fixture
def store(fast_folder: Path) -> Iterator[QCResultStore]:
    with QCResultStore(fast_folder / "store.db") as opened:
        yield opened
