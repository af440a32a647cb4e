"""Many trained models side by side: what a folder of them holds, which one is promoted, which of two is better."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.delta import RESIDUALS, DeltaSurrogate
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.evaluate import Report, evaluate_surrogate
from heliosc.surrogates.model_kind import ModelKind, model_kind
from heliosc.surrogates.schnet.ensemble import SchNetEnsemble
from heliosc.surrogates.schnet.storage import SCHNET_KIND
from heliosc.surrogates.storage import MPNN_KIND, read_folder

POINTER = "promoted.json"
"""File beside the model folders that names the promoted one; it stands wherever a model folder may be given."""

MIN_COMMON = 20
"""Fewest common test molecules on which two models are compared."""


"""From the structure alone, from geometries, or from the values of a cheap level."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What can be said of a model without using it.

    Attributes
    ----------
    written : date and time (ISO 8601), None for models of earlier versions
    n_train : molecules learnt from, None where that is not known (imported models)
    metrics : held-out figures of the test part, key -> metric -> value; those of a delta model are of what the cheap
        level leaves
    """

    folder: Path
    kind: ModelKind
    model_id: str
    written: str | None
    code: str
    keys: tuple[PropertyKey, ...]
    n_train: int | None
    metrics: Report
    data_hash: str
    n_bytes: int
    is_promoted: bool


@dataclass(frozen=True, slots=True)
class RefusedFolder:
    """A folder that holds no usable surrogate, and why."""

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Held-out figures of two models.

    Attributes
    ----------
    first, second : key -> metric -> value, of the keys that both predict
    n_common : molecules they were measured on together; None = each on its own test part, which is the same
    """

    first: Report
    second: Report
    n_common: int | None


