"""What a model folder says of itself, read without loading the model: for lineage and tracking."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosc.errors import InputError


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Who a model is and what it learnt from; None = the folder does not say.

    Attributes
    ----------
    model_id : hash of weights and calibration; of a generator the beginning of the hash of its weights
    data_hash : hash of molecules, keys and values of the first training
    new_data_hash : the same of the last fine-tuning
    parent : model that was fine-tuned
    n_train : molecules of the first training
    """

    folder: str
    kind: str
    model_id: str
    data_hash: str | None = None
    new_data_hash: str | None = None
    parent: str | None = None
    n_train: int | None = None
    n_fine_tuned: int | None = None
    code: str | None = None
    written: str | None = None


def identify_model(folder: Path) -> ModelIdentity:
    """Identity of a surrogate or generator.

    Raises
    ------
    InputError : there is no model in the folder, or its description is damaged
    """
    surrogate, generator = folder / "config.json", folder / "model.json"
    try:
        if surrogate.is_file():
            return _surrogate(folder, json.loads(surrogate.read_text(encoding="utf-8")))
        if generator.is_file():
            return _generator(folder, json.loads(generator.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"model folder {folder} is damaged ({error!r}); train or copy it again") from error
    raise InputError(f"there is no model in {folder}; train one with `heliosc train`")


def _surrogate(folder: Path, document: dict[str, Any]) -> ModelIdentity:
    origin = document.get("provenance", {})
    commit = document.get("heliosc_commit")
    code = document.get("heliosc_version")
    return ModelIdentity(
        folder=str(folder),
        kind=document.get("format", "surrogate"),
        model_id=document["model_id"],
        data_hash=origin.get("data_hash"),
        new_data_hash=origin.get("new_data_hash"),
        parent=origin.get("parent"),
        n_train=origin.get("n_train"),
        n_fine_tuned=origin.get("fine_tuned"),
        code=f"{code} ({commit})" if code and commit else code,
        written=document.get("written"),
    )


def _generator(folder: Path, document: dict[str, Any]) -> ModelIdentity:
    return ModelIdentity(folder=str(folder), kind=document["kind"], model_id=document["weights_sha256"][:12])
