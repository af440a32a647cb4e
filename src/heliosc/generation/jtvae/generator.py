"""The JT-VAE for users: train, generate, encode, decode, reconstruct, neighbours, fine-tune, save, load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.generation.evaluation.report import evaluate
from heliosc.generation.jtvae.config import Compute, JTVAEConfig
from heliosc.generation.jtvae.decoding import Decoding, DecodingOptions
from heliosc.generation.jtvae.growing import Decoded
from heliosc.generation.jtvae.io import StoredModel, load_model, save_model
from heliosc.generation.jtvae.making import make
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.network import Posterior
from heliosc.generation.jtvae.policy import (
    PolicyGoal,
    PolicyProgress,
    PolicySettings,
    PolicyStep,
    Reward,
    policy_gradient,
)
from heliosc.generation.jtvae.posteriors import encode_prepared
from heliosc.generation.jtvae.refresh import FineTuning, refresh
from heliosc.generation.jtvae.sample import MoleculeSampler
from heliosc.generation.jtvae.schedule import prepare
from heliosc.generation.jtvae.steering import Wishes, draw_latents
from heliosc.generation.jtvae.train import Progress
from heliosc.generation.jtvae.tree import JunctionTree, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]


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

    @property
    def n_refreshes(self) -> int:
        """Fine-tunings since the training; their molecules may be those that the training held out."""
        return int(self.metrics.get("n_refreshes", 0))

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
        compute: Compute | None = None,
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
        compute : several devices, compilation; one device and none by default
        checkpoint_folder : prepared arrays and the state after every epoch are kept here, and a killed training goes
            on from them; without it all is held in memory
        n_evaluation_samples : molecules drawn for validity, uniqueness and novelty
        n_workers : processes that prepare the molecules; see ``prepare_on_disk``

        Raises
        ------
        InputError : nothing to learn from, or a checkpoint of another training
        """
        made = make(
            smiles,
            properties=properties,
            config=config or JTVAEConfig(),
            seed=seed,
            device=device,
            compute=compute,
            progress=progress,
            checkpoint_folder=checkpoint_folder,
            n_workers=n_workers,
        )
        model = cls(made.stored)
        found = evaluate(
            model,
            made.held_out,
            training=made.training,
            properties=properties,
            n_samples=n_evaluation_samples,
            seed=seed,
        )
        model.metrics = made.metrics(found)
        return model

    def save(self, folder: Path) -> None:
        """Write the model folder, complete or not at all.

        Raises
        ------
        ResourceError : the folder cannot be written
        """
        save_model(Path(folder), self._stored())

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> JTVAE:
        """Read a model folder.

        Raises
        ------
        InputError : missing, damaged, or files that do not belong together
        """
        return cls(load_model(Path(folder), device=choose_device(device)))

    def _stored(self) -> StoredModel:
        return StoredModel(self.config, self.vocabulary, self.network, self.prior, self.scale, self.metrics)

    # -- molecules from latent vectors --------------------------------------------------------------------------------

    def generate(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[PropertyKey, float] | None = None,
        windows: Mapping[PropertyKey, tuple[float, float]] | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> list[str]:
        """Canonical SMILES of ``n`` legal molecules drawn from the prior; repeats are possible.

        Parameters
        ----------
        conditions : property values wanted, in the unit of each key; the latent vectors are drawn given them, and the
            decoder is told of them
        windows : lower and upper limits of property values wanted, infinite ones too; each latent vector is drawn
            with a value of its own inside, and of several the one that the heads are surest to see inside
        decoding : see ``Decoding``

        Raises
        ------
        InputError : a condition on a property that the model was not trained with, an empty window, or numbers out of
            range
        """
        found = self.sample(n, seed=seed, conditions=conditions, windows=windows, **decoding)
        return [sample.smiles for sample in found if sample.smiles is not None]

    def sample(
        self,
        n: int,
        *,
        seed: int,
        conditions: Mapping[PropertyKey, float] | None = None,
        windows: Mapping[PropertyKey, tuple[float, float]] | None = None,
        core: str | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> list[Decoded]:
        """As ``generate``, with what happened to each molecule.

        Parameters
        ----------
        core : molecule with which every sample begins; the rest grows on its free valences (see ``jtvae.cores``)

        Raises
        ------
        InputError : numbers out of range, an unknown property, or a core that cannot be encoded
        """
        how = Decoding(**decoding)
        if n < 0:
            raise InputError(f"cannot sample n={n} molecules; expected 0 or more")
        tree = None if core is None else junction_tree(molecule_graph(constitution(core)), self.vocabulary)
        generator = np.random.default_rng(seed)
        wishes = self._wishes(conditions, windows)
        drawn = draw_latents(self.prior, self.network, -(-n // how.n_per_latent), wishes, generator=generator)
        z, told = (np.repeat(part, how.n_per_latent, axis=0)[:n] for part in drawn)
        return self._decode(z, how, asked=told, seed=seed, core=tree)

    def _wishes(
        self,
        conditions: Mapping[PropertyKey, float] | None,
        windows: Mapping[PropertyKey, tuple[float, float]] | None,
    ) -> Wishes:
        twice = [str(key) for key in windows or () if key in (conditions or ())]
        if twice:
            raise InputError(f"{twice[0]} is asked for by value and by window; give one of them")
        return Wishes(self.scale.asked(conditions), *self.scale.limits(windows))

    def decode(
        self,
        z: FloatArray,
        *,
        seed: int = 0,
        conditions: Mapping[PropertyKey, float] | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> list[str | None]:
        """Canonical SMILES of latent vectors, (n, latent), one each; the likeliest unless a temperature is given.

        Raises
        ------
        InputError : vectors of the wrong width, or not finite
        """
        rows = np.asarray(z, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.config.model.latent or not np.isfinite(rows).all():
            raise InputError(
                f"latent vectors of shape {rows.shape}; expected finite values of shape (n, {self.config.model.latent})"
            )
        found = self._decode(rows, _likeliest(decoding), asked=self.scale.asked(conditions), seed=seed)
        return [sample.smiles for sample in found]

    def _decode(
        self,
        z: FloatArray,
        decoding: Decoding,
        *,
        asked: FloatArray,
        seed: int,
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
        return sampler.decode(latent, decoding, generator=generator, core=core)

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

    def reconstruct(self, smiles: Sequence[str], *, beam_width: int = 1) -> list[str | None]:
        """Each molecule encoded to its posterior mean and decoded with the likeliest choices, one by one or by beam.

        Raises
        ------
        InputError : a molecule that cannot be encoded (see ``covers``)
        """
        return self.decode(self.encode(smiles), beam_width=beam_width) if smiles else []

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
        **decoding: Unpack[DecodingOptions],
    ) -> list[str]:
        """Canonical SMILES of ``n`` molecules decoded near the given ones, repeats and the given ones possible.

        Parameters
        ----------
        smiles : starting points, used in turn
        radius : length of the steps, in units of the spread of the training molecules in each latent direction; with
            the shipped model 0.5 gives 4 of 10 starting points back, 1.0 resembles them by 0.31 (Tanimoto, mean)
        decoding : see ``Decoding``; the likeliest molecule of each step unless a temperature is given

        Raises
        ------
        InputError : no starting point, or one that cannot be encoded (see ``covers``)
        """
        if not smiles:
            raise InputError("neighbours of no molecule; give at least one starting point")
        centres = self.encode(smiles)[np.arange(n) % len(smiles)]
        steps = self.prior.steps(n, generator=np.random.default_rng(seed))
        asked = self.scale.asked(conditions)
        found = self._decode(centres + radius * steps, _likeliest(decoding), asked=asked, seed=seed)
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
        try:
            done, self.prior = refresh(
                self._stored(),
                smiles,
                properties=properties,
                weights=weights,
                epochs=epochs,
                learning_rate=lr,
                seed=seed,
                progress=progress,
            )
        finally:
            self._legal = LegalMoves(self.vocabulary)  # also of a training that was interrupted
        self.metrics = {**self.metrics, "n_refreshes": self.n_refreshes + 1}
        return done

    def reinforce(
        self,
        goals: Sequence[tuple[Mapping[PropertyKey, float], Reward]],
        *,
        settings: PolicySettings | None = None,
        seed: int = 0,
        progress: PolicyProgress | None = None,
    ) -> list[PolicyStep]:
        """Fine-tune the decoder, in place, on the rewards of molecules that it makes; see ``jtvae.policy``.

        Parameters
        ----------
        goals : conditions, as of ``generate``, and what the molecules made for them earn; taken in turn

        Raises
        ------
        InputError : no goal, a condition on an unknown property, rewards that do not fit
        ConvergenceError : the gradient is no longer finite
        """
        asked = [PolicyGoal(self._wishes(conditions, None), reward) for conditions, reward in goals]
        steps = policy_gradient(
            self._stored(), asked, settings=settings or PolicySettings(), seed=seed, progress=progress
        )
        self.metrics = {**self.metrics, "n_refreshes": self.n_refreshes + 1}
        return steps


def _likeliest(options: DecodingOptions) -> Decoding:
    """Decoding of latent vectors that are given, one molecule each."""
    likeliest: DecodingOptions = {"temperature": 0.0, **options}
    asked = Decoding(**likeliest)
    if asked.n_per_latent != 1:
        raise InputError(f"got n_per_latent={asked.n_per_latent}; expected 1: each latent vector given is one molecule")
    return asked
