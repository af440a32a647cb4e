"""Reading a generator of any kind from its folder."""

from __future__ import annotations

import json
from pathlib import Path

from heliosc.generation.genetic import GeneticGenerator
from heliosc.generation.genetic.population import KIND, MODEL_FILE
from heliosc.generation.jtvae import JTVAE


def load_any(folder: Path, *, device: str = "auto") -> JTVAE | GeneticGenerator:
    """The generator in a folder; what cannot be read is refused by the kind of generator it claims to be.

    Raises
    ------
    InputError : missing, damaged or of an unknown kind
    """
    return GeneticGenerator.load(folder) if _kind(folder) == KIND else JTVAE.load(folder, device=device)


def _kind(folder: Path) -> str:
    """Kind that the folder names; empty where it cannot be read."""
    try:
        document = json.loads((folder / MODEL_FILE).read_text())
    except (OSError, ValueError):
        return ""
    return str(document.get("kind", "")) if isinstance(document, dict) else ""
