"""Lineage of candidates: proposed by a model, predicted by another, computed by a task of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from heliosc.campaign.lineage.models import model_used_in
from heliosc.campaign.lineage.origin import Origin, known_facts
from heliosc.campaign.provenance import read_environment
from heliosc.campaign.records import CandidateRecord, PromotionRecord, read_candidates, read_promotions
from heliosc.campaign.run_folder import RunFolder, find_runs
from heliosc.execution import canonical_json
from heliosc.execution.reading import StoreReader
from heliosc.properties import PropertyKey

Wanted = Callable[[PropertyKey], bool]


def candidates_of(runs: Path, is_meant: Callable[[CandidateRecord], bool], wanted: Wanted) -> Iterator[Origin]:
    """Every matching candidate of every run, with all it came from."""
    for run in find_runs(runs):
        for record in read_candidates(run.path):
            if is_meant(record):
                promotions = [item for item in read_promotions(run.path) if item.candidate == record.id]
                yield _candidate(run, record, promotions, wanted)


def _candidate(
    run: RunFolder, record: CandidateRecord, promotions: Sequence[PromotionRecord], wanted: Wanted
) -> Origin:
    config = run.read_config()
    facts = known_facts(
        run=run.id, round=record.round + 1, role=record.role, source=record.source, smiles=record.smiles,
        inchikey=record.inchikey, selected_because=record.reason, configuration=config.digest(), seed=config.seed,
        **_environment(run),
    )  # fmt: skip
    generator = model_used_in(run, record.round, "generator") if record.source.startswith("jtvae") else None
    proposed = () if generator is None else (Origin("proposal", record.source, {}, (generator,)),)
    predicted = tuple(_predictions(run, record, wanted))
    computed: list[CandidateRecord | PromotionRecord] = [record, *promotions]
    calculations = tuple(origin for item in computed for origin in _calculation(run, item, wanted))
    return Origin("candidate", record.id, facts, (*calculations, *predicted, *proposed))


def _predictions(run: RunFolder, record: CandidateRecord, wanted: Wanted) -> Iterator[Origin]:
    chosen = {PropertyKey.parse(name): value for name, value in record.predicted.items()}
    shown = {key: value for key, value in chosen.items() if wanted(key)}
    if not shown:
        return
    values = {
        str(key): {"mean": p.mean, "epistemic_std": p.epistemic_std, "aleatoric_std": p.aleatoric_std, "unit": key.unit}
        for key, p in shown.items()
    }
    yield Origin(
        "prediction", "before the calculation", {"values": values}, (model_used_in(run, record.round, "surrogate"),)
    )


def _calculation(run: RunFolder, record: CandidateRecord | PromotionRecord, wanted: Wanted) -> Iterator[Origin]:
    if not record.calculation_key or not run.has_store():
        return
    with StoreReader(run.store_location()) as store:
        state = store.states([record.calculation_key]).get(record.calculation_key)
        if state is not None:
            yield _task(store, record, state, wanted)


def _task(store: StoreReader, record: CandidateRecord | PromotionRecord, state: str, wanted: Wanted) -> Origin:
    key = record.calculation_key
    attempts = store.attempts(key)
    outcome = store.result(key) if state == "done" else {}
    last = attempts[-1] if attempts else None
    facts = known_facts(
        key=key,
        state=state,
        promoted_because=record.reason if isinstance(record, PromotionRecord) else None,
        store=store.name,
        program=outcome.get("program"),
        version=outcome.get("version"),
        wall_time_s=last.wall_s if last else None,
        cpu_time_s=last.cpu_s if last else None,
        host=last.host.split("/", maxsplit=1)[0] if last and last.host else None,
        finished_at=last.finished_at if last else None,
        attempts=len(attempts),
        input=store.payload(key),
        result_sha256=hashlib.sha256(canonical_json(outcome).encode()).hexdigest() if outcome else None,
    )
    failed = () if record.failure is None else (Origin("failure", record.failure["error_class"], record.failure),)
    return Origin(
        "calculation", f"{key[:12]} {outcome.get('program', '')}".strip(), facts, (*_values(outcome, wanted), *failed)
    )


def _values(outcome: dict[str, Any], wanted: Wanted) -> Iterator[Origin]:
    for name, value in sorted(outcome.get("values", {}).items()):
        key = PropertyKey.parse(name)
        if wanted(key):
            yield Origin("value", name, {"value": value, "unit": key.unit, "level": key.level})


def _environment(run: RunFolder) -> dict[str, Any]:
    environment = read_environment(run.path)
    return {name: environment[name] for name in ("python", "packages") if name in environment}
