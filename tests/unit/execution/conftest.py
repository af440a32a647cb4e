"""A store for each test, and the fake calculations on the import path of the workers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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


@contextmanager
def mounted(folder: Path, size: str, owner: str) -> Iterator[Path]:
    folder.mkdir()
    options = f"size={size},uid={owner}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("a small disk cannot be mounted here; run the tests as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def small_disk(fast_folder: Path) -> Iterator[Callable[..., Path]]:
    """Makes a disk of so many bytes ("2m"), owned by a user; root only."""
    fast_folder.chmod(0o755)
    with ExitStack() as disks:
        yield lambda size, owner="root": disks.enter_context(mounted(fast_folder / "disk", size, owner))
