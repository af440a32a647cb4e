"""What of a campaign or a training is tracked: figures of rounds and epochs, settings, identities, pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from heliosc.campaign.diversity import diversity_by_round
from heliosc.campaign.model_identity import ModelIdentity, identify_model
from heliosc.campaign.models import generator_folder, surrogate_folder
from heliosc.campaign.records import CandidateRecord, RoundRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import Config
from heliosc.errors import HelioscError, InputError
from heliosc.files import write_atomically
from heliosc.secrets import without_passwords
from heliosc.tracking import Tracker, open_tracker

TRACKING_FOLDER = "tracking"
_NORMAL_QUANTILES = {50: 0.674490, 80: 1.281552, 90: 1.644854, 95: 1.959964}
_TOLD_ONCE = "round/core_seconds"  # stands in every round that was tracked

_log = logging.getLogger("heliosc.tracking")


@contextmanager
def campaign_tracker(folder: RunFolder, config: Config) -> Iterator[Tracker]:
    """The tracker of a run, told its settings, its models, and the rounds that an earlier process did not get to."""
    with open_tracker(folder.path / TRACKING_FOLDER, config.tracking, name=folder.id, kind="campaign") as tracker:
        tracker.parameters(flat_settings(config.model_dump(mode="json")))
        environment = folder.path / "environment.json"
        tracker.tags({**_environment_tags(environment), **_model_tags(config)})
        _track_settings(tracker, folder.path / TRACKING_FOLDER, config)
        if environment.exists():
            tracker.file(environment, folder="configuration")
        for record in read_history(folder.path):
            if not tracker.has(_TOLD_ONCE, step=record.round):
                track_round(tracker, folder, record.round, known=())
        yield tracker


def track_round(tracker: Tracker, folder: RunFolder, index: int, *, known: Sequence[str]) -> None:
    """Tell everything of a finished round.

    Parameters
    ----------
    known : SMILES known before the first round, for diversity; () = only candidates count as known
    """
    record = next(record for record in read_history(folder.path) if record.round == index)
    rounds: dict[int, list[CandidateRecord]] = {}
    for candidate in read_candidates(folder.path):
        if candidate.round <= index:
            rounds.setdefault(candidate.round, []).append(candidate)
    fresh = rounds.get(index, [])
    diversity = diversity_by_round(rounds, known)[index] if fresh else None
    figures = {
        **round_figures(record),
        **selection_figures(fresh),
        **calibration_figures(fresh),
        **({f"diversity/{name}": value for name, value in asdict(diversity).items()} if diversity else {}),
    }
    tracker.metrics(figures, step=index)
    place = folder.round(index)
    models = [identity for part in ("surrogate", "generator") if (identity := _identity(place / part))]
    tracker.tags({f"round {index} {model.kind}": model.model_id for model in models})
    for picture in sorted((place / "diagnostics").glob("*.png")):
        tracker.image(picture, name=picture.stem, step=index)
    for name in ("candidates.jsonl", "proposals.csv"):
        if (place / name).exists():
            tracker.file(place / name, folder=f"rounds/{index:03d}", step=index)


def round_figures(record: RoundRecord) -> dict[str, float]:
    """Name -> figure of what the campaign's history says of a round."""
    parts: dict[str, Mapping[str, float]] = {
        "funnel": record.funnel,
        "timing_s": record.timing_s,
        "hypervolume": record.hypervolume,
        "hypervolume_random": record.hypervolume_random,
        "front_share": record.front_share,
        "window_share": {role: _share(shares["candidates"]) for role, shares in record.window_share.items()},
        "window_share_library": {role: _share(shares["library"]) for role, shares in record.window_share.items()},
    }
    figures = {f"{part}/{name}": float(value) for part, values in parts.items() for name, value in values.items()}
    for key, errors in record.surrogate_error.items():
        figures |= {f"surrogate_error/{key}/{name}": float(value) for name, value in errors.items()}
    return {**figures, _TOLD_ONCE: record.core_seconds}


def selection_figures(fresh: Sequence[CandidateRecord]) -> dict[str, float]:
    """Acquisition scores by role, the doubt of what was chosen, and how much of it is unlike the training data."""
    figures: dict[str, float] = {}
    for role in sorted({record.role for record in fresh}):
        scores = [record.score for record in fresh if record.role == role]
        figures |= _spread(f"acquisition/{role}/score", scores)
    for key in sorted({key for record in fresh for key in record.predicted}):
        predictions = [record.predicted[key] for record in fresh if key in record.predicted]
        for part in ("epistemic_std", "aleatoric_std"):
            figures[f"acquisition/{key}/{part}"] = float(np.mean([getattr(p, part) for p in predictions]))
    distances = [record.domain_distance for record in fresh if record.domain_distance is not None]
    if distances:
        figures |= _spread("acquisition/domain_distance", distances)
        figures["acquisition/outside_domain"] = float(np.mean(np.array(distances) > 1))
    return figures


