"""What kind of model a folder holds, told without loading one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

ModelKind = Literal["network", "schnet", "delta"]

BASELINE = "baseline.json"
"""What only the folder of a delta model holds."""
SCHNET_FORMAT = "heliosc SchNet ensemble"
"""Name of the format of a three-dimensional model, as its configuration says it."""


def model_kind(folder: Path) -> ModelKind:
    """What kind of model a folder says to hold; a folder of nothing counts as one of a network."""
    if (folder / BASELINE).is_file():
        return "delta"
    try:
        document = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):  # reading it as a network says what is wrong
        return "network"
    return "schnet" if isinstance(document, dict) and document.get("format") == SCHNET_FORMAT else "network"
