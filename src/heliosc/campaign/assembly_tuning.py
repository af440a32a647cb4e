"""Search of the settings by which the JT-VAE puts molecules together, for one role.

Nothing is generated in a replayed pool, so these settings are judged by what a round would have to choose from: the
mean reward of as many of the best new molecules as a batch has places, where the reward (``campaign.rewarding``) is the
merit by the surrogate times the probability of being inside the windows. The surrogate judges, so the scores order
settings and promise nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliosc.campaign.judging import judge
from heliosc.campaign.known import known_molecules
from heliosc.campaign.models import load_generator, load_surrogate
from heliosc.campaign.proposal import filter_proposals
from heliosc.campaign.retrospective.tuning import load_optuna
from heliosc.campaign.rewarding import role_reward
from heliosc.campaign.sources import JTVAESource, Wish
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.synthesizability import core_sa_score
from heliosc.config import Config, GeneratorSettings
from heliosc.selection.novelty import skeleton_keys
from heliosc.selection.roles import get_role, load_roles

_N_PARENTS = 200
_CHOICES: dict[str, tuple[Any, ...]] = {
    "temperature": (0.5, 0.7, 1.0, 1.4),
    "attachment_temperature": (None, 0.5, 1.0, 1.5),
    "top_k": (0, 3, 10),
    "samples_per_latent": (1, 2, 4),
    "neighbour_share": (0.25, 0.5, 0.75),
    "beam_width": (1, 4),
}
_NO_CHANCE = {"temperature": 0.0, "attachment_temperature": None, "top_k": 0, "samples_per_latent": 1}


@dataclass(frozen=True, slots=True)
class AssemblyTrial:
    """Settings of ``generator`` by name, their score, and how many molecules were new and within the constraints."""

    settings: dict[str, Any]
    score: float
    n_usable: int


def tune_assembly(
    config: Config,
    role_name: str,
    *,
    n_trials: int,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> list[AssemblyTrial]:
    """Try settings, the configured ones first; each once, best first in the answer.

    Raises
    ------
    InputError : an unknown role, or models that cannot be used
    MissingDependencyError : Optuna is not installed
    """
    optuna = load_optuna()
    propose = _proposer(config, role_name, seed=seed)
    tried: dict[tuple[Any, ...], AssemblyTrial] = {}

    def score_of(trial: Any) -> float:
        settings = {name: trial.suggest_categorical(name, choices) for name, choices in _CHOICES.items()}
        if settings["beam_width"] > 1:
            settings |= _NO_CHANCE
        key = tuple(settings.values())
        if key not in tried:
            progress(", ".join(f"{name} {value}" for name, value in settings.items()))
            tried[key] = propose(settings)
        return tried[key].score

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    configured = {name: getattr(config.generator, name) for name in _CHOICES}
    if all(value in _CHOICES[name] for name, value in configured.items()):
        study.enqueue_trial(configured)
    study.optimize(score_of, n_trials=n_trials)
    return sorted(tried.values(), key=lambda trial: -trial.score)


def _proposer(config: Config, role_name: str, *, seed: int) -> Callable[[dict[str, Any]], AssemblyTrial]:
    """What settings lead to, with models and known molecules read once."""
    role = get_role(role_name, load_roles(config.selection.role_file))
    device = config.generator.compute.device
    generator = load_generator(config.generator.weights, device=device)
    surrogate = load_surrogate(config.surrogate.weights, device=device)
    library = known_molecules(config, [key for key in role.keys if key.level != "structure"])
    sa_scores = np.array([core_sa_score(parse_smiles(text)) for text in library.smiles])
    order = judge(role, library, sa_scores=sa_scores).best_first()[:_N_PARENTS]
    wish = Wish(role, [library.smiles[row] for row in order], library)
    known = set(skeleton_keys(library.smiles))
    reward = role_reward(role, surrogate, library, sa_scores=sa_scores, config=config)

    def propose(settings: dict[str, Any]) -> AssemblyTrial:
        chosen = GeneratorSettings.model_validate({**config.generator.model_dump(), **settings})
        made = JTVAESource(generator, chosen).propose(wish, chosen.n_samples, seed=seed)
        usable = filter_proposals(
            [(text, origin, role.name) for text, origin in made], known=known, config=config
        ).proposals
        rewards = np.sort(reward([proposal.smiles for proposal in usable]))[::-1][: config.campaign.batch_size]
        return AssemblyTrial(settings, float(rewards.sum() / config.campaign.batch_size), len(usable))

    return propose
