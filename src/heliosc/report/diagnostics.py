"""Diagnostic plots of one round, as PNG in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from heliosc.campaign.diversity import diversity_by_round
from heliosc.campaign.pool_file import POOL_FILE, read_judged
from heliosc.campaign.records import CandidateRecord, RoundRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder
from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.handoff.archive import safe_name
from heliosc.properties import PropertyTable
from heliosc.report import figures
from heliosc.report.chemical_space import diversity_figure, map_figure
from heliosc.report.energy_map import IE_EA
from heliosc.report.illustrations import (
    MIN_CALIBRATION,
    draw_front,
    predicted_keys,
    predictions_and_values,
    standardised_errors,
)
from heliosc.report.pictures import figure_png
from heliosc.selection.roles import Role, load_roles

FloatArray = NDArray[np.float64]


def write_round_diagnostics(run_folder: Path, round_index: int, *, library: PropertyTable | None = None) -> list[Path]:
    """Draw a round into ``rounds/NNN/diagnostics/`` and return the files.

    ``landscape.png`` (where the selection was predicted, among what was known), ``acquisition_<role>.png`` (all
    proposals in the plane of two objectives, by rank), ``pareto_<role>.png``,
    ``parity_<property>_<level>.png`` and ``calibration.png`` of this round's fresh values, ``hypervolume_<role>.png``
    and ``front_share.png`` of the rounds so far, ``diversity.png`` and ``chemical_space.png`` of their molecules; each
    only when there is something to show.

    Parameters
    ----------
    library : computed values of the embedded library

    Raises
    ------
    InputError : this is no run folder, or it has no such round
    ResourceError : the folder cannot be written
    """
    run = RunFolder(run_folder)
    roles = load_roles(run.read_config().selection.role_file)
    candidates = [candidate for candidate in read_candidates(run_folder) if candidate.round <= round_index]
    fresh = [candidate for candidate in candidates if candidate.round == round_index]
    if not fresh:
        raise InputError(f"{run_folder} has no candidates of round {round_index}; it has not come that far")
    drawn = {
        **_landscape(candidates, fresh, library=library),
        **_acquisition(run.round(round_index) / POOL_FILE, [roles[name] for name in _roles_of(fresh) if name in roles]),
        **_fronts(candidates, roles={name: roles.get(name) for name in _roles_of(fresh)}, library=library),
        **_predictions(fresh),
        **_progress(read_history(run_folder)[: round_index + 1]),
        **_chemical_space(candidates, known=() if library is None else library.smiles),
    }
    folder = run.round(round_index) / "diagnostics"
    files = [folder / f"{safe_name(name)}.png" for name in drawn]
    for file, figure in zip(files, drawn.values(), strict=True):
        write_atomically(file, figure_png(figure))
    return files


def _roles_of(candidates: Sequence[CandidateRecord]) -> list[str]:
    return list(dict.fromkeys(candidate.role for candidate in candidates))


def _acquisition(pool_file: Path, roles: Sequence[Role]) -> dict[str, Figure]:
    """In the plane of the first two properties that a role needs of the model."""
    drawn = {}
    for role in roles:
        keys = [key for key in dict.fromkeys([*(o.key for o in role.objectives), *role.keys]) if key in set(role.keys)]
        predicted = [key for key in keys if key.level != "structure"][:2]
        pool = read_judged(pool_file, role.name, predicted) if len(predicted) == 2 else None
        if pool is not None and len(pool.scores):
            drawn[f"acquisition_{role.name}"] = figures.acquisition_figure(
                (predicted[0], predicted[1]), means=pool.means, scores=pool.scores, is_chosen=pool.is_chosen
            )
    return drawn


def _landscape(
    candidates: Sequence[CandidateRecord], fresh: Sequence[CandidateRecord], *, library: PropertyTable | None
) -> dict[str, Figure]:
    names = [str(key) for key in IE_EA]
    selected = [candidate for candidate in fresh if all(name in candidate.predicted for name in names)]
    if not selected:
        return {}
    earlier = [c for c in candidates if c.round < fresh[0].round and all(name in c.computed for name in names)]
    known = np.array([[c.computed[name] for name in names] for c in earlier]).reshape(-1, 2)
    if library is not None and all(key in library.keys for key in IE_EA):
        values = np.column_stack([library.column(key) for key in IE_EA])
        known = np.vstack([known, values[np.isfinite(values).all(axis=1)]])
    predicted = [[c.predicted[name] for name in names] for c in selected]
    points = np.array([[*(p.mean for p in pair), *(p.std for p in pair)] for pair in predicted])
    scores = np.array([candidate.score for candidate in selected])
    return {"landscape": figures.landscape_figure(IE_EA, known=known, selected=points, scores=scores)}


def _fronts(
    candidates: Sequence[CandidateRecord], *, roles: Mapping[str, Role | None], library: PropertyTable | None
) -> dict[str, Figure]:
    drawn = {}
    for name, role in roles.items():
        mine = [candidate for candidate in candidates if candidate.role == name]
        front = draw_front(role, mine, library=library) if role else None
        if front is not None:
            drawn[f"pareto_{name}"] = front.figure
    return drawn


def _predictions(fresh: Sequence[CandidateRecord]) -> dict[str, Figure]:
    drawn = {}
    for key in predicted_keys(fresh):
        (computed, mean, std), rounds = predictions_and_values(fresh, key)
        drawn[f"parity_{key.name}_{key.level.replace('//', '-')}"] = figures.parity_figure(
            key, computed=computed, predicted=mean, std=std, rounds=rounds
        )
    standardised = standardised_errors(fresh)
    if max((len(values) for values in standardised.values()), default=0) >= MIN_CALIBRATION:
        drawn["calibration"] = figures.calibration_figure(standardised)
    return drawn


def _progress(history: Sequence[RoundRecord]) -> dict[str, Figure]:
    if not history:
        return {}
    drawn = {
        f"hypervolume_{role}": figures.hypervolume_figure(
            rounds=[record.round for record in history],
            candidates=[record.hypervolume[role] for record in history],
            random=[record.hypervolume_random[role] for record in history],
        )
        for role in history[-1].hypervolume
    }
    shares = {role: [record.front_share.get(role, np.nan) for record in history] for role in history[-1].front_share}
    return {**drawn, "front_share": figures.front_share_figure(shares)} if shares else drawn


def _chemical_space(candidates: Sequence[CandidateRecord], *, known: Sequence[str]) -> dict[str, Figure]:
    rounds: dict[int, list[CandidateRecord]] = {}
    for candidate in candidates:
        rounds.setdefault(candidate.round, []).append(candidate)
    return {
        "diversity": diversity_figure(diversity_by_round(rounds, known)),
        "chemical_space": map_figure(rounds, known),
    }
