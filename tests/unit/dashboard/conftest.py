"""A run in progress with a real store: some calculations are done, one runs, one failed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.execution import QCResultStore, TaskRequest

FOUR_POINT = "heliosc.qc.tasks:four_point"


def fill_store(folder: RunFolder, make_result: Callable[[CandidateRecord], dict[str, Any]]) -> None:
    """A task for each candidate; computed ones are done, the failed ones failed, and one more is under way."""
    records = read_candidates(folder.path)
    with QCResultStore(folder.store) as store:
        report = store.submit_many([TaskRequest(FOUR_POINT, {"smiles": r.smiles}, max_attempts=1) for r in records])
        keyed = [replace(record, calculation_key=key) for record, key in zip(records, report.keys, strict=True)]
        for record in keyed:
            task = store.claim("test", 60, keys=[record.calculation_key])
            assert task is not None
            if record.failure is None:
                store.complete(task.key, task.token, make_result(record))
            else:
                store.fail(task.key, task.token, record.failure["error_class"], record.failure["reason"])
        (running,) = store.submit_many([TaskRequest(FOUR_POINT, {"smiles": "c1ccsc1"})]).keys
        store.claim("worker-7", 600, keys=[running])
    for index in {record.round for record in keyed}:
        folder.write_candidates(index, [record for record in keyed if record.round == index])


@pytest.fixture(scope="session")
def built() -> dict[str, Path]:
    """The campaign, once somebody has built it."""
    return {}


@pytest.fixture
def running_campaign(
    built: dict[str, Path],
    make_run_folder: Callable[..., Path],
    make_result: Callable[[CandidateRecord], dict[str, Any]],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunFolder:
    """The second round is being computed; every test has a copy of its own."""
    if "folder" not in built:
        folder = RunFolder(make_run_folder("built/live", n_rounds=2, batch=8))
        fill_store(folder, make_result)
        folder.write_state(RunState(1, Stage.COMPUTE))
        built["folder"] = Path(shutil.copytree(folder.path, tmp_path_factory.mktemp("built") / "live"))
    return RunFolder(Path(shutil.copytree(built["folder"], tmp_path / "runs" / "live")))
