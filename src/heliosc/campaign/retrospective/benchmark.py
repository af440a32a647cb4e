"""Arms and seeds replayed one after the other, kept as they finish, so that the same call goes on after a stop."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heliosc.campaign.retrospective.arms import Arm
from heliosc.campaign.retrospective.replay import Task, replay
from heliosc.errors import ParseError
from heliosc.files import write_atomically

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Curve:
    """One replayed campaign.

    Attributes
    ----------
    points : after each batch: the labelled share and what has been found
    cpu_s : CPU seconds of this process
    """

    arm: str
    seed: int
    points: tuple[dict[str, float], ...]
    cpu_s: float


def replay_all(
    task: Task, arms: Sequence[Arm], *, seeds: Sequence[int], file: Path, progress: Progress = lambda _: None
) -> list[Curve]:
    """Replay every arm with every seed, arm by arm; what the file holds already is not done again.

    Raises
    ------
    ParseError : the file is not one of these
    """
    kept = _read(file)
    curves = []
    for arm in arms:
        for seed in seeds:
            key = _key(task, arm, seed)
            if key not in kept:
                progress(f"seed {seed}, {arm.name}")
                started = time.process_time()
                points = replay(task, arm, seed=seed)
                kept[key] = {"points": points, "cpu_s": time.process_time() - started}
                write_atomically(file, json.dumps(kept, indent=1, sort_keys=True) + "\n")
            curves.append(Curve(arm.name, seed, tuple(kept[key]["points"]), kept[key]["cpu_s"]))
    return curves


def summarise(curves: Sequence[Curve], *, at: Sequence[float]) -> list[dict[str, Any]]:
    """One row for each arm: mean and sample standard deviation over seeds of each measure at the labelled shares."""
    rows = []
    for name in dict.fromkeys(curve.arm for curve in curves):
        mine = [curve for curve in curves if curve.arm == name]
        row: dict[str, Any] = {"arm": name, "seeds": len(mine)}
        for share in at:
            points = [_nearest(curve, share) for curve in mine]
            for measure in (key for key in points[0] if key != "labelled"):
                values = np.array([point[measure] for point in points])
                row[f"{measure} at {share:.0%}"] = float(values.mean())
                row[f"+- {measure} {share:.0%}"] = float(values.std(ddof=1)) if len(values) > 1 else None
        rows.append(row | {"cpu_s": float(np.mean([curve.cpu_s for curve in mine]))})
    return rows


def _nearest(curve: Curve, share: float) -> dict[str, float]:
    return min(curve.points, key=lambda point: abs(point["labelled"] - share))


def _key(task: Task, arm: Arm, seed: int) -> str:
    """Readable, and different whenever the outcome may be."""
    described = {
        "pool": task.pool.digest,
        "objectives": [objective.text for objective in task.objectives],
        "windows": {name: [window.lower, window.upper] for name, window in task.windows.items()},
        "exact": sorted(task.exact) if arm.uses_exact else [],
        "derived": {name: list(of) for name, of in task.derived.items()} if arm.uses_derived else {},
        "shares": [task.batch_share, task.labelled_share],
        "arm": arm.settings(),
    }
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:10]
    return f"{arm.name} seed {seed} {digest}"


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        kept = json.loads(file.read_bytes())
        if any(set(entry) != {"points", "cpu_s"} for entry in kept.values()):
            raise ValueError("entries without points and cpu_s")
    except (ValueError, AttributeError, TypeError) as error:
        raise ParseError(f"{file} does not hold replayed campaigns ({error}); move it away or name another") from error
    return kept
