"""Making a generator from molecules: prepare, train, fit the prior. ``JTVAE.train`` evaluates what comes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.evaluation.report import Evaluation
from heliosc.generation.jtvae.arrays import PreparedSet
from heliosc.generation.jtvae.conditions import PropertyScale
from heliosc.generation.jtvae.config import Compute, JTVAEConfig
from heliosc.generation.jtvae.feeding import TrainingSet
from heliosc.generation.jtvae.io import StoredModel, build_network, round_to_half
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.posteriors import prior_of
from heliosc.generation.jtvae.practice import prepared_practice
from heliosc.generation.jtvae.preparation import prepare_on_disk, write_statistics
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare_graphs, read_graphs
from heliosc.generation.jtvae.train import EpochReport, Progress, Trainer
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]

CHECKPOINT_FILE = "training.safetensors"
PREPARED_FOLDER = "prepared"
N_REFUSED_NAMED = 20


@dataclass(frozen=True, slots=True)
class Made:
    """A trained model, not yet evaluated.

    Attributes
    ----------
    stored : the model; its metrics are empty
    training, held_out : the two sides of the molecules given
    n_prepared : molecules trained on
    refused : SMILES -> reason (with a checkpoint folder some of them)
    left_out : cause -> molecules that could not be used, all of them
    last : of the last epoch, None if the checkpoint held them all
    seed : of the training
    """

    stored: StoredModel
    training: list[str]
    held_out: list[str]
    n_prepared: int
    refused: dict[str, str]
    left_out: dict[str, int]
    last: EpochReport | None
    seed: int

    def metrics(self, found: Evaluation) -> dict[str, Any]:
        """What is kept beside the model."""
        losses = ("reconstruction", "kl", "property_error")
        return {
            **found.to_document(),
            "n_training": self.n_prepared,
            "n_words": len(self.stored.vocabulary),
            "n_refused": sum(self.left_out.values()),
            "left_out": self.left_out,
            "refused": dict(list(self.refused.items())[:N_REFUSED_NAMED]),
            "seed": self.seed,
            "final_losses": {} if self.last is None else {name: getattr(self.last, name) for name in losses},
        }


def make(
    smiles: Sequence[str],
    *,
    properties: PropertyTable | None,
    config: JTVAEConfig,
    seed: int,
    device: str,
    compute: Compute | None,
    progress: Progress | None,
    checkpoint_folder: Path | None,
    n_workers: int,
) -> Made:
    """Train from scratch on what is not held out; parameters as of ``JTVAE.train``.

    Raises
    ------
    InputError : nothing to learn from, or a checkpoint of another training
    """
    share = config.training.held_out
    training, held_out = split_held_out(smiles, share)
    properties = _of_training(properties, training, held_out, share=share)
    scale = PropertyScale.of(properties)
    if checkpoint_folder is None:
        vocabulary, prepared, refused = _prepared(training)
        left_out = {"cannot be used": len(refused)} if refused else {}
    else:
        cache = checkpoint_folder / PREPARED_FOLDER
        found = prepare_on_disk(smiles, cache, held_out=share, n_workers=n_workers)
        vocabulary, prepared, refused = found.vocabulary, found.training, dict(found.manifest["examples"])
        left_out = {**found.manifest["refused"], **found.manifest["unknown"]}
        write_statistics(cache / found.manifest["data"], scale, properties)
    data = TrainingSet(
        prepared,
        scale.targets(prepared.smiles, properties),
        target_weights(config, scale.keys),
        practice=_practice(training, len(prepared), vocabulary, config, seed=seed, folder=checkpoint_folder),
    )
    torch.manual_seed(seed)
    network = build_network(config, vocabulary, n_properties=len(scale.keys), device=choose_device(device))
    _start_from_frequencies(network, vocabulary)
    trainer = Trainer(network, data, config=config.training, seed=seed, compute=compute)
    reports = trainer.run(
        progress=progress,
        checkpoint=None if checkpoint_folder is None else checkpoint_folder / CHECKPOINT_FILE,
        identity=_identity(config, data, vocabulary, seed=seed),
    )
    round_to_half(network)
    stored = StoredModel(config, vocabulary, network, prior_of(network, data, seed=seed), scale, {})
    last = reports[-1] if reports else None
    return Made(stored, training, held_out, len(prepared), refused, left_out, last, seed)


def _of_training(
    properties: PropertyTable | None, training: Sequence[str], held_out: Sequence[str], *, share: float
) -> PropertyTable | None:
    """Values of the training side: those of held-out molecules must not even set the scale."""
    if properties is None:
        return None
    known = {*training, *held_out}
    others, _ = split_held_out([text for text in properties.smiles if text not in known], share)
    chosen = {*training, *others}
    return properties.rows([row for row, text in enumerate(properties.smiles) if text in chosen])


def target_weights(config: JTVAEConfig, keys: Sequence[PropertyKey]) -> FloatArray:
    """(n_keys,) what each property counts in the loss beside the others.

    Raises
    ------
    InputError : a weight of a property that is not among them
    """
    named = dict(config.training.property_weights)
    unknown = sorted(named.keys() - {str(key) for key in keys})
    if unknown:
        raise InputError(
            f"weights are given for {', '.join(unknown)}, which is not trained; "
            f"the properties are {', '.join(map(str, keys)) or 'none'}"
        )
    return np.asarray([named.get(str(key), 1.0) for key in keys], dtype=np.float64)


def _prepared(smiles: Sequence[str]) -> tuple[Vocabulary, PreparedSet, dict[str, str]]:
    """Molecules as arrays in memory; refused input with its reasons."""
    graphs, refused = read_graphs(smiles)
    if not graphs:
        raise InputError(f"none of {len(smiles)} molecules can be used to train a generator; expected at least one")
    vocabulary = build_vocabulary(graphs.values())
    legal = LegalMoves(vocabulary)
    return (
        vocabulary,
        prepare_graphs(smiles, graphs, refused=refused, vocabulary=vocabulary, legal=legal).prepared,
        refused,
    )


def _practice(
    training: list[str], n: int, vocabulary: Vocabulary, config: JTVAEConfig, *, seed: int, folder: Path | None
) -> PreparedSet | None:
    settings = config.training
    n_bred = round(settings.practice * n)
    if n_bred == 0:
        return None
    return prepared_practice(
        training, n_bred, vocabulary=vocabulary, held_out=settings.held_out, seed=seed, folder=folder
    )


def _start_from_frequencies(network: Network, vocabulary: Vocabulary) -> None:
    """Let the word bias start at the log frequencies, so that rare words need not be unlearned."""
    with torch.no_grad():
        network.decoder.word_bias.copy_(torch.from_numpy(np.log(vocabulary.frequencies())).float())


def _identity(config: JTVAEConfig, data: TrainingSet, vocabulary: Vocabulary, *, seed: int) -> str:
    """Hash of everything that the trained weights depend on."""
    document = config.to_document()
    for name in ("free_bits", "practice"):  # off: checkpoints from before there was such a setting go on
        if not document["training"].get(name):
            document["training"].pop(name, None)
    digest = hashlib.sha256(json.dumps([document, seed, vocabulary.fingerprint()]).encode())
    digest.update("\n".join(data.prepared.smiles).encode())
    digest.update("\n".join(() if data.practice is None else data.practice.smiles).encode())
    digest.update(np.nan_to_num(data.targets, nan=1e30).tobytes())
    return digest.hexdigest()
