"""What the tests of quantum-chemistry programs share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heliosc.qc.geometries import Geometry


@pytest.fixture
def water() -> Geometry:
    return Geometry(("O", "H", "H"), np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]]))


@pytest.fixture
def hydrogen() -> Geometry:
    return Geometry(("H", "H"), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.7414]]))


@pytest.fixture(scope="session")
def has_ended() -> Callable[[int], bool]:
    """Tells whether a process is gone, or a zombie that nobody has collected; its end may take a moment."""

    def check(pid: int, *, patience_s: float = 20.0) -> bool:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
            except (FileNotFoundError, ProcessLookupError):
                return True
            time.sleep(0.02)
        return False

    return check
