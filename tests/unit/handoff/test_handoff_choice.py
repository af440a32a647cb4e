"""Which candidates leave: the promoted ones first, and no page calls a candidate promoted that was not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.handoff import judging
from heliosc.handoff.judging import promotable_first
from heliosc.handoff.package import PackageContext, write_package
from heliosc.handoff.promotion.ledger import Decision, GateLedger


def _ledger(candidate: CandidateRecord, decision: Decision) -> GateLedger:
    return GateLedger(candidate.id, candidate.smiles, candidate.role, decision, ())


def test_promoted_before_held_before_rejected_and_by_rank_among_equals(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = [c for c in read_candidates(run_folder) if c.computed][:5]
    decisions = [Decision.REJECTED, Decision.HELD, Decision.PROMOTED, Decision.HELD, Decision.PROMOTED]
    ledgers = {c.id: _ledger(c, decision) for c, decision in zip(candidates, decisions, strict=True)}
    monkeypatch.setattr(judging, "run_ledgers", lambda *_, **__: ledgers)
    ordered = promotable_first(run_folder, candidates, results={}, roles={})
    assert [candidates.index(c) for c in ordered] == [2, 4, 1, 3, 0]


@pytest.mark.parametrize("decision", list(Decision))
def test_the_notebook_and_the_overview_say_what_was_decided(
    decision: Decision, make_run_folder: Callable[..., Path], make_result: Callable[[CandidateRecord], dict[str, Any]]
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed; run: pip install 'heliosc[lab]'")
    run = make_run_folder(n_rounds=1, batch=8)
    candidate = next(c for c in read_candidates(run) if c.computed)
    ledger = _ledger(candidate, decision)  # confirmed by DFT: no draft label that would hide the decision
    folder = write_package(
        run, [candidate.id], results={candidate.calculation_key: make_result(candidate)},
        context=PackageContext(ledgers={candidate.id: ledger}),
    )  # fmt: skip
    with zipfile.ZipFile(folder / f"{candidate.id}.zip") as archive:
        crate = zipfile.ZipFile(io.BytesIO(archive.read(f"{candidate.id}.eln")))
    (metadata,) = (name for name in crate.namelist() if name.endswith("ro-crate-metadata.json"))
    text = "".join(e.get("text", "") for e in json.loads(crate.read(metadata))["@graph"])
    assert f"<th>Status</th><td>{decision.value}</td>" in text
    header, row = openpyxl.load_workbook(folder / "overview.xlsx").active.iter_rows(max_row=2, values_only=True)
    assert dict(zip(header, row, strict=True))["Decision"] == decision.value
