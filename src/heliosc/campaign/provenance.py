"""Versions, machine and hashes: what has to be known to repeat a run."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("heliosc", "torch", "chemprop", "rdkit", "tblite", "ase", "numpy", "scipy", "moocore")


def describe_environment(*, seed: int, model_folders: dict[str, Path]) -> dict[str, Any]:
    """Everything a run saves about the world it ran in.

    Parameters
    ----------
    model_folders : label -> folder of weights, hashed file by file
    """
    return {
        "seed": seed,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "weights": {label: hash_folder(folder) for label, folder in model_folders.items()},
    }


def hash_folder(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
