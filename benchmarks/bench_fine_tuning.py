"""Weighted retraining and policy gradient of the JT-VAE, at the same number of questions to the same oracle.

The shipped surrogate is taken for the truth. Each arm begins with the shipped generator, makes molecules for targets
drawn as in a campaign, leaves out what the campaign's hard constraints stop (which costs nothing, and so do repeats),
and asks the oracle about the rest until its questions are spent. ``weighted`` is retrained on the best known molecules,
those of the library among them, after every hundred questions, with a campaign's settings; ``policy gradient`` learns
from every batch; ``as shipped`` asks nothing and learns nothing. Then each makes molecules once more, judged outside
the budget. About three CPU minutes at the defaults; writes ``benchmarks/results/fine_tuning.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from heliosc.campaign.judging import judge, table_of
from heliosc.campaign.learning import rank_weights
from heliosc.campaign.models import load_generator, load_surrogate
from heliosc.campaign.proposal import constraints_of
from heliosc.campaign.rewarding import role_reward
from heliosc.campaign.sources import draw_targets
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.synthesizability import core_sa_score
from heliosc.config import Config
from heliosc.datasets.library.load import load_library
from heliosc.generation.jtvae import JTVAE
from heliosc.generation.jtvae.policy import PolicySettings
from heliosc.properties import DEFAULT_TARGETS, PredictionTable, PropertyKey, PropertyTable
from heliosc.selection.constraints import apply_constraints
from heliosc.selection.roles import get_role, load_roles
from heliosc.surrogates.ensemble import SurrogateEnsemble

RESULTS = Path(__file__).parent / "results" / "fine_tuning.json"
ROUND = 100  # questions between two weighted retrainings
N_KNOWN = 200  # best known molecules of a retraining, as in a campaign


class BudgetSpentError(Exception):
    """No question is left."""


@dataclass
class Remembering:
    """A surrogate that predicts each molecule once."""

    surrogate: SurrogateEnsemble
    known: dict[str, tuple[Any, Any, Any]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        return self.surrogate.keys

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        new = [text for text in dict.fromkeys(smiles) if text not in self.known]
        if new:
            found = self.surrogate.predict(new)
            rows = zip(found.mean, found.epistemic_std, found.aleatoric_std, strict=True)
            self.known |= dict(zip(new, rows, strict=True))
        parts = (np.array(part) for part in zip(*(self.known[text] for text in smiles), strict=True))
        return PredictionTable(tuple(smiles), self.keys, *parts, "oracle")


@dataclass
class Oracle:
    """The surrogate as the truth; different molecules asked about are counted, and asking ends with the budget."""

    surrogate: Remembering
    budget: int
    asked: dict[str, None] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[PropertyKey, ...]:
        return self.surrogate.keys

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        new = [text for text in smiles if text not in self.asked]
        left = self.budget - len(self.asked)
        self.asked |= dict.fromkeys(new[:left])
        if len(new) > left:
            raise BudgetSpentError
        return self.surrogate.predict(smiles)


class Bench:
    """One role, one budget: arms are run on it seed by seed."""

    def __init__(self, role: str, budget: int, n_samples: int) -> None:
        self.config, self.role = Config(), get_role(role, load_roles())
        self.budget, self.n_samples = budget, n_samples
        self.keys = tuple(dict.fromkeys([*DEFAULT_TARGETS, *(k for k in self.role.keys if k.level != "structure")]))
        self.library = load_library().property_table(self.keys)
        self.library_sa = _sa_scores(self.library.smiles)
        self.surrogate = Remembering(load_surrogate(device="cpu"))

    def reward(self, oracle: Any) -> Callable[[Sequence[str]], Any]:
        return role_reward(self.role, oracle, self.library, sa_scores=self.library_sa, config=self.config)

    def targets(self, generator: JTVAE, rng: np.random.Generator) -> dict[PropertyKey, float]:
        return draw_targets(self.role, self.library, generator.keys, rng=rng)

    def sample(self, generator: JTVAE, n: int, rng: np.random.Generator) -> list[str | None]:
        """For four targets, as a campaign does."""
        found: list[str | None] = []
        for _ in range(4):
            conditions = self.targets(generator, rng)
            found += [d.smiles for d in generator.sample(n // 4, seed=int(rng.integers(2**31)), conditions=conditions)]
        return found

    def kept(self, smiles: Sequence[str]) -> list[str]:
        return [molecule.smiles for molecule in apply_constraints(smiles, constraints_of(self.config)).kept]

    def judged(self, smiles: Sequence[str]) -> dict[str, float]:
        """How good molecules are: reward, window, hypervolume."""
        table = self.predicted(smiles)
        found = judge(self.role, table, sa_scores=_sa_scores(smiles))
        rewards = self.reward(self.surrogate)(smiles)
        met, n = found.window_share
        return {
            "hypervolume": found.hypervolume(), "best_reward": float(rewards.max()),
            "mean_reward": float(rewards.mean()), "in_window": met / n,
        }  # fmt: skip

    def predicted(self, smiles: Sequence[str]) -> PropertyTable:
        predictions = self.surrogate.predict(smiles)
        values = [dict(zip(predictions.keys, row, strict=True)) for row in predictions.mean]
        return table_of(smiles, values, self.keys)

    def ask_and_retrain(self, generator: JTVAE, oracle: Oracle, rng: np.random.Generator) -> None:
        due = ROUND
        while len(oracle.asked) < self.budget:
            new = self.kept([text for text in self.sample(generator, 32, rng) if text])
            try:
                oracle.predict(new)
            except BudgetSpentError:
                return
            if len(oracle.asked) >= due:
                self.retrain(generator, list(oracle.asked), seed=int(rng.integers(2**31)))
                due += ROUND

    def retrain(self, generator: JTVAE, asked: Sequence[str], *, seed: int) -> None:
        own, settings = self.predicted(asked), self.config.generator
        both = PropertyTable((*self.library.smiles, *asked), self.keys, np.vstack([self.library.values, own.values]))
        scores = np.concatenate([self.library_sa, _sa_scores(asked)])
        best = both.rows(judge(self.role, both, sa_scores=scores).best_first()[:N_KNOWN])
        generator.fine_tune(
            best.smiles, properties=best, weights=rank_weights(len(best.smiles), k=settings.rank_constant),
            epochs=settings.fine_tune_epochs, lr=settings.fine_tune_learning_rate, seed=seed,
        )  # fmt: skip

    def reinforce(self, generator: JTVAE, oracle: Oracle, rng: np.random.Generator, policy: PolicySettings) -> None:
        reward = self.reward(oracle)
        goals = [(self.targets(generator, rng), reward) for _ in range(policy.steps)]
        try:
            generator.reinforce(goals, settings=policy, seed=int(rng.integers(2**31)))
        except BudgetSpentError:
            return

    def run(self, arm: str, seed: int, policy: PolicySettings) -> dict[str, float]:
        """All figures of one arm and seed."""
        generator, oracle = load_generator(device="cpu"), Oracle(self.surrogate, self.budget)
        rng, started = np.random.default_rng(seed), time.process_time()
        if arm == "policy gradient":
            self.reinforce(generator, oracle, rng, policy)
        elif arm == "weighted":
            self.ask_and_retrain(generator, oracle, rng)
        seconds, asked = time.process_time() - started, list(oracle.asked)
        questions = {f"asked_{name}": value for name, value in self.judged(asked).items()} if asked else {}
        samples = self.sample(generator, self.n_samples, np.random.default_rng(1_000 + seed))
        valid = [text for text in samples if text]
        distinct = list(dict.fromkeys(valid))
        kept = self.kept(distinct)
        after = self.judged(kept)
        return {
            "calls": len(asked), "cpu_s": seconds,
            **questions,
            **{f"after_{name}": value for name, value in after.items() if name != "hypervolume"},
            "reward_per_molecule_made": after["mean_reward"] * len(kept) / len(samples),
            "validity": len(valid) / len(samples), "uniqueness": len(distinct) / len(valid),
            "within_constraints": len(kept) / len(distinct),
        }  # fmt: skip


def _sa_scores(smiles: Sequence[str]) -> Any:
    return np.array([core_sa_score(parse_smiles(text)) for text in smiles])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", default="n_dopable")
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--arms", nargs="+", default=["as shipped", "weighted", "policy gradient"])
    parser.add_argument("--learning-rate", type=float, default=PolicySettings().learning_rate)
    parser.add_argument("--prior-weight", type=float, default=PolicySettings().prior_weight)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    policy = PolicySettings(1_000, learning_rate=arguments.learning_rate, prior_weight=arguments.prior_weight)
    bench = Bench(arguments.role, arguments.calls, arguments.samples)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    settings = {**asdict(policy), "steps": "until the calls are spent"}
    runs: dict[str, list[dict[str, float]]] = {arm: [] for arm in arguments.arms}
    for seed in seeds:
        for arm, found in runs.items():
            found.append(bench.run(arm, seed, policy))
        done = list(seeds)[: len(runs[arguments.arms[0]])]
        document = {
            "role": arguments.role, "calls": arguments.calls, "seeds": done, "policy_gradient": settings, "arms": runs,
        }  # fmt: skip
        arguments.out.write_text(json.dumps(document, indent=1) + "\n")
    Console(width=110).print(_table(document))


def _table(document: dict[str, Any]) -> Table:
    runs, n = document["arms"], len(document["seeds"])
    table = Table(title=f"{document['role']}, {document['calls']} calls, mean (std) of {n} seeds")
    for name in ("figure", *runs):
        table.add_column(name)
    names = max((found[0] for found in runs.values()), key=len)
    for name in names:
        columns = [np.array([run[name] for run in found if name in run]) for found in runs.values()]
        cells = [f"{column.mean():.3f} ({column.std():.3f})" if len(column) else "-" for column in columns]
        table.add_row(name.replace("_", " "), *cells)
    return table


if __name__ == "__main__":
    main()