def calibration_figures(fresh: Sequence[CandidateRecord]) -> dict[str, float]:
    """Of each property: share of fresh values inside central intervals, and RMS of standardised errors (1 = right)."""
    figures: dict[str, float] = {}
    for key in sorted({key for record in fresh for key in record.predicted if key in record.computed}):
        pairs = [(r.computed[key], r.predicted[key]) for r in fresh if key in r.computed and key in r.predicted]
        scores = np.array([(value - p.mean) / p.std for value, p in pairs if p.std > 0])
        if len(scores):
            figures[f"calibration/{key}/z_rms"] = float(np.sqrt((scores**2).mean()))
            for percent, quantile in _NORMAL_QUANTILES.items():
                figures[f"calibration/{key}/inside_{percent}"] = float((np.abs(scores) <= quantile).mean())
    return figures


def epoch_listener(tracker: Tracker, part: str, *, first_step: int = 0) -> Callable[[Any], None]:
    """A listener of trainings that tracks every figure of an epoch, of an ensemble member by member.

    Parameters
    ----------
    part : what is trained, the beginning of the names
    first_step : added to the epoch, for what is trained again and again
    """

    def hear(report: Any) -> None:
        fields = asdict(report)
        step = first_step + int(fields.pop("epoch"))
        del fields["n_epochs"]
        member = fields.pop("member", None)
        prefix = part if member is None else f"{part}/member {member}"
        tracker.metrics({f"{prefix}/{name}": value for name, value in fields.items()}, step=step)

    return hear


@contextmanager
def training_tracker(out: Path, config: Config, *, kind: str) -> Iterator[Tracker]:
    """The tracker of a training, with its journal in ``OUT.tracking/``; a training that resumes goes on in it."""
    folder = out.with_name(f"{out.name}.tracking") / config.digest()
    with open_tracker(folder, config.tracking, name=f"{out.name}-{config.digest()}", kind=kind) as tracker:
        tracker.parameters(flat_settings(config.model_dump(mode="json", include={"seed", kind})))
        _track_settings(tracker, folder, config)
        yield tracker


def track_model(tracker: Tracker, folder: Path, metrics: Mapping[str, Any], *, step: int) -> None:
    """Tell who a trained model is and how well it did on what was held out."""
    tracker.metrics({f"held out/{name}": value for name, value in flat_numbers(metrics)}, step=step)
    identity = _identity(folder)
    if identity is not None:
        known = {name: value for name, value in asdict(identity).items() if value is not None}
        tracker.tags({f"model.{name}": value for name, value in known.items()})
    for file in sorted(folder.glob("*.json")):
        tracker.file(file, folder="model")


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted key -> value as text, of nested settings; addresses go without passwords."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flat_settings(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = without_passwords(
                json.dumps(value) if isinstance(value, list | dict) else str(value)
            )
    return flat


def flat_numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(path, number) of every number in nested figures; texts and lists are no figures."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat_numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _track_settings(tracker: Tracker, folder: Path, config: Config) -> None:
    """Keep the resolved configuration beside the journal, without passwords since it is sent away."""
    try:
        write_atomically(folder / "config.yaml", without_passwords(config.to_yaml()))
    except HelioscError as error:
        _log.warning("tracking: the settings are not kept (%s)", error)
        return
    tracker.file(folder / "config.yaml", folder="configuration")


def _model_tags(config: Config) -> dict[str, str]:
    folders = {
        "surrogate": surrogate_folder(config.surrogate.weights),
        "generator": generator_folder(config.generator.weights),
    }
    tags = {}
    for part, folder in folders.items():
        identity = _identity(folder)
        if identity is not None:
            tags[f"start.{part}"] = identity.model_id
            if identity.data_hash is not None:
                tags[f"start.{part}.data"] = identity.data_hash
    return tags


def _environment_tags(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    environment = json.loads(file.read_text(encoding="utf-8"))
    tags = {f"version.{name}": version for name, version in environment.get("packages", {}).items()}
    return tags | {f"sha256.{name}": digest for name, digest in environment.get("weights", {}).items()}


def _identity(folder: Path) -> ModelIdentity | None:
    """Identity of a model; None where a round has none, or one that says nothing of itself."""
    try:
        return replace(identify_model(folder), kind=folder.name) if folder.is_dir() else None
    except InputError:
        return None


def _share(counts: Sequence[float]) -> float:
    met, judged = counts
    return met / judged if judged else float("nan")


def _spread(name: str, values: Iterable[float]) -> dict[str, float]:
    numbers = np.array(list(values), dtype=float)
    return {
        f"{name}_mean": float(numbers.mean()),
        f"{name}_min": float(numbers.min()),
        f"{name}_max": float(numbers.max()),
    }
