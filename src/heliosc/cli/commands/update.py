"""``heliosc update``: new results into the master table, stale models trained anew; made for cron."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from heliosc.campaign.update.plan import Model, Step
from heliosc.campaign.update.running import Trainer, plan_update, run_update
from heliosc.cli.commands.train import train_generator_from, train_surrogate_from
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_table
from heliosc.config import Config, load_config

_WORDS = {True: "do", False: "leave", None: "decide then"}


def update(
    config: ConfigFile = None,
    override: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Merge new calculations and measurements, refresh seed and pool, retrain what is stale. Again: does nothing."""
    settings = load_config(config, override or ())
    if dry_run:
        steps = plan_update(settings)
    else:
        trainers: dict[Model, Trainer] = {
            "surrogate": _into_messages(train_surrogate_from),
            "generator": _into_messages(train_generator_from),
        }
        steps = run_update(settings, trainers, tell=_tell)
    title = "would be done" if dry_run else "update"
    rows = [asdict(step) for step in steps]
    print_table(
        rows if as_json else [{**row, "is_due": _WORDS[row["is_due"]]} for row in rows], title=title, as_json=as_json
    )


def _into_messages(train: Trainer) -> Trainer:
    """The trainer with its tables among the messages, so that stdout has the update's result alone."""

    def run(config: Config) -> Path:
        with redirect_stdout(sys.stderr):
            return train(without_weights(config))

    return run


def without_weights(config: Config) -> Config:
    """The configuration without models to begin with: the one that is about to be trained may not be there yet."""
    surrogate = config.surrogate.model_copy(update={"weights": None})
    generator = config.generator.model_copy(update={"weights": None})
    return config.model_copy(update={"surrogate": surrogate, "generator": generator})


def _tell(step: Step) -> None:
    if step.is_due:
        messages.print(f"{step.name}: {step.why}", markup=False, soft_wrap=True)
