"""Cheap callables for jobs on the cluster; they say what they do in a log, from wherever they run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def logged_square(payload: dict[str, Any]) -> dict[str, Any]:
    """Square of ``x``; with a ``gate``, once that file exists."""
    _append(payload["log"], f"start {payload['x']}")
    while "gate" in payload and not Path(payload["gate"]).exists():
        time.sleep(0.05)
    time.sleep(payload.get("sleep_s", 0))
    _append(payload["log"], f"end {payload['x']}")
    return {"square": payload["x"] ** 2}


def _append(path: str, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)
