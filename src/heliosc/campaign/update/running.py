"""The update: merge what is new, refresh split, seed and pool, retrain what is stale, and keep how it was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from heliosc.campaign.manifest import write_manifest
from heliosc.campaign.update.gathering import Results, as_sources, find_results
from heliosc.campaign.update.plan import (
    MODELS,
    Model,
    Step,
    merge_fingerprint,
    merge_step,
    model_fingerprint,
    model_step,
    n_rows,
    plan,
    split_fingerprint,
    split_step,
)
from heliosc.campaign.update.stages import fetch_sources, merge_sources, split_table
from heliosc.campaign.update.state import UpdateState, read_state, state_folder, update_lock, write_state
from heliosc.config import Config
from heliosc.files import write_atomically
from heliosc.secrets import without_passwords

ARCHIVE_FOLDER = "archive"

Trainer = Callable[[Config], Path]


def plan_update(config: Config) -> list[Step]:
    """What ``run_update`` would do now; nothing is written.

    Raises
    ------
    InputError, ResourceError, ParseError : a store, a run or the state cannot be read
    """
    return plan(config, read_state(config), find_results(config))


def run_update(
    config: Config, trainers: Mapping[Model, Trainer], *, tell: Callable[[Step], None] = lambda step: None
) -> list[Step]:
    """Bring table, split and models up to date; returns every step, done or not needed.

    Each step is noted when it is complete, so that an update which was killed goes on with the same call, and a second
    call in a row does nothing.

    Parameters
    ----------
    trainers : model -> what trains and saves it as configured
    tell : hears of each step before it is done

    Raises
    ------
    TransientError : another update is at work
    HelioscError : see ``merge``, ``prepare`` and the trainers
    """
    with update_lock(config):
        state = read_state(config)
        found = find_results(config)
        steps: list[Step] = []
        place = _archive_place(config)
        for decide, act in _steps(config, found, trainers):
            step = decide(state)
            tell(step)
            if step.is_due:
                state = act(state)
                write_state(config, state)
            steps.append(step)
            if any(done.is_due for done in steps):
                _archive(place, config, steps)  # after every step: what a killed update did is known too
        return steps


def _steps(
    config: Config, found: list[Results], trainers: Mapping[Model, Trainer]
) -> list[tuple[Callable[[UpdateState], Step], Callable[[UpdateState], UpdateState]]]:
    """What decides on each step, and what does it."""

    def merge(state: UpdateState) -> UpdateState:
        fetch_sources(config.data)
        merge_sources(config.data, more=as_sources(found, config))
        write_manifest(config.data.store)
        return replace(
            state,
            results={results.name: results.fingerprint for results in found},
            counts={results.name: results.n for results in found},
            merged=merge_fingerprint(config, found),
        )

    def split(state: UpdateState) -> UpdateState:
        split_table(config)
        write_manifest(config.data.prepared)
        return replace(state, split=split_fingerprint(config))

    def decide_model(name: Model) -> Callable[[UpdateState], Step]:
        return lambda state: model_step(name, config, state)

    def train(name: Model) -> Callable[[UpdateState], UpdateState]:
        def act(state: UpdateState) -> UpdateState:
            data = config.surrogate.data if name == "surrogate" else config.generator.data
            learns_from = model_fingerprint(name, config), 0 if data is None else n_rows(data)  # before it takes hours
            trainers[name](config)
            fingerprint, n_molecules = learns_from
            return replace(
                state,
                models={**state.models, name: fingerprint},
                trained_on={**state.trained_on, name: n_molecules},
            )

        return act

    models = [(decide_model(name), train(name)) for name in MODELS]
    return [
        (lambda state: merge_step(config, state, found), merge),
        (lambda state: split_step(config, state), split),
        *models,
    ]


def _archive_place(config: Config) -> Path:
    return state_folder(config) / ARCHIVE_FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{config.digest()}"


def _archive(folder: Path, config: Config, steps: list[Step]) -> None:
    """Keep the resolved configuration of an update that does something, with what it did so far and why."""
    now = datetime.now(UTC)
    write_atomically(folder / "config.yaml", without_passwords(config.to_yaml()))
    document = {"when": now.isoformat(timespec="seconds"), "steps": [asdict(step) for step in steps]}
    write_atomically(folder / "steps.json", json.dumps(document, indent=1) + "\n")
