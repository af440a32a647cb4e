"""Stacked dimers, clusters, polymers and bulk densities through the store, beside the four-point calculations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heliosc.campaign.calculations import Submission, n_atoms, scheduled_memory_mb
from heliosc.config import QCSettings
from heliosc.errors import InputError, MissingDependencyError, UsageError
from heliosc.execution import QCResultStore, TaskRequest
from heliosc.properties import CalculationFailure
from heliosc.qc.condensed.workflows import calculation_identity, condensed_workflow, programs_of

FOUR_POINT_WORKFLOW = "four-point"
_CHOSEN_BY = {
    "cluster": ("n_molecules", "time_ps", "temperature_K"),
    "polymer": ("longest_oligomer",),
    "density": ("n_molecules", "time_ps"),
}
"""Workflow -> its settings in ``qc.condensed``, beyond the seed."""
_PAYLOAD_NAMES = {"longest_oligomer": "longest"}
_CONFORMERS = ("stacking", "cluster")
_EVALUATIONS = {"stacking": 200.0, "cluster": 60.0, "polymer": 600.0, "density": 20_000.0}


def submit_condensed(
    store: QCResultStore, smiles: Iterable[str], settings: QCSettings, *, asks_memory: bool = False
) -> Submission:
    """Ask for the configured workflow of each substance; what the store already knows is not asked again.

    Parameters
    ----------
    asks_memory : for schedulers, which must be told

    Raises
    ------
    UsageError : a level, program, keyword, fallback or setting that the workflow does not have
    MissingDependencyError : a program that it needs is not here
    """
    workflow, level = condensed_workflow(settings.workflow), condensed_level(settings)
    _check_settings(settings)
    for name, program in programs_of(level).items():
        if not program.found():
            raise MissingDependencyError(
                f"workflow {settings.workflow} at level {level} needs {name}: {program.install_hint}"
            )
    requests, names, refused = [], [], []
    for text in smiles:
        payload = condensed_payload(text, settings)
        try:
            identity = calculation_identity(settings.workflow, payload)
        except InputError as error:
            refused.append(CalculationFailure(text, error.kind, str(error)))
            continue
        size = n_atoms(text)
        requests.append(
            TaskRequest(
                workflow.task,
                payload,
                identity,
                priority=size,  # the longest first
                timeout_s=settings.timeout_s or workflow.timeout_s,
                cores=settings.resources.cores_per_task,
                memory_mb=scheduled_memory_mb(settings) if asks_memory else None,
                cost_s=_EVALUATIONS[settings.workflow] * 0.02 * (size / 20) ** 2,
            )
        )
        names.append(text)
    keys = store.submit_many(requests).keys
    return Submission(dict(zip(names, keys, strict=True)), refused)


def condensed_level(settings: QCSettings) -> str:
    """Level at which the configured workflow computes: the one asked for, else its own.

    Raises
    ------
    UsageError : a level that it does not have
    """
    levels = condensed_workflow(settings.workflow).levels
    if "level" not in settings.model_fields_set:
        return levels[0]
    if settings.level not in levels:
        raise UsageError(
            f"workflow {settings.workflow} computes at level {' or '.join(levels)}, got {settings.level}; give one of "
            "these, or leave qc.level out"
        )
    return settings.level


def condensed_payload(smiles: str, settings: QCSettings) -> dict[str, Any]:
    """What the task is given; settings that were not chosen are left to it."""
    payload: dict[str, Any] = {"smiles": smiles, "level": condensed_level(settings), "seed": settings.condensed.seed}
    for name in _CHOSEN_BY.get(settings.workflow, ()):
        value = getattr(settings.condensed, name)
        if value is not None:
            payload[_PAYLOAD_NAMES.get(name, name)] = value
    if settings.workflow in _CONFORMERS:
        payload["n_conformers"] = settings.n_conformers
    if settings.workflow == "density":
        payload["n_cores"] = settings.resources.cores_per_task
        payload["timeout_s"] = settings.timeout_s or condensed_workflow(settings.workflow).timeout_s
    return payload


def _check_settings(settings: QCSettings) -> None:
    known = {"seed", *_CHOSEN_BY.get(settings.workflow, ())}
    foreign = sorted(settings.condensed.model_fields_set - known)
    if foreign:
        raise UsageError(
            f"workflow {settings.workflow} has no setting {', '.join(foreign)}; it has: {', '.join(sorted(known))}"
        )
    asked = {
        "program": settings.program != "auto",
        "keywords": settings.keywords,
        "fallback": settings.fallback != "none",
    }
    given = [f"qc.{name}" for name, is_given in asked.items() if is_given]
    if given:
        raise UsageError(
            f"{', '.join(given)} cannot be chosen in workflow {settings.workflow}: its level names its programs, and "
            "nothing stands in for them; leave it out"
        )
