"""Search of acquisition, optimism, weights of objectives and diversity on a pool, by replayed campaigns.

References
----------
Akiba et al., KDD 2019, arXiv 1907.10902 (Optuna); Bergstra et al., NeurIPS 2011 (tree-structured Parzen estimator).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heliosc.campaign.retrospective.arms import Arm
from heliosc.campaign.retrospective.benchmark import Progress, replay_all
from heliosc.campaign.retrospective.replay import Task
from heliosc.errors import MissingDependencyError
from heliosc.selection.acquisition import DEFAULT_BETA

_ACQUISITIONS = ("pareto_ucb", "multi_ucb", "thompson", "ei", "front_probability")
_BETAS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
_CAPS = (0.6, 0.7, 0.8, 1.0)
_DIVERSITIES = (0.0, 0.2, 0.5)
_WEIGHTS = (0.5, 1.0, 2.0)  # of each objective beside the first


@dataclass(frozen=True, slots=True)
class Trial:
    """A way of choosing and its score: the mean over batches and seeds of what had been found."""

    arm: Arm
    score: float


def tune_arm(
    task: Task,
    *,
    n_trials: int,
    n_seeds: int,
    file: Path,
    model: str = "trees",
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> list[Trial]:
    """Try settings, the shipped ones first; each once, best first in the answer.

    Raises
    ------
    MissingDependencyError : Optuna is not installed
    """
    optuna = load_optuna()
    tried: dict[Arm, float] = {}
    further = [f"weight of {objective.text}" for objective in task.objectives[1:]]

    def score_of(trial: Any) -> float:
        arm = Arm(
            "tuned",
            model=model,
            acquisition=trial.suggest_categorical("acquisition", _ACQUISITIONS),
            beta=trial.suggest_categorical("beta", _BETAS),
            max_similarity=trial.suggest_categorical("max_similarity", _CAPS),
            diversity=trial.suggest_categorical("diversity", _DIVERSITIES),
            weights=tuple([1.0, *(trial.suggest_categorical(name, _WEIGHTS) for name in further)] if further else ()),
        )
        if arm not in tried:
            tried[arm] = _score(task, arm, n_seeds=n_seeds, file=file, progress=progress)
        return tried[arm]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    shipped = {"acquisition": "pareto_ucb", "beta": DEFAULT_BETA, **dict.fromkeys(further, 1.0)}
    study.enqueue_trial({**shipped, "max_similarity": 1.0, "diversity": 0.0})
    study.enqueue_trial({**shipped, "max_similarity": 0.7, "diversity": 0.2})  # as in campaigns
    study.optimize(score_of, n_trials=n_trials)
    return sorted((Trial(arm, score) for arm, score in tried.items()), key=lambda trial: -trial.score)


def _score(task: Task, arm: Arm, *, n_seeds: int, file: Path, progress: Callable[[str], None]) -> float:
    """Share found, averaged over batches: early finds count more than late ones. With several objectives the mean of
    the shares of hypervolume and front, since the hypervolume alone flatters random choice."""
    weights = f", weights {', '.join(f'{weight:g}' for weight in arm.weights)}" if arm.weights else ""
    progress(
        f"{arm.acquisition}, beta {arm.beta:g}, similarity up to {arm.max_similarity:g}, diversity {arm.diversity:g}"
        + weights
    )
    curves = replay_all(task, [arm], seeds=range(n_seeds), file=file)
    shares = [
        np.mean([value for name, value in point.items() if name != "labelled"])
        for curve in curves
        for point in curve.points
    ]
    return float(np.mean(shares))


def load_optuna() -> Any:
    """Optuna, quiet.

    Raises
    ------
    MissingDependencyError : it is not installed
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingDependencyError("tuning needs Optuna; install it with: pip install 'heliosc[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
