"""Policy-gradient fine-tuning: the decoder learns from the rewards of the molecules that it has just made.

    A_i = R_i - k log(p(tree_i | z_i) / p_0(tree_i | z_i)),    loss = - mean_i (A_i - mean_(j not i) A_j) / s log p_i

REINFORCE with the other molecules of the batch as baseline; ``s`` is the spread of A in the batch. The second term of A
keeps the decoder near ``p_0``, what it was at the beginning: in expectation it is the gradient of k KL(p | p_0), which
is also what REINVENT's augmented likelihood does with sigma = 1 / k. Latent vectors come from the prior, given what is
asked for; prior, encoder, property heads and the embeddings that the encoder shares stay as they are, so molecules are
encoded as before.

References
----------
Williams, Machine Learning 1992, 8, 229, 10.1007/BF00992696 (REINFORCE).
Olivecrona, Blaschke, Engkvist, Chen, J. Cheminf. 2017, 9, 48, 10.1186/s13321-017-0235-x (augmented likelihood).
Kool, van Hoof, Welling, ICLR workshop 2019, openreview r1lgTGL5DE (the others as baseline).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliosc.errors import ConvergenceError, InputError
from heliosc.generation.jtvae.arrays import COLUMNS, PreparedSet, RowReader
from heliosc.generation.jtvae.batch import Batch, make_batch
from heliosc.generation.jtvae.choices import choices_of
from heliosc.generation.jtvae.decoder import TreeDecoder
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Chunk, DecodeLimits, Growing, finished
from heliosc.generation.jtvae.io import StoredModel, round_to_half
from heliosc.generation.jtvae.likelihood import log_likelihoods
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.schedule import tree_columns
from heliosc.generation.jtvae.steering import Wishes, draw_latents
from heliosc.generation.jtvae.valence import LegalMoves

FloatArray = NDArray[np.float64]

Reward = Callable[[Sequence[str]], FloatArray]
"""SMILES -> rewards, (n,), the higher the better; NaN = this molecule could not be judged, which earns nothing."""


@dataclass(frozen=True, slots=True)
class PolicyGoal:
    """What the decoder is asked for, and what it earns.

    Attributes
    ----------
    wishes : properties that the latent vectors of a step are drawn for
    reward : of the molecules made
    """

    wishes: Wishes
    reward: Reward


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """How a policy is fine-tuned.

    Attributes
    ----------
    steps : batches of molecules, each made for one goal in turn
    batch_size : molecules of a step
    learning_rate : of Adam
    prior_weight : k, reward that a nat away from the first decoder costs

    Raises
    ------
    InputError : a number out of range
    """

    steps: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    prior_weight: float = 0.01

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch_size < 2 or not 0 < self.learning_rate < np.inf or not self.prior_weight >= 0:
            raise InputError(
                f"cannot fine-tune with {self}; expected steps >= 0, batch_size >= 2 (a molecule's baseline is the "
                "others), learning_rate > 0, prior_weight >= 0"
            )


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """What a step did; means over its molecules.

    Attributes
    ----------
    reward : of those that were judged; NaN = none was
    distance : log likelihood gained over the first decoder, nats; estimates the KL divergence from it
    n_distinct : different molecules
    """

    step: int
    n_steps: int
    reward: float
    distance: float
    n_distinct: int


PolicyProgress = Callable[[PolicyStep], None]


def policy_gradient(
    stored: StoredModel,
    goals: Sequence[PolicyGoal],
    *,
    settings: PolicySettings,
    seed: int,
    progress: PolicyProgress | None,
) -> list[PolicyStep]:
    """Fine-tune the decoder in place.

    Raises
    ------
    InputError : no goal, or rewards of another shape
    ConvergenceError : the gradient is no longer finite
    """
    if not goals:
        raise InputError("a policy is fine-tuned towards at least one goal; got none")
    network = stored.network
    before = copy.deepcopy(network.decoder)
    learner = _Learner(network, settings)
    legal, steps = LegalMoves(stored.vocabulary), []
    for number in range(settings.steps):
        chance = np.random.default_rng([seed, number])
        goal = goals[number % len(goals)]
        drawn = draw_latents(stored.prior, network, settings.batch_size, goal.wishes, generator=chance)
        latent = _conditioned(network, drawn.z, drawn.told)
        grown = _grow(network, legal, latent, seed=int(chance.integers(2**31)))
        smiles = [finished(molecule).smiles for molecule in grown]
        rewards = _rewards(goal.reward, smiles)
        distance = learner.step(_decisions(grown, legal, latent), rewards, before=before)
        mean = float(np.nanmean(rewards)) if np.isfinite(rewards).any() else np.nan
        steps.append(PolicyStep(number + 1, settings.steps, mean, distance, len({s for s in smiles if s})))
        if progress is not None:
            progress(steps[-1])
    round_to_half(network)
    return steps


@dataclass(frozen=True, slots=True)
class _Decisions:
    """What made a batch of molecules; see ``likelihood.log_likelihoods``."""

    latent: Tensor
    batch: Batch
    free: Tensor
    words: Tensor

    def log_likelihoods(self, decoder: TreeDecoder) -> Tensor:
        """(n_molecules,)"""
        return log_likelihoods(decoder, self.latent, self.batch, free=self.free, words=self.words)


class _Learner:
    """Adam on the decoder's own parameters."""

    def __init__(self, network: Network, settings: PolicySettings) -> None:
        self._decoder, self._settings = network.decoder, settings
        shared = {id(parameter) for parameter in network.tables.parameters()}
        self._parameters = [parameter for parameter in network.decoder.parameters() if id(parameter) not in shared]
        self._optimizer = torch.optim.Adam(self._parameters, lr=settings.learning_rate)

    def step(self, decisions: _Decisions, rewards: FloatArray, *, before: TreeDecoder) -> float:
        """Learn from one batch; the mean log likelihood gained over ``before``."""
        likelihoods = decisions.log_likelihoods(self._decoder)
        with torch.no_grad():
            gained = likelihoods.detach() - decisions.log_likelihoods(before)
        returns = np.nan_to_num(rewards) - self._settings.prior_weight * gained.double().cpu().numpy()
        weights = torch.from_numpy(advantages(returns)).to(likelihoods)
        self._optimizer.zero_grad(set_to_none=True)
        gradients = torch.autograd.grad(-(weights * likelihoods).mean(), self._parameters)
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        if not torch.isfinite(norm):
            raise ConvergenceError(
                f"the gradient of the policy is {float(norm)}; fine-tune again with a lower learning_rate"
            )
        self._optimizer.step()
        return float(gained.mean())


