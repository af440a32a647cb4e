"""The JT-VAE for users: train, generate, encode, decode, reconstruct, neighbours, fine-tune, save, load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.evaluation.report import Evaluation, evaluate
from heliosc.generation.jtvae.arrays import PreparedSet, RowReader
from heliosc.generation.jtvae.batch import make_batch
from heliosc.generation.jtvae.conditions import PropertyScale
from heliosc.generation.jtvae.config import JTVAEConfig
from heliosc.generation.jtvae.io import StoredModel, build_network, load_model, round_to_half, save_model
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.network import Network, Posterior
from heliosc.generation.jtvae.preparation import prepare_on_disk
from heliosc.generation.jtvae.prior import MOLECULES_PER_COMPONENT, LatentPrior, effective_number, fit_prior
from heliosc.generation.jtvae.sample import Decoded, MoleculeSampler
from heliosc.generation.jtvae.schedule import (
    build_vocabulary,
    grow_vocabulary,
    prepare,
    prepare_graphs,
    read_graphs,
)
from heliosc.generation.jtvae.train import Progress, Trainer, TrainingSet
from heliosc.generation.jtvae.tree import JunctionTree, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]

CHECKPOINT_FILE = "training.safetensors"
PREPARED_FOLDER = "prepared"
ENCODING_BATCH = 256
MAX_REDRAWS = 5
"""Draws that replace molecules whose SMILES RDKit cannot read back (none on trained models)."""
SEED_STEP = 1_000_003


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What fine-tuning used.

    Attributes
    ----------
    n_used : distinct molecules learned from
    n_new_words : words added to the vocabulary
    refused : SMILES -> reason
    """

    n_used: int
    n_new_words: int
    refused: dict[str, str]


