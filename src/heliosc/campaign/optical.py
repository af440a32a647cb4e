"""The optical gap of the candidates that leave: S1, T1 and oscillator strength on their stored geometries.

The orbital gap of GFN2-xTB is no optical gap, so a promoted candidate has its excited states computed by TDDFT in the
Tamm-Dancoff approximation, once, in the run's own store. ``optical.json`` of the run folder says which task is whose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heliosc.campaign.calculations import n_atoms, run_calculations, scheduled_memory_mb
from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.workflows import DFT_TIMEOUT_S, check_program
from heliosc.config import Config
from heliosc.errors import ParseError, UsageError
from heliosc.execution import QCResultStore, TaskRequest
from heliosc.files import write_atomically
from heliosc.qc.excited_states import excited_states_identity
from heliosc.qc.levels import estimated_core_seconds, level_scheme
from heliosc.qc.results import calculation_result

EXCITED_STATES = "heliosc.qc.excited_states:excited_states"
OPTICAL_FILE = "optical.json"
NOT_COMPUTED = "not computed; `heliosc handoff --optical dft-fast` computes it"


def compute_optical(
    run_folder: Path,
    candidates: Sequence[CandidateRecord],
    store: QCResultStore,
    config: Config,
    *,
    level: str,
    on_event: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Compute the excited states of candidates that have a geometry; what the store knows is not computed again.

    A failed calculation ends nothing: the candidate leaves with the reason instead of the value.

    Raises
    ------
    UsageError : the level is one of xTB, which has no excited states
    InputError, MissingDependencyError : the level or its program cannot be used here
    """
    scheme = level_scheme(level)
    if scheme.single_points.is_xtb:
        raise UsageError(f"level {level} has no excited states; name a DFT level, for instance dft-fast")
    settings = config.qc.model_copy(update={"level": level})
    check_program(scheme, settings)
    is_scheduled = config.execution.transport != "local"
    requests = []
    for candidate in candidates:
        payload = {
            "smiles": candidate.smiles,
            "geometry": store.result(candidate.calculation_key)["geometries"]["neutral"],
            "level": level,
            "program": settings.program,
            "n_cores": settings.resources.cores_per_task,
            "memory_gb": settings.resources.memory_gb,
            "timeout_s": settings.timeout_s or DFT_TIMEOUT_S,
        }
        size = n_atoms(candidate.smiles)
        requests.append(
            TaskRequest(
                EXCITED_STATES,
                payload,
                excited_states_identity(payload),
                priority=size,  # the longest first
                timeout_s=payload["timeout_s"],
                cores=settings.resources.cores_per_task,
                memory_mb=scheduled_memory_mb(settings) if is_scheduled else None,
                cost_s=estimated_core_seconds(scheme, size, response=("excitations",)),
            )
        )
    keys = store.submit_many(requests).keys
    known = read_optical_keys(run_folder)
    asked = {candidate.id: key for candidate, key in zip(candidates, keys, strict=True)}
    write_atomically(run_folder / OPTICAL_FILE, json.dumps(known | asked, indent=1, sort_keys=True) + "\n")
    run_calculations(store, keys, config.model_copy(update={"qc": settings}), on_event)


def read_optical_keys(run_folder: Path) -> dict[str, str]:
    """Candidate id -> key of its excited states in the store; empty when none were asked for.

    Raises
    ------
    ParseError : the file is damaged
    """
    path = run_folder / OPTICAL_FILE
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
    except ValueError as error:
        raise ParseError(f"{path} is damaged ({error}); remove it and run `heliosc handoff --optical` again") from error
    if not isinstance(known, dict):
        raise ParseError(f"{path} holds no keys; remove it and run `heliosc handoff --optical` again")
    return known


def with_optical(result: Mapping[str, Any], store: QCResultStore, key: str | None) -> dict[str, Any]:
    """A four-point result with the excited states beside its values, or with the reason why there are none.

    Parameters
    ----------
    key : of the excited states; None = never asked for
    """
    if key is None:
        return {**result, "optical": NOT_COMPUTED}
    failure = store.failure(key)
    if failure is not None:
        return {**result, "optical": f"failed: {failure.reason}"}
    if store.states([key]).get(key) != "done":
        return {**result, "optical": "unfinished; the same command goes on"}
    found = store.result(key)
    flags = [*result.get("details", {}).get("flags", []), *found["details"]["flags"]]
    return {
        **result,
        "values": {**result["values"], **{str(key): value for key, value in calculation_result(found).values.items()}},
        "details": {**result.get("details", {}), "flags": flags},
        "optical": f"{found['program']} {found['version']}",
    }
