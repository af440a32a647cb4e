"""Calculations at any level, by any program, through the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heliosc.campaign.calculations import Submission, n_atoms, scheduled_memory_mb, submit_four_points
from heliosc.campaign.condensed import FOUR_POINT_WORKFLOW, submit_condensed
from heliosc.config import QCSettings
from heliosc.errors import InputError, MissingDependencyError, UsageError
from heliosc.execution import QCResultStore, TaskRequest
from heliosc.properties import CalculationFailure
from heliosc.qc.levels import Scheme, estimated_core_seconds, level_scheme
from heliosc.qc.tasks import workflow_identity
from heliosc.qc.workflow import side_executors

WORKFLOW = "heliosc.qc.tasks:workflow"
XTB_TIMEOUT_S, DFT_TIMEOUT_S = 600.0, 172_800.0


def submit_calculations(
    store: QCResultStore, smiles: Iterable[str], settings: QCSettings, *, asks_memory: bool = False
) -> Submission:
    """Ask for a calculation of each molecule at the configured level; what the store already knows is not asked again.

    Plain GFN2-xTB (with its IPEA1 ionisation energies) is the four-point task that campaigns run, so both share
    their results.

    Parameters
    ----------
    asks_memory : for schedulers, which must be told; on this machine it would limit the address space, of which
        programs map far more than they use

    Raises
    ------
    InputError, UsageError : the level, program or keywords cannot be used
    MissingDependencyError : the program is not here, and nothing may stand in for it
    """
    if settings.workflow != FOUR_POINT_WORKFLOW:
        return submit_condensed(store, smiles, settings, asks_memory=asks_memory)
    molecules, polymers = _parted(smiles)
    submission = _submit_molecules(store, molecules, settings, asks_memory=asks_memory)
    return Submission(submission.keys, [*submission.refused, *map(_refused_polymer, polymers)])


def _parted(smiles: Iterable[str]) -> tuple[list[str], list[str]]:
    """Molecules, and what has attachment points."""
    texts = list(smiles)
    return [text for text in texts if "*" not in text], [text for text in texts if "*" in text]


def _refused_polymer(smiles: str) -> CalculationFailure:
    reason = (
        f"{smiles[:80]!r} has open attachment points [*] and is no molecule; compute a polymer's repeat unit with "
        "--workflow polymer, and graft side chains on marked sites [*:1] with `heliosc data graft`"
    )
    return CalculationFailure(smiles, InputError.kind, reason)


def _submit_molecules(
    store: QCResultStore, smiles: list[str], settings: QCSettings, *, asks_memory: bool
) -> Submission:
    scheme = level_scheme(settings.level)
    if is_four_point(scheme, settings):
        return submit_four_points(store, smiles, settings)
    check_program(scheme, settings)
    requests, names, refused = [], [], []
    for text in smiles:
        payload = workflow_payload(text, settings)
        try:
            identity = workflow_identity(payload)
        except InputError as error:
            refused.append(CalculationFailure(text, error.kind, str(error)))
            continue
        requests.append(
            TaskRequest(
                WORKFLOW,
                payload,
                identity,
                priority=n_atoms(text),  # the longest first
                timeout_s=payload["timeout_s"],
                cores=settings.resources.cores_per_task,
                memory_mb=scheduled_memory_mb(settings) if asks_memory else None,
                cost_s=estimated_core_seconds(scheme, n_atoms(text), response=settings.response),
            )
        )
        names.append(text)
    keys = store.submit_many(requests).keys
    return Submission(dict(zip(names, keys, strict=True)), refused)


def is_four_point(scheme: Scheme, settings: QCSettings) -> bool:
    """Whether the embedded four-point task gives all that is asked."""
    plain = settings.program in ("auto", "tblite") and settings.n_optimized == 1 and "harmonic" not in settings.response
    return scheme.is_embedded and plain and not settings.keywords


def check_campaign_level(settings: QCSettings) -> None:
    """Refuse a level that a campaign would not compute: its models and objectives are those of GFN2-xTB.

    Raises
    ------
    UsageError : another level, program or keyword
    """
    if settings.workflow != FOUR_POINT_WORKFLOW:
        raise UsageError(
            f"campaigns compute four-point sets, got workflow {settings.workflow}; compute their best that way with "
            "`heliosc qc run`"
        )
    if not is_four_point(level_scheme(settings.level), settings):
        raise UsageError(
            f"campaigns compute at level gfn2 with the embedded engine, got level {settings.level}, program "
            f"{settings.program}; compute their best at that level with `heliosc qc run`"
        )


def workflow_payload(smiles: str, settings: QCSettings) -> dict[str, Any]:
    """What the workflow task is given."""
    scheme = level_scheme(settings.level)
    is_cheap = scheme.single_points.is_xtb and scheme.geometries.is_xtb
    return {
        "smiles": smiles,
        "level": settings.level,
        "program": settings.program,
        "response": list(settings.response),
        "keywords": list(settings.keywords),
        "fallback": settings.fallback,
        "n_conformers": settings.n_conformers,
        "n_optimized": settings.n_optimized,
        "n_cores": settings.resources.cores_per_task,
        "memory_gb": settings.resources.memory_gb,
        "timeout_s": settings.timeout_s or (XTB_TIMEOUT_S if is_cheap else DFT_TIMEOUT_S),
    }


def check_program(scheme: Scheme, settings: QCSettings) -> None:
    """Refuse, once for all molecules, what cannot run here.

    Raises
    ------
    InputError : a method, solvent model or keyword that the program does not have
    MissingDependencyError : the program is not here, and nothing may stand in for it
    """
    sides = side_executors(scheme, settings.program, keywords=tuple(settings.keywords))
    for program in sides.values():
        if settings.fallback == "none" and not program.found():
            raise MissingDependencyError(
                f"program {program.name} is not here: {program.install_hint}; or allow GFN2-xTB in its place with "
                "qc.fallback=gfn2"
            )