def list_models(folder: Path) -> list[ModelSummary | RefusedFolder]:
    """Every model folder in a folder (or the folder itself), newest first; unusable ones last, with the reason.

    Raises
    ------
    InputError : no such folder
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; `heliosc train surrogate` makes models in models/")
    places = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    if (folder / "config.json").is_file():
        places = [folder]
    places += [place / "delta" for place in places if (place / "delta").is_dir()]
    others = (".checkpoints", ".geometries", ".tracking")
    found = [_summary_or_refusal(place) for place in places if not place.name.endswith(others)]
    usable = [entry for entry in found if isinstance(entry, ModelSummary)]
    refused = [entry for entry in found if isinstance(entry, RefusedFolder)]
    return [*sorted(usable, key=lambda entry: entry.written or "", reverse=True), *refused]


def summarise(folder: Path) -> ModelSummary:
    """Read what a checked model folder says of itself.

    Raises
    ------
    InputError : the folder holds no surrogate, a damaged one, or one of another format
    """
    kind = model_kind(folder)
    if kind == "delta":
        model_id = DeltaSurrogate.load(folder, device="cpu").model_id
        is_promoted = _promoted_name(folder.parent) == (folder.name, model_id)
        rest = summarise(folder / RESIDUALS)
        return replace(rest, folder=folder, kind=kind, model_id=model_id, is_promoted=is_promoted)
    config, content = read_folder(folder, kind=SCHNET_KIND if kind == "schnet" else MPNN_KIND)
    try:
        provenance = config["provenance"]
        return ModelSummary(
            folder=folder,
            kind=kind,
            model_id=config["model_id"],
            written=config.get("written"),
            code=_code(config),
            keys=tuple(PropertyKey.parse(text) for text in config["keys"]),
            n_train=provenance["n_train"],
            metrics=json.loads(content["metrics.json"])["test"],
            data_hash=provenance["data_hash"],
            n_bytes=sum(map(len, content.values())),
            is_promoted=_promoted_name(folder.parent) == (folder.name, config["model_id"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"model folder {folder} is inconsistent ({error!r}); train or download it again") from error


def _load(folder: Path, *, device: str) -> SurrogateEnsemble | SchNetEnsemble | DeltaSurrogate:
    kinds: dict[ModelKind, type[SurrogateEnsemble] | type[SchNetEnsemble] | type[DeltaSurrogate]] = {
        "network": SurrogateEnsemble,
        "schnet": SchNetEnsemble,
        "delta": DeltaSurrogate,
    }
    return kinds[model_kind(folder)].load(folder, device=device)


def promote(folder: Path) -> Path:
    """Make a model the promoted one of the folder that it lies in; returns the pointer file.

    The model is loaded first, so that no unusable one is promoted, and the pointer is replaced in one step.

    Raises
    ------
    InputError : the folder holds no usable surrogate
    ResourceError : the pointer cannot be written
    """
    model = _load(folder, device="cpu")
    place = folder.resolve()
    pointer = place.parent / POINTER
    write_atomically(pointer, json.dumps({"model": place.name, "model_id": model.model_id}, indent=1) + "\n")
    return pointer


def follow_pointer(pointer: Path) -> Path:
    """The folder that a ``promoted.json`` names.

    Raises
    ------
    InputError : the file is no pointer, or the folder is gone or holds another model by now
    """
    try:
        document = json.loads(pointer.read_text())
        name, model_id = document["model"], document["model_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{pointer} names no promoted model ({error}); expected the file that `heliosc models promote` writes"
        ) from error
    folder = pointer.parent / Path(str(name)).name
    current = summarise(folder).model_id
    if current != model_id:
        raise InputError(
            f"{pointer} promotes model {model_id} in {folder}, which now holds {current}: it was trained again. "
            f"Promote it again (`heliosc models promote {folder}`) or another one"
        )
    return folder


def compare(first: Path, second: Path, *, device: str = "auto") -> Comparison:
    """Held-out figures of two models on the same molecules.

    Models tested on the same molecules are compared by their own records. Otherwise both predict the molecules that
    are in the test part of both, so that neither has learnt from them.

    Raises
    ------
    InputError : a folder is unusable, the models share no property, or too few test molecules
    """
    models = [_load(folder, device=device) for folder in (first, second)]
    keys = [key for key in models[0].keys if key in models[1].keys]
    if not keys:
        raise InputError(f"{first} and {second} predict no property in common at the same level of theory")
    networks = [model for model in models if isinstance(model, SurrogateEnsemble)]
    if len(networks) < len(models):
        return _compare_records(first, second, keys)
    tests = [model.held_out.test for model in networks]
    common = _common_values(tests[0], tests[1], keys)
    if set(tests[0].smiles) == set(tests[1].smiles) == set(common.smiles):
        own = [{str(key): model.metrics["test"][str(key)] for key in keys if str(key) in model.metrics["test"]}
               for model in networks]  # fmt: skip
        return Comparison(own[0], own[1], None)
    if len(common.smiles) < MIN_COMMON:
        raise InputError(
            f"the test parts of {first} and {second} share {len(common.smiles)} molecules, expected at least "
            f"{MIN_COMMON}: their own figures are of different molecules and cannot be compared. Train both on the "
            "same split, or measure both on a file of new molecules"
        )
    reports = [evaluate_surrogate(model, common)["all"] for model in networks]
    return Comparison(reports[0], reports[1], len(common.smiles))


def _compare_records(first: Path, second: Path, keys: list[PropertyKey]) -> Comparison:
    """By their own records, where both were tested on the same molecules: new ones would need more than SMILES."""
    tested = [_tested_molecules(folder) for folder in (first, second)]
    if tested[0] != tested[1]:
        raise InputError(
            f"{first} and {second} were tested on different molecules, and a model that needs geometries or the values "
            "of a cheap level cannot be measured anew from SMILES alone. Train both on the same file and seed"
        )
    one, other = (summarise(folder).metrics for folder in (first, second))
    shared = [str(key) for key in keys if str(key) in one and str(key) in other]
    return Comparison({name: one[name] for name in shared}, {name: other[name] for name in shared}, n_common=None)


def _tested_molecules(folder: Path) -> frozenset[str]:
    model = _load(folder, device="cpu")
    network = model.residuals if isinstance(model, DeltaSurrogate) else model
    return frozenset(network.held_out.test.smiles)


def _summary_or_refusal(folder: Path) -> ModelSummary | RefusedFolder:
    try:
        return summarise(folder)
    except InputError as error:
        return RefusedFolder(folder, str(error))


def _code(config: dict[str, Any]) -> str:
    commit = config.get("heliosc_commit")
    return config["heliosc_version"] + (f" ({commit})" if commit else "")


def _promoted_name(folder: Path) -> tuple[str, str] | None:
    try:
        document = json.loads((folder / POINTER).read_text())
        return document["model"], document["model_id"]
    except (OSError, ValueError, KeyError, TypeError):  # none is promoted; following the pointer says why
        return None


def _common_values(first: PropertyTable, second: PropertyTable, keys: list[PropertyKey]) -> PropertyTable:
    """Molecules of both tables; a value that the tables disagree on counts as unknown."""
    rows = {smiles: row for row, smiles in enumerate(second.smiles)}
    smiles = tuple(text for text in first.smiles if text in rows)
    left = [first.smiles.index(text) for text in smiles]
    right = [rows[text] for text in smiles]
    values = np.full((len(smiles), len(keys)), np.nan)
    for column, key in enumerate(keys):
        a, b = first.column(key)[left], second.column(key)[right]
        differ = np.isfinite(a) & np.isfinite(b) & ~np.isclose(a, b, rtol=0, atol=1e-6)
        values[:, column] = np.where(differ, np.nan, np.where(np.isfinite(a), a, b))
    return PropertyTable(smiles, tuple(keys), values)
