"""From SMILES to four-point results through the store: the bridge between chemistry and execution."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosc.chemistry.identity import parse_smiles
from heliosc.config import Config, ExecutionSettings, QCSettings
from heliosc.errors import InputError
from heliosc.execution import Counts, QCResultStore, TaskRequest, TransportFactory, run_tasks, transport_factory
from heliosc.properties import CalculationFailure, CalculationResult
from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.levels import estimated_core_seconds, level_scheme
from heliosc.qc.resources import Resources, worker_count
from heliosc.qc.results import calculation_result
from heliosc.qc.tasks import task_identity

FOUR_POINT = "heliosc.qc.tasks:four_point"
FOUR_POINT_TIMEOUT_S = 600.0
_MAPPED_MB = 2_000  # of a scheduled task beyond its own memory: the node limits address space, which libraries map


@dataclass(frozen=True, slots=True)
class Submission:
    """Molecules handed to the store: key of each, and those refused before any calculation."""

    keys: dict[str, str]
    refused: list[CalculationFailure]


def n_workers(settings: QCSettings) -> int:
    """Calculations to run at once: as configured, else as many as fit into this machine.

    Raises
    ------
    UsageError : workers times cores exceed the machine, and this is not allowed
    """
    scheme = level_scheme(settings.level if settings.workflow == "four-point" else "gfn2")
    uses_memory = not (scheme.single_points.is_xtb and scheme.geometries.is_xtb)
    return worker_count(Resources(**settings.resources.model_dump()), uses_memory=uses_memory)


def transport_of(config: Config) -> TransportFactory:
    """What runs the calculations.

    Raises
    ------
    UsageError, MissingDependencyError : the configured transport cannot be used
    """
    here = config.execution.transport == "local"  # elsewhere the machine's size is the scheduler's business
    return transport_factory(
        config.execution,
        n_workers=n_workers(config.qc) if here else 1,
        n_threads=config.qc.resources.cores_per_task,
    )


def scheduled_memory_mb(settings: QCSettings) -> int:
    """What a scheduler is asked for a calculation; here it would limit the address space, so nothing is asked."""
    return round(settings.resources.memory_gb * 1000) + _MAPPED_MB


def open_store(settings: ExecutionSettings, default: Path) -> QCResultStore:
    """The configured store, or the one at a default place.

    Raises
    ------
    ResourceError, InputError, MissingDependencyError : see ``QCResultStore``
    """
    return QCResultStore(settings.store or default)


def submit_four_points(store: QCResultStore, smiles: Iterable[str], settings: QCSettings) -> Submission:
    """Ask for a four-point calculation of each molecule; what the store already knows is not asked again.

    Raises
    ------
    InputError : the configured engine is unknown
    """
    geometry_optimizer(settings.engine)
    scheme = level_scheme("gfn2")
    requests, names, refused = [], [], []
    for text in smiles:
        payload = {"smiles": text, "engine": settings.engine, "n_conformers": settings.n_conformers}
        try:
            identity = task_identity(payload)
        except InputError as error:
            refused.append(CalculationFailure(text, error.kind, str(error)))
            continue
        n = n_atoms(text)
        requests.append(
            TaskRequest(
                FOUR_POINT,
                payload,
                identity,
                priority=n,  # the longest first, so that no worker idles beside a last long one
                timeout_s=settings.timeout_s or FOUR_POINT_TIMEOUT_S,
                cost_s=estimated_core_seconds(scheme, n),
            )
        )
        names.append(text)
    keys = store.submit_many(requests).keys
    return Submission(dict(zip(names, keys, strict=True)), refused)


def n_atoms(smiles: str) -> int:
    """Number of atoms of a molecule, hydrogens included."""
    return int(parse_smiles(smiles).GetNumAtoms(onlyExplicit=False))


def run_calculations(
    store: QCResultStore,
    keys: Iterable[str],
    config: Config,
    on_event: Callable[[dict[str, Any]], None] | None = None,
) -> Counts:
    """Run the tasks of these keys where the configuration says until each is finished; see ``run_tasks``."""
    return run_tasks(store, keys, transport=transport_of(config), on_event=on_event, lease_s=config.execution.lease_s)


def wall_time_s(store: QCResultStore, key: str) -> float | None:
    """Wall time of the attempt that gave a task its result, s; ``None`` = not known."""
    return next((attempt.wall_s for attempt in store.attempts(key) if attempt.outcome == "done"), None)


def read_outcome(store: QCResultStore, smiles: str, key: str) -> CalculationResult | CalculationFailure | None:
    """What became of a calculation; None while it is unfinished."""
    state = store.states([key]).get(key)
    if state == "done":
        return calculation_result(store.result(key), wall_time_s=wall_time_s(store, key))
    if state == "cancelled":
        return CalculationFailure(smiles, "cancelled", "cancelled by the user")
    failure = store.failure(key)
    return None if failure is None else CalculationFailure(smiles, failure.error_class, failure.reason)
