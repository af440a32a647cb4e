"""Versions, machine and hashes: what has to be known to repeat a run."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from heliosc.campaign.model_identity import identify_model
from heliosc.errors import InputError, ParseError

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
        "models": {label: _identity(folder) for label, folder in model_folders.items()},
    }


def with_models_of_first_round(environment: dict[str, Any], file: Path) -> dict[str, Any]:
    """The description as it is now, with the models that the first round worked with once it has chosen by them.

    Their folders may hold others by a later start: ``heliosc update`` trains in place.

    Parameters
    ----------
    file : ``environment.json`` of the run as an earlier start left it; need not exist
    """
    if not (file.parent / "rounds" / "000" / "candidates.jsonl").exists():
        return environment
    try:
        earlier = json.loads(file.read_text(encoding="utf-8"))
        return environment | {name: earlier[name] for name in ("weights", "models") if name in earlier}
    except (OSError, ValueError, TypeError):
        return environment  # nothing to keep


def read_environment(run_folder: Path) -> dict[str, Any]:
    """What a run has saved about its world; empty where it has not begun.

    Raises
    ------
    ParseError : ``environment.json`` is damaged
    """
    file = run_folder / "environment.json"
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ParseError(f"{file} is damaged ({error}); `heliosc run` writes it again") from error


def hash_folder(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _identity(folder: Path) -> dict[str, Any]:
    """What a model says of itself; empty where it says nothing."""
    try:
        identity = asdict(identify_model(folder))
    except InputError:
        return {}
    return {name: value for name, value in identity.items() if value is not None and name != "folder"}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
