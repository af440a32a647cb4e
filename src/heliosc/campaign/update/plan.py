"""What an update would do, and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from heliosc.campaign.manifest import file_hash
from heliosc.campaign.update.gathering import Results
from heliosc.campaign.update.stages import FETCHED_FILE
from heliosc.campaign.update.state import UpdateState
from heliosc.config import Config
from heliosc.datasets.frames import pl
from heliosc.datasets.prepare import NORMALISATION_FILE, POOL_FILE, SEED_FILE, SIDES, SPLIT_FILE
from heliosc.secrets import without_passwords

StepName = Literal["merge", "split", "surrogate", "generator"]
Model = Literal["surrogate", "generator"]

MODELS: tuple[Model, ...] = ("surrogate", "generator")
_TRAINING_ONLY = {
    "surrogate": ("target_columns", "target_weights", "delta_level", "n_members", "epochs", "network"),
    "generator": ("epochs", "property_weights", "free_bits", "practice", "network"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an update.

    Attributes
    ----------
    is_due : None = depends on what the steps before it bring
    """

    name: StepName
    is_due: bool | None
    why: str


def merge_step(config: Config, state: UpdateState, found: Sequence[Results]) -> Step:
    """Whether the master table lacks results, or was made from other sources."""
    if not config.data.table.exists() or not config.data.store.exists():
        return Step("merge", True, f"there is no master table {config.data.table}")
    news = [
        f"{results.n - state.counts.get(results.name, 0)} new of {results.n} in {without_passwords(results.place)}"
        for results in found
        if state.results.get(results.name) != results.fingerprint
    ]
    if news:
        return Step("merge", True, "; ".join(news))
    if state.merged != merge_fingerprint(config, found):
        return Step("merge", True, "sources, column maps or their files are others than at the last merge")
    return Step("merge", False, "nothing new has been computed or measured")


def split_step(config: Config, state: UpdateState) -> Step:
    """Whether seed, pool and the sides of the split belong to another table."""
    names = (*(f"{side}.csv" for side in SIDES), SPLIT_FILE, NORMALISATION_FILE, SEED_FILE, POOL_FILE)
    missing = [name for name in names if not (config.data.prepared / name).exists()]
    if missing:
        return Step("split", True, f"{config.data.prepared} lacks {', '.join(missing)}")
    if state.split != split_fingerprint(config):
        return Step("split", True, "the master table or the settings of the split have changed")
    return Step("split", False, "seed and pool belong to the master table as it is")


def model_step(name: Model, config: Config, state: UpdateState) -> Step:
    """Whether a model is stale."""
    settings = config.surrogate if name == "surrogate" else config.generator
    if settings.data is None:
        return Step(name, False, f"{name}.data is null: it learns from the embedded library, which does not change")
    if not settings.data.exists():
        return Step(name, False, f"{settings.data} ({name}.data) does not exist")
    if not settings.out.is_dir():
        return Step(name, True, f"there is no model {settings.out}")
    if name not in state.models:
        return Step(name, True, "no update has trained it, so that it is not known what it learnt from")
    if state.models[name] == model_fingerprint(name, config):
        return Step(name, False, "it has learnt from this table with these settings")
    before, now = state.models[name].partition("-"), model_fingerprint(name, config).partition("-")
    if before[0] != now[0]:
        return Step(name, True, "its settings have changed")
    then, n_now = state.trained_on.get(name, 0), n_rows(settings.data)
    if 0 < n_now - then < config.data.retrain_after:
        return Step(name, False, f"{n_now - then} new molecules; data.retrain_after is {config.data.retrain_after}")
    return Step(name, True, f"{settings.data} has changed: {then} molecules then, {n_now} now")


def plan(config: Config, state: UpdateState, found: Sequence[Results]) -> list[Step]:
    """Every step with its reason; what depends on a step that is due is not decided yet."""
    first = merge_step(config, state, found)
    then = split_step(config, state)
    if first.is_due and not then.is_due:
        then = Step("split", None, "depends on whether the merge changes the master table")
    steps = [first, then]
    for name in MODELS:
        step = model_step(name, config, state)
        data = (config.surrogate if name == "surrogate" else config.generator).data
        if data is not None and not step.is_due and then.is_due is not False:
            step = Step(name, None, f"depends on whether {data} changes")
        steps.append(step)
    return steps


def merge_fingerprint(config: Config, found: Sequence[Results]) -> str:
    """Of everything that a merge reads."""
    data = config.data
    files = [data.downloads / FETCHED_FILE, *data.maps]
    return _digest(
        {
            "sources": data.sources,
            "results": {results.name: results.fingerprint for results in found},
            "files": {str(file): file_hash(file) for file in files if file.exists()},
        }
    )


def split_fingerprint(config: Config) -> str:
    """Of everything that a split reads."""
    data = config.data
    return _digest({"table": file_hash(data.table), "how": [data.split, data.targets, data.seed_size, config.seed]})


def model_fingerprint(name: Model, config: Config) -> str:
    """``SETTINGS-DATA``: of what decides a model but the machine it is trained on."""
    settings = config.surrogate if name == "surrogate" else config.generator
    document = settings.model_dump(mode="json", include=set(_TRAINING_ONLY[name]))
    targets = config.surrogate.target_columns if name == "surrogate" else ()
    data = "" if settings.data is None else _learnt_hash(settings.data, targets)
    return f"{_digest({**document, 'seed': config.seed})}-{data[:16]}"


def _learnt_hash(table: Path, targets: Sequence[str]) -> str:
    """Hash of what a model learns from: the rows and columns of its targets, or the whole file without any named."""
    header = pl.scan_csv(table).collect_schema().names() if targets else []
    if not targets or not set(targets) <= set(header):
        return file_hash(table)
    learnt = pl.read_csv(table, columns=["smiles", *targets], schema_overrides={"smiles": pl.String})
    known = learnt.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in targets))
    return hashlib.sha256(known.write_csv().encode()).hexdigest()


def n_rows(table: Path) -> int:
    """Molecules of a CSV with a header."""
    with table.open("rb") as stream:
        return max(0, sum(1 for _ in stream) - 1)


def _digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()[:16]