def advantages(returns: FloatArray) -> FloatArray:
    """(n,) what each return is above the mean of the others, in units of their spread; 0 where all are alike."""
    n, spread = len(returns), float(returns.std())
    if spread < 1e-9:
        return np.zeros(n)
    return np.asarray((returns - returns.mean()) * n / (n - 1) / spread)


def _conditioned(network: Network, z: FloatArray, told: FloatArray) -> Tensor:
    device = network.tables.words.weight.device
    values = torch.from_numpy(told).float().to(device)
    with torch.no_grad():
        return network.condition(torch.from_numpy(z).float().to(device), values, ~torch.isnan(values))


@torch.no_grad()
def _grow(network: Network, legal: LegalMoves, latent: Tensor, *, seed: int) -> list[Growing]:
    """Molecules sampled at temperature 1, as the likelihoods have it."""
    generator = torch.Generator().manual_seed(seed)
    chunk = Chunk(network, legal, latent, decoding=Decoding(), generator=generator, limits=DecodeLimits())
    return chunk.grow(None)


def _decisions(grown: Sequence[Growing], legal: LegalMoves, latent: Tensor) -> _Decisions:
    """Atoms and bonds, which only the encoder reads, are left out."""
    trees = [molecule.partial.tree() for molecule in grown]
    atoms: dict[str, list[int]] = {name: [] for name, (space, _) in COLUMNS.items() if space in ("atoms", "edges")}
    prepared = PreparedSet.stack(
        ["" for _ in trees], [atoms | tree_columns(tree, legal.vocabulary, legal) for tree in trees]
    )
    choices = [choices_of(tree, legal) for tree in trees]
    free, words = (torch.from_numpy(np.concatenate(parts)) for parts in zip(*choices, strict=True))
    batch = make_batch(RowReader(prepared), np.arange(len(trees)), device=latent.device)
    return _Decisions(latent, batch, free.to(latent), words.to(latent.device))


def _rewards(reward: Reward, smiles: Sequence[str | None]) -> FloatArray:
    """(n,) NaN where there is no molecule or no judgement; each molecule is judged once."""
    distinct = list(dict.fromkeys(text for text in smiles if text is not None))
    found = np.asarray(reward(distinct), dtype=np.float64)
    if found.shape != (len(distinct),):
        raise InputError(
            f"{len(distinct)} molecules earned rewards of shape {found.shape}; expected ({len(distinct)},)"
        )
    of_each = dict(zip(distinct, found.tolist(), strict=True))
    return np.array([np.nan if text is None else of_each[text] for text in smiles])