class JTVAE:
    """A trained junction-tree variational autoencoder.

    Make one with ``JTVAE.train`` or ``JTVAE.load``.

    Attributes
    ----------
    metrics : evaluation on held-out molecules and samples, written at training time
    scale : the properties that it can be asked for
    """

    def __init__(self, stored: StoredModel) -> None:
        self.config = stored.config
        self.vocabulary = stored.vocabulary
        self.network = stored.network
        self.prior = stored.prior
        self.scale = stored.scale
        self.metrics = stored.metrics
        self._legal = LegalMoves(stored.vocabulary)

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        """Properties that its heads predict and that it can be asked for."""
        return self.scale.keys

    # -- making and keeping -------------------------------------------------------------------------------------------

    @classmethod
    def train(
        cls,
        smiles: Sequence[str],
        *,
        properties: PropertyTable | None = None,
        config: JTVAEConfig | None = None,
        seed: int = 0,
        device: str = "auto",
        progress: Progress | None = None,
        checkpoint_folder: Path | None = None,
        n_evaluation_samples: int = 1_000,
        n_workers: int = 1,
    ) -> JTVAE:
        """Train from scratch and evaluate on the held-out share.

        Parameters
        ----------
        smiles : molecules; what cannot be decomposed is counted in ``metrics["refused"]``
        properties : known values of any of them; property heads and conditions are made for its columns
        checkpoint_folder : prepared arrays and the state after every epoch are kept here, and a killed training goes
            on from them; without it all is held in memory
        n_evaluation_samples : molecules drawn for validity, uniqueness and novelty
        n_workers : processes that prepare the molecules; see ``prepare_on_disk``

        Raises
        ------
        InputError : nothing to learn from, or a checkpoint of another training
        """
        config = config or JTVAEConfig()
        training, held_out = split_held_out(smiles, config.training.held_out)
        vocabulary, prepared, refused = _prepared(training, checkpoint_folder, n_workers=n_workers)
        scale = PropertyScale.of(properties)
        data = TrainingSet(
            prepared, scale.targets(prepared.smiles, properties), _target_weights(config, scale.keys), None
        )
        torch.manual_seed(seed)
        network = build_network(config, vocabulary, n_properties=len(scale.keys), device=choose_device(device))
        _start_from_frequencies(network, vocabulary)
        trainer = Trainer(network, data, config=config.training, seed=seed)
        checkpoint = None if checkpoint_folder is None else checkpoint_folder / CHECKPOINT_FILE
        reports = trainer.run(
            progress=progress, checkpoint=checkpoint, identity=_identity(config, data, vocabulary, seed=seed)
        )
        round_to_half(network)
        prior = _fit_prior(network, data, seed=seed)
        model = cls(StoredModel(config, vocabulary, network, prior, scale, {}))
        found = evaluate(
            model, held_out, training=training, properties=properties, n_samples=n_evaluation_samples, seed=seed
        )
        model.metrics = _metrics(found, n_training=len(prepared), refused=refused, vocabulary=vocabulary, seed=seed)
        model.metrics["final_losses"] = (
            {name: getattr(reports[-1], name) for name in ("reconstruction", "kl", "property_error")} if reports else {}
        )
        return model

    def save(self, folder: Path) -> None:
        """Write the model folder, complete or not at all.

        Raises
        ------
        ResourceError : the folder cannot be written
        """
        stored = StoredModel(self.config, self.vocabulary, self.network, self.prior, self.scale, self.metrics)
        save_model(Path(folder), stored)

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> JTVAE:
        """Read a model folder.

        Raises
        ------
        InputError : missing, damaged, or files that do not belong together
        """
        return cls(load_model(Path(folder), device=choose_device(device)))

    # -- molecules from latent vectors --------------------------------------------------------------------------------

    def generate(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[PropertyKey, float] | None = None,
        temperature: float = 1.0,
        n_per_latent: int = 1,
        top_k: int = 0,
    ) -> list[str]:
        """Canonical SMILES of ``n`` legal molecules drawn from the prior; repeats are possible.

        Parameters
        ----------
        conditions : property values wanted, in the unit of each key; the latent vectors are drawn given them, and the
            decoder is told of them
        temperature : how freely the decoder chooses; 0 takes the likeliest
        n_per_latent : molecules decoded from each latent vector
        top_k : choose words and places among so many of the likeliest; 0 = among all

        Raises
        ------
        InputError : a condition on a property that the model was not trained with
        """
        found = self.sample(
            n, seed=seed, conditions=conditions, temperature=temperature, n_per_latent=n_per_latent, top_k=top_k
        )
        return [sample.smiles for sample in found if sample.smiles is not None]

    def sample(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[PropertyKey, float] | None = None,
        temperature: float = 1.0,
        n_per_latent: int = 1,
        top_k: int = 0,
        core: str | None = None,
    ) -> list[Decoded]:
        """As ``generate``, with what happened to each molecule.

        Parameters
        ----------
        core : molecule with which every sample begins; the rest grows on its free valences (see ``jtvae.cores``)

        Raises
        ------
        InputError : numbers out of range, an unknown property, or a core that cannot be encoded
        """
        if n < 0 or n_per_latent < 1 or temperature < 0 or top_k < 0:
            raise InputError(
                f"cannot sample n={n}, n_per_latent={n_per_latent}, temperature={temperature}, top_k={top_k}; "
                "expected n >= 0, n_per_latent >= 1, temperature >= 0, top_k >= 0"
            )
        tree = None if core is None else junction_tree(molecule_graph(constitution(core)), self.vocabulary)
        asked = self.scale.asked(conditions)
        n_latents = -(-n // n_per_latent)
        z = self.prior.sample(n_latents, generator=np.random.default_rng(seed), asked=asked)
        rows = np.repeat(z, n_per_latent, axis=0)[:n]
        return self._decode(rows, asked=asked, temperature=temperature, seed=seed, top_k=top_k, core=tree)

    def decode(
        self,
        z: FloatArray,
        *,
        seed: int = 0,
        conditions: Mapping[PropertyKey, float] | None = None,
        temperature: float = 0.0,
        top_k: int = 0,
    ) -> list[str | None]:
        """Canonical SMILES of latent vectors, (n, latent); ``temperature`` and ``top_k`` as in ``generate``.

        Raises
        ------
        InputError : vectors of the wrong width, or not finite
        """
        rows = np.asarray(z, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.config.model.latent or not np.isfinite(rows).all():
            raise InputError(
                f"latent vectors of shape {rows.shape}; expected finite values of shape (n, {self.config.model.latent})"
            )
        asked = self.scale.asked(conditions)
        found = self._decode(rows, asked=asked, temperature=temperature, seed=seed, top_k=top_k)
        return [sample.smiles for sample in found]

    def _decode(
        self,
        z: FloatArray,
        *,
        asked: FloatArray,
        temperature: float,
        seed: int,
        top_k: int = 0,
        core: JunctionTree | None = None,
    ) -> list[Decoded]:
        if not len(z):
            return []
        device = self.network.tables.words.weight.device
        rows = torch.from_numpy(z).float().to(device)
        wishes = torch.from_numpy(asked).float().to(device).expand(len(z), -1)
        with torch.no_grad():
            latent = self.network.condition(rows, wishes, ~torch.isnan(wishes))
        sampler = MoleculeSampler(self.network, self._legal)
        generator = torch.Generator().manual_seed(seed)
        return sampler.decode(latent, temperature=temperature, generator=generator, top_k=top_k, core=core)

    # -- latent vectors from molecules --------------------------------------------------------------------------------

    def covers(self, smiles: Sequence[str]) -> list[bool]:
        """Whether each molecule can be encoded: it can be decomposed, and the vocabulary has all its words."""
        found = prepare(smiles, self.vocabulary, self._legal, distinct=False)
        covered = set(found.rows)
        return [index in covered for index in range(len(smiles))]

    def encode(self, smiles: Sequence[str]) -> FloatArray:
        """Posterior means, (n, latent).

        Raises
        ------
        InputError : a molecule that cannot be encoded (see ``covers``)
        """
        return self._posterior(smiles).mean.double().cpu().numpy()

    def encode_draws(self, smiles: Sequence[str], n_draws: int, *, seed: int) -> FloatArray:
        """Draws from the posterior of each molecule, (n, n_draws, latent).

        Raises
        ------
        InputError : a molecule that cannot be encoded (see ``covers``)
        """
        posterior = self._posterior(smiles)
        mean, log_variance = (part.double().cpu().numpy() for part in (posterior.mean, posterior.log_variance))
        noise = np.random.default_rng(seed).standard_normal((len(smiles), n_draws, self.config.model.latent))
        return mean[:, None] + noise * np.exp(0.5 * log_variance)[:, None]

    def reconstruct(self, smiles: Sequence[str]) -> list[str | None]:
        """Each molecule encoded to its posterior mean and decoded with the likeliest choices.

        Raises
        ------
        InputError : a molecule that cannot be encoded (see ``covers``)
        """
        return self.decode(self.encode(smiles)) if smiles else []

    def predict_properties(self, smiles: Sequence[str]) -> FloatArray:
        """What the property heads say, (n, n_properties) in the unit of each key."""
        with torch.no_grad():
            predicted = self.network.predict(self._posterior(smiles).mean)
        return self.scale.restore(predicted.double().cpu().numpy())

    def neighbours(
        self,
        smiles: Sequence[str],
        n: int,
        *,
        seed: int,
        radius: float = 0.7,
        conditions: Mapping[PropertyKey, float] | None = None,
        temperature: float = 0.0,
    ) -> list[str]:
        """Canonical SMILES of ``n`` molecules decoded near the given ones, repeats and the given ones possible.

        Parameters
        ----------
        smiles : starting points, used in turn
        radius : length of the steps, in units of the spread of the training molecules in each latent direction; with
            the shipped model 0.5 mostly gives the starting points back, 1.0 resembles them by 0.37 (Tanimoto, mean)

        Raises
        ------
        InputError : no starting point, or one that cannot be encoded (see ``covers``)
        """
        if not smiles:
            raise InputError("neighbours of no molecule; give at least one starting point")
        centres = self.encode(smiles)[np.arange(n) % len(smiles)]
        steps = self.prior.steps(n, generator=np.random.default_rng(seed))
        found = self._decode(
            centres + radius * steps, asked=self.scale.asked(conditions), temperature=temperature, seed=seed
        )
        return [sample.smiles for sample in found if sample.smiles is not None]

    def _posterior(self, smiles: Sequence[str]) -> Posterior:
        found = prepare(smiles, self.vocabulary, self._legal, distinct=False)
        if found.refused or found.unknown:
            reasons = [*found.refused.values(), *(f"{text[:60]!r} has fragments it lacks" for text in found.unknown)]
            raise InputError(
                f"{len(reasons)} of {len(smiles)} molecules cannot be encoded, first: {reasons[0]}; "
                "leave them out (see `covers`) or fine-tune on them"
            )
        return encode_prepared(self.network, found.prepared)

    # -- learning more ------------------------------------------------------------------------------------------------

    def fine_tune(
        self,
        smiles: Sequence[str],
        *,
        properties: PropertyTable | None = None,
        weights: NDArray | None = None,
        epochs: int = 2,
        lr: float = 3e-4,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> FineTuning:
        """Go on training on some molecules, in place; unknown words join the vocabulary.

        The prior becomes a mixture of what it was and of the (weighted) molecules given here.

        Parameters
        ----------
        weights : (n,) chance of each molecule to be drawn, such as 1 / (k N + rank); equal by default

        Raises
        ------
        InputError : nothing usable, or weights that do not fit

        References
        ----------
        Tripp, Daxberger, Hernandez-Lobato, NeurIPS 2020, arXiv:2006.09191 (weighted retraining).
        """
        graphs, refused = read_graphs(smiles)
        if not graphs:
            raise InputError(f"none of {len(smiles)} molecules can be used for fine-tuning; expected at least one")
        n_new = grow_vocabulary(self.vocabulary, graphs.values())
        self._legal = LegalMoves(self.vocabulary)
        self.network.grow(
            n_words=len(self.vocabulary), n_ports=self.vocabulary.n_ports, n_sites=self.vocabulary.n_sites
        )
        found = prepare_graphs(smiles, graphs, refused=refused, vocabulary=self.vocabulary, legal=self._legal)
        data = TrainingSet(
            found.prepared,
            self.scale.targets(found.prepared.smiles, properties),
            _target_weights(self.config, self.scale.keys),
            _checked_weights(weights, n=len(smiles), rows=found.rows),
        )
        settings = replace(self.config.training, epochs=epochs, learning_rate=lr)
        Trainer(self.network, data, config=settings, seed=seed, is_fine_tuning=True).run(progress=progress)
        round_to_half(self.network)
        self.prior = self.prior.mixed_with(_fit_prior(self.network, data, seed=seed), _share_of_new(data))
        return FineTuning(len(found.prepared), n_new, refused)


def _prepared(
    smiles: Sequence[str], folder: Path | None, *, n_workers: int
) -> tuple[Vocabulary, PreparedSet, dict[str, str]]:
    """Training molecules as arrays, on disk if there is a folder; refused input with its reasons (on disk some)."""
    if folder is not None:
        found = prepare_on_disk(smiles, folder / PREPARED_FOLDER, held_out=0.0, n_workers=n_workers)
        return found.vocabulary, found.prepared, dict(found.manifest["examples"])
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


def encode_prepared(network: Network, prepared: PreparedSet) -> Posterior:
    """Posteriors of prepared molecules, (n_molecules, latent)."""
    device = network.tables.words.weight.device
    reader = RowReader(prepared)
    means: list[Tensor] = []
    log_variances: list[Tensor] = []
    with torch.no_grad():
        for start in range(0, len(prepared), ENCODING_BATCH):
            indices = np.arange(start, min(start + ENCODING_BATCH, len(prepared)))
            posterior = network.encode(make_batch(reader, indices, device=device))
            means.append(posterior.mean)
            log_variances.append(posterior.log_variance)
    return Posterior(torch.cat(means), torch.cat(log_variances))


def _fit_prior(network: Network, data: TrainingSet, *, seed: int) -> LatentPrior:
    """Mixture over the latent vectors; unknown properties are filled in by the heads."""
    posterior = encode_prepared(network, data.prepared)
    with torch.no_grad():
        predicted = network.predict(posterior.mean).double().cpu().numpy()
    properties = np.where(np.isnan(data.targets), predicted, data.targets)
    spread = posterior.log_variance.exp().mean(0).double().cpu().numpy()
    means = posterior.mean.double().cpu().numpy()
    return fit_prior(means, spread, properties, seed=seed, weights=data.sampling_weights)


def _share_of_new(data: TrainingSet) -> float:
    """How far the prior follows the molecules of a fine-tuning: half at as many as make one component."""
    weights = np.ones(len(data.prepared)) if data.sampling_weights is None else data.sampling_weights
    n = effective_number(weights)
    return n / (n + MOLECULES_PER_COMPONENT)


def _target_weights(config: JTVAEConfig, keys: Sequence[PropertyKey]) -> FloatArray:
    named = dict(config.training.property_weights)
    return np.asarray([named.get(str(key), 1.0) for key in keys], dtype=np.float64)


def _start_from_frequencies(network: Network, vocabulary: Vocabulary) -> None:
    """Let the word bias start at the log frequencies, so that rare words need not be unlearned."""
    with torch.no_grad():
        network.decoder.word_bias.copy_(torch.from_numpy(np.log(vocabulary.frequencies())).float())


def _checked_weights(weights: NDArray | None, *, n: int, rows: Sequence[int]) -> FloatArray | None:
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all() or (values < 0).any() or values[list(rows)].sum() <= 0:
        raise InputError(f"weights of shape {values.shape}; expected ({n},) non-negative values that are not all zero")
    return values[list(rows)]


def _identity(config: JTVAEConfig, data: TrainingSet, vocabulary: Vocabulary, *, seed: int) -> str:
    """Hash of everything that the trained weights depend on."""
    digest = hashlib.sha256(json.dumps([config.to_document(), seed, vocabulary.fingerprint()]).encode())
    digest.update("\n".join(data.prepared.smiles).encode())
    digest.update(np.nan_to_num(data.targets, nan=1e30).tobytes())
    return digest.hexdigest()


def _metrics(
    found: Evaluation, *, n_training: int, refused: Mapping[str, str], vocabulary: Vocabulary, seed: int
) -> dict[str, Any]:
    return {
        **found.to_document(),
        "n_training": n_training,
        "n_words": len(vocabulary),
        "n_refused": len(refused),
        "refused": dict(list(refused.items())[:20]),
        "seed": seed,
    }
