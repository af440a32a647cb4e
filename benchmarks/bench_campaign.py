"""Live campaigns with real GFN2-xTB: the JT-VAE, genetic breeding and random library molecules at the same budget.

    python benchmarks/bench_campaign.py --work FOLDER            # three arms, three seeds, six rounds of 16 molecules
    python benchmarks/bench_campaign.py --work FOLDER --seeds 1 --rounds 2

All arms have the same roles, constraints and calculations; ``random`` computes library molecules whose values are not
known, chosen blindly. Hypervolumes are of what a campaign itself computed, against the roles' fixed reference points.
Every campaign lives in ``FOLDER/ARM-SEED``: the same command goes on after a stop. Writes
``benchmarks/results/campaign.json`` and ``campaign.svg``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from matplotlib import rcParams
from rich.console import Console
from rich.table import Table

from heliosc.campaign.loop import Campaign
from heliosc.campaign.records import CandidateRecord, RoundRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import Config, load_config
from heliosc.report.figures import BLUE, GREY, ORANGE, canvas, legend
from heliosc.selection.roles import Role, get_role

RESULTS = Path(__file__).parent / "results" / "campaign.json"
ARMS: dict[str, tuple[str, ...]] = {
    "JT-VAE": ("generator.sources={jtvae: 1}",),
    "genetic": ("generator.sources={genetic: 1}",),
    "random library": ("generator.sources={pool: 1}", "selection.acquisition=random", "surrogate.fine_tune_epochs=0"),
}
STYLES = {"JT-VAE": (BLUE, "o-"), "genetic": (ORANGE, "s--"), "random library": (GREY, "^:")}
console = Console(width=150)


def settings(arm: str, seed: int, *, rounds: int, batch_size: int) -> Config:
    """Configuration of one campaign."""
    common = (f"seed={seed}", f"campaign.rounds={rounds}", f"campaign.batch_size={batch_size}",
              "selection.max_heavy_atoms=30", "generator.n_samples=300")  # fmt: skip
    return load_config(overrides=(*common, *ARMS[arm]))


def best_values(role: Role, mine: list[CandidateRecord]) -> dict[str, float]:
    """Of each objective the value of least cost among the computed molecules."""
    best = {}
    for objective in role.objectives:
        name = str(objective.key)
        values = np.array(
            [c.sa_score_core if objective.key.level == "structure" else c.computed.get(name, np.nan) for c in mine]
        )
        if np.isfinite(values).any():
            best[name] = float(values[np.nanargmin(objective.cost(values))])
    return best


def outcome(folder: RunFolder, config: Config) -> dict[str, Any]:
    """Figures of a finished campaign by role."""
    history: list[RoundRecord] = read_history(folder.path)
    candidates = [record for record in read_candidates(folder.path) if record.computed]
    found = {}
    for name in config.selection.roles:
        mine = [record for record in candidates if record.role == name]
        found[name] = {
            "hypervolume": [record.hypervolume[name] for record in history],
            "in_window": history[-1].window_share[name]["candidates"],
            "best": best_values(get_role(name), mine),
        }
    core_s = sum(record.core_seconds for record in history)
    failed = sum(record.funnel.get("failed", 0) for record in history)
    return {"roles": found, "core_seconds": core_s, "n_failed": failed}


def summary(runs: dict[str, list[dict[str, Any]]], role: str) -> dict[str, dict[str, Any]]:
    """Arm -> means and standard errors over the seeds."""
    rows = {}
    for arm, outcomes in runs.items():
        of_role = [run["roles"][role] for run in outcomes]
        volumes = np.array([entry["hypervolume"] for entry in of_role])
        met, judged = np.array([entry["in_window"] for entry in of_role]).sum(axis=0)
        sem = volumes.std(axis=0, ddof=1) / np.sqrt(len(volumes)) if len(volumes) > 1 else np.zeros(volumes.shape[1])
        rows[arm] = {
            "hypervolume": volumes.mean(axis=0).tolist(),
            "standard_error": sem.tolist(),
            "in_window": [int(met), int(judged)],
            "best": {key: [entry["best"].get(key) for entry in of_role] for key in of_role[0]["best"]},
        }
    return rows


def show(role: str, rows: dict[str, dict[str, Any]]) -> None:
    """One table a role."""
    table = Table(title=f"{role}: hypervolume after the last round, mean +- standard error over the seeds")
    keys = list(next(iter(rows.values()))["best"])
    for column in ("arm", "hypervolume", "in window", *(f"best {key}" for key in keys)):
        table.add_column(column)
    for arm, row in rows.items():
        met, judged = row["in_window"]
        best = [" ".join("-" if v is None else f"{v:.2f}" for v in row["best"].get(key, [])) for key in keys]
        volume = f"{row['hypervolume'][-1]:.3f} +- {row['standard_error'][-1]:.3f}"
        table.add_row(arm, volume, f"{met} of {judged}", *best)
    console.print(table)


def draw(summaries: dict[str, dict[str, dict[str, Any]]], file: Path) -> None:
    """Hypervolume over the rounds, one picture with a panel a role."""
    rcParams["svg.hashsalt"] = "heliosc"
    figure, _ = canvas(width=4.6 * len(summaries), height=3.6)
    figure.clear()
    for position, (role, rows) in enumerate(summaries.items()):
        axes = figure.add_subplot(1, len(summaries), position + 1)
        for arm, row in rows.items():
            colour, style = STYLES[arm]
            rounds = np.arange(1, len(row["hypervolume"]) + 1)
            axes.errorbar(
                rounds, row["hypervolume"], yerr=row["standard_error"], fmt=style, color=colour, capsize=3, label=arm
            )
        axes.set_title(role)
        axes.set_xlabel("round")
        axes.set_ylabel("hypervolume")
        axes.set_xticks(rounds)
        axes.set_ylim(bottom=0)
        legend(axes, loc="best")
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/bench_campaign"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    asked = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for seed in range(asked.seeds):
        for arm, done in runs.items():
            config = settings(arm, seed, rounds=asked.rounds, batch_size=asked.batch)
            folder = RunFolder(asked.work / f"{arm.replace(' ', '-')}-{seed}")
            Campaign(config, folder).run()
            done.append(outcome(folder, config))
            console.print(f"{arm}, seed {seed}: {done[-1]['core_seconds']:.0f} core seconds of calculations")
    roles = settings("JT-VAE", 0, rounds=1, batch_size=1).selection.roles
    summaries = {role: summary(runs, role) for role in roles}
    for role, rows in summaries.items():
        show(role, rows)
    document = {"machine": platform.machine(), "rounds": asked.rounds, "batch": asked.batch, "seeds": asked.seeds,
                "roles": summaries, "runs": runs}  # fmt: skip
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    draw(summaries, RESULTS.with_suffix(".svg"))
    console.print(f"Written to {RESULTS}")


if __name__ == "__main__":
    main()
