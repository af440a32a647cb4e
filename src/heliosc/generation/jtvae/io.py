"""Model folders: ``model.json`` (settings, vocabulary, hashes), ``metrics.json`` and half-precision weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import rdBase
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from heliosc.errors import InputError
from heliosc.files import folder_written_atomically, refuse_to_replace, write_atomically
from heliosc.generation.jtvae.conditions import PropertyScale
from heliosc.generation.jtvae.config import JTVAEConfig
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.prior import LatentPrior
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyKey

FORMAT = 1
MODEL_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """Everything in a model folder."""

    config: JTVAEConfig
    vocabulary: Vocabulary
    network: Network
    prior: LatentPrior
    scale: PropertyScale
    metrics: dict[str, Any]


def round_to_half(network: Network) -> None:
    """Round all parameters to what half precision can hold, so that a stored model equals the one in memory."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())


def save_model(folder: Path, model: StoredModel) -> None:
    """Write a model folder; it is complete or absent.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    tensors = {f"network/{name}": p.detach().cpu().half().contiguous() for name, p in model.network.named_parameters()}
    for name in ("weights", "means", "covariances"):
        values: NDArray[np.float64] = getattr(model.prior, name)
        tensors[f"prior/{name}"] = torch.from_numpy(np.ascontiguousarray(values)).float()
    weights = save(tensors)
    document = {
        "format": FORMAT,
        "kind": "jtvae",
        "rdkit": rdBase.rdkitVersion,
        "torch": str(torch.__version__),
        "config": model.config.to_document(),
        "properties": [str(key) for key in model.scale.keys],
        "property_mean": list(model.scale.mean),
        "property_std": list(model.scale.std),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "vocabulary_sha256": model.vocabulary.fingerprint(),
        "vocabulary": model.vocabulary.to_document(),
    }
    with folder_written_atomically(folder) as scratch:
        write_atomically(scratch / WEIGHTS_FILE, weights)
        write_atomically(scratch / MODEL_FILE, json.dumps(document, indent=1))
        write_atomically(scratch / METRICS_FILE, json.dumps(model.metrics, indent=1))


def refuse_foreign_place(folder: Path) -> None:
    """See to it, before the work begins, that a generator may be written here.

    Raises
    ------
    InputError : a folder with other content
    """
    refuse_to_replace(folder, unless=[MODEL_FILE, METRICS_FILE, WEIGHTS_FILE])


def load_model(folder: Path, *, device: torch.device) -> StoredModel:
    """Read a model folder.

    Raises
    ------
    InputError : missing, damaged, of another format, or files that do not belong together; the message says which
    """
    document, weights = _read(folder)
    if document.get("format") != FORMAT or document.get("kind") != "jtvae":
        raise InputError(
            f"{folder} holds {document.get('kind')!r}, format {document.get('format')!r}; "
            f"expected 'jtvae', format {FORMAT}"
        )
    if hashlib.sha256(weights).hexdigest() != document.get("weights_sha256"):
        raise InputError(
            f"{folder / WEIGHTS_FILE} is damaged or belongs to another model (hash differs); copy it again"
        )
    try:
        vocabulary = Vocabulary.from_document(document["vocabulary"])
        if vocabulary.fingerprint() != document["vocabulary_sha256"]:
            raise InputError(f"the vocabulary in {folder / MODEL_FILE} was changed (hash differs); copy it again")
        config = JTVAEConfig.from_document(document["config"])
        keys = tuple(PropertyKey.parse(text) for text in document["properties"])
        scale = PropertyScale(keys, tuple(document["property_mean"]), tuple(document["property_std"]))
        tensors = load(weights)
        network = build_network(config, vocabulary, n_properties=len(keys), device=device)
        _fill(network, tensors)
        prior = _prior(tensors, config)
        return StoredModel(config, vocabulary, network, prior, scale, _read_metrics(folder))
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder} is not a complete generator ({error!r}); copy it again or train anew") from error


def build_network(config: JTVAEConfig, vocabulary: Vocabulary, *, n_properties: int, device: torch.device) -> Network:
    """A network of the right size with fresh parameters."""
    return Network(
        config.model,
        n_words=len(vocabulary),
        n_ports=vocabulary.n_ports,
        n_sites=vocabulary.n_sites,
        n_properties=n_properties,
    ).to(device)


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    try:
        document = json.loads((folder / MODEL_FILE).read_text())
        weights = (folder / WEIGHTS_FILE).read_bytes()
    except OSError as error:
        raise InputError(
            f"no generator in {folder}: {error.strerror} ({error.filename}); train one with `heliosc train generator`"
        ) from error
    except ValueError as error:
        raise InputError(f"{folder / MODEL_FILE} is damaged: {error}; copy it again or train anew") from error
    if not isinstance(document, dict):
        raise InputError(f"{folder / MODEL_FILE} is damaged: expected an object; copy it again or train anew")
    return document, weights


def _read_metrics(folder: Path) -> dict[str, Any]:
    file = folder / METRICS_FILE
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{file} is absent or damaged ({error}); copy the model again or train anew") from error


def _fill(network: Network, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            stored = tensors[f"network/{name}"]
            if stored.shape != parameter.shape:
                raise ValueError(f"{name} has shape {tuple(stored.shape)}, expected {tuple(parameter.shape)}")
            parameter.copy_(stored.float())
    network.eval()


def _prior(tensors: dict[str, Tensor], config: JTVAEConfig) -> LatentPrior:
    parts = {name: tensors[f"prior/{name}"].double().numpy() for name in ("weights", "means", "covariances")}
    parts["weights"] = parts["weights"] / parts["weights"].sum()
    return LatentPrior(**parts, latent=config.model.latent)
