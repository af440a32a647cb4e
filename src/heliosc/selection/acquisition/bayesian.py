"""Acquisition by BoTorch: improvement of the hypervolume, and of random scalarisations, over noisy observations.

Candidates are the rows of a table of predictions; BoTorch sees a model over row numbers whose posterior is that table.
The batch is built one by one, what is chosen counting as pending. Memory and time grow fast with objectives and batch,
so only the best few hundred by optimistic gain are judged.

References
----------
Daulton, Balandat, Bakshy, NeurIPS 2021, arXiv 2105.08195 (noisy expected hypervolume improvement).
Ament et al., NeurIPS 2023, arXiv 2310.20708 (its logarithm).
Knowles, IEEE Trans. Evol. Comput. 2006, 10, 50, 10.1109/TEVC.2005.851274 (ParEGO).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from heliosc.errors import InputError, MissingDependencyError
from heliosc.selection.acquisition.bounds import multi_ucb
from heliosc.selection.acquisition.promise import FloatArray, Promise

_JUDGED = 300
_BASELINE = 64  # observed points that BoTorch integrates over
_SAMPLES = 64
_CERTAIN = 1e-9  # variance of what is measured
_MOST_OBJECTIVES = 4
_NO_BOTORCH = "this acquisition needs BoTorch; install it with: pip install 'heliosc[bo]'"
_LARGEST_BATCH = 16  # every pending pick makes the next slower: 64 picks of three objectives take minutes


def qlognehvi(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """Order in which greedy maximisation of the noisy expected hypervolume improvement takes the candidates.

    Raises
    ------
    InputError : one objective, or more than four; a batch of more than 16
    MissingDependencyError : BoTorch is not installed
    """
    check_qlognehvi(n_objectives=promise.n_objectives, n_batch=promise.n_batch)
    botorch = _botorch()

    from botorch.acquisition.multi_objective import logei

    # BoTorch would compile a kernel for this machine: its numbers would not be those of other machines, and a process
    # killed meanwhile leaves a lock behind for which every later one waits without end
    logei._load_attempted = True

    def make(table: _Table, _: int, chosen: list[int]) -> Any:
        return logei.qLogNoisyExpectedHypervolumeImprovement(
            model=table.model,
            ref_point=[0.0] * promise.n_objectives,
            X_baseline=table.baseline,
            sampler=botorch.sampling.IIDNormalSampler(_shape(_SAMPLES), seed=table.seed),
            prune_baseline=False,
            X_pending=table.inputs(chosen) if chosen else None,
            cache_root=False,
        )

    return _greedy_batch(promise, rng, make)


def check_qlognehvi(*, n_objectives: int, n_batch: int) -> None:
    """Refuse what would take minutes or more.

    Raises
    ------
    InputError : one objective, or more than four; a batch of more than 16
    """
    if not 2 <= n_objectives <= _MOST_OBJECTIVES:
        raise InputError(
            f"qlognehvi is for 2 to {_MOST_OBJECTIVES} objectives, got {n_objectives}; try ei or pareto_ucb"
        )
    if n_batch > _LARGEST_BATCH:
        raise InputError(
            f"qlognehvi is for batches up to {_LARGEST_BATCH}, got {n_batch}; "
            "its time grows fast with each pick: try parego_ucb or pareto_ucb"
        )


def check_botorch() -> None:
    """Whether BoTorch is installed, without loading it.

    Raises
    ------
    MissingDependencyError : it is not
    """
    if find_spec("botorch") is None:
        raise MissingDependencyError(_NO_BOTORCH)


def parego(promise: Promise, rng: np.random.Generator) -> FloatArray:
    """Order in which the expected improvement of random augmented Chebyshev scalarisations takes the candidates.

    Raises
    ------
    MissingDependencyError : BoTorch is not installed
    """
    botorch = _botorch()
    weights = rng.dirichlet(np.ones(promise.n_objectives), size=promise.n_batch) * promise.weights

    def make(table: _Table, turn: int, chosen: list[int]) -> Any:
        import torch
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.acquisition.objective import GenericMCObjective
        from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization

        scalar: Any = get_chebyshev_scalarization(torch.tensor(weights[turn]), table.baseline_values)

        def worth(values: Any, X: Any = None) -> Any:
            return scalar(values)

        return qLogNoisyExpectedImprovement(
            model=table.model,
            X_baseline=table.baseline,
            sampler=botorch.sampling.IIDNormalSampler(_shape(_SAMPLES), seed=table.seed),
            objective=GenericMCObjective(worth),
            prune_baseline=False,
            X_pending=table.inputs(chosen) if chosen else None,
            cache_root=False,
        )

    return _greedy_batch(promise, rng, make)


def _greedy_batch(
    promise: Promise, rng: np.random.Generator, make: Callable[[_Table, int, list[int]], Any]
) -> FloatArray:
    """Scores from the order of choice; what is not chosen follows by optimistic gain."""
    optimism = multi_ucb(promise, rng)
    score = optimism / (1.0 + optimism.max(initial=0.0)) - 1.0
    rows = np.argsort(-optimism, kind="stable")[: max(_JUDGED, 2 * promise.n_batch)]
    if not len(rows):
        return score
    table = _Table(promise.rows(rows), seed=int(rng.integers(2**31)))
    chosen: list[int] = []
    n_turns = min(promise.n_batch, len(rows))
    for turn in range(n_turns):
        values = table.evaluate(make(table, turn, chosen))
        values[chosen] = -np.inf
        best = int(np.argmax(values))
        chosen.append(best)
        score[rows[best]] = n_turns - turn
    return score


class _Table:
    """Predictions and what is known as a BoTorch model: row numbers in, gains (maximised) out."""

    def __init__(self, promise: Promise, *, seed: int) -> None:
        import torch

        scale = promise.scale(np.vstack([promise.optimistic_cost, promise.known_front]))
        known = (promise.reference_cost - promise.known_front) / scale
        known = known[np.argsort(-known.sum(axis=1), kind="stable")[:_BASELINE]]
        if not len(known):
            known = np.zeros((1, promise.n_objectives))  # the reference point itself
        gains = (promise.reference_cost - promise.mean_cost) / scale
        stds = promise.stds / scale
        self.seed = seed
        self._log_multiplier = np.log(np.maximum(promise.multiplier, 1e-300))
        self._n = len(gains)
        self._n_known = len(known)
        means = torch.tensor(np.vstack([gains, known]))
        variances = torch.tensor(np.vstack([stds**2 + _CERTAIN, np.full_like(known, _CERTAIN)]))
        self.baseline_values = means[self._n :]
        self.model = _table_model(means, variances)

    @property
    def baseline(self) -> Any:
        return self.inputs(range(self._n, self._n + self._n_known))

    def inputs(self, rows: Any) -> Any:
        """(n, 1) as BoTorch takes them."""
        import torch

        return torch.tensor(list(rows), dtype=torch.double)[:, None]

    def evaluate(self, acquisition: Any) -> FloatArray:
        """(n,) log expected improvement of each candidate, the logarithm of its multiplier added."""
        import torch

        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BoTorch warns of what a table as model cannot cache
            return acquisition(self.inputs(range(self._n))[:, None, :]).numpy() + self._log_multiplier


def _table_model(means: Any, variances: Any) -> Any:
    """A BoTorch model whose posterior at row numbers is that of a table, rows and objectives independent."""
    import torch
    from botorch.models.model import Model
    from botorch.posteriors.gpytorch import GPyTorchPosterior
    from gpytorch.distributions import MultitaskMultivariateNormal
    from linear_operator.operators import DiagLinearOperator

    class TableModel(Model):
        num_outputs = means.shape[1]
        batch_shape = torch.Size([])

        def posterior(
            self, X: Any, output_indices: Any = None, observation_noise: Any = False, posterior_transform: Any = None
        ) -> Any:
            rows = X[..., 0].long()
            spread = variances[rows].reshape(*rows.shape[:-1], -1)
            return GPyTorchPosterior(MultitaskMultivariateNormal(means[rows], DiagLinearOperator(spread)))

    return TableModel()


def _shape(n: int) -> Any:
    import torch

    return torch.Size([n])


def _botorch() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own imports of torch.jit
            import botorch
            import botorch.sampling
    except ImportError as error:
        raise MissingDependencyError(_NO_BOTORCH) from error
    return botorch
