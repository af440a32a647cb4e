"""The pages: what they show is what lies in the run, they ask nothing from elsewhere, and they change nothing."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.laboratory import change_state
from heliosc.campaign.records import read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.dashboard.app import create_app
from heliosc.dashboard.gates import entry_cells
from heliosc.dashboard.source import RunSource
from heliosc.experiments.states import State
from heliosc.handoff.promotion.ledger import GateEntry, Verdict

pytest.importorskip("flask", reason="Flask is not installed; run: pip install 'heliosc[dashboard]'")

HERE = {"Host": "127.0.0.1:8765"}
PATHS = ("/", "/queue", "/front", "/candidates", "/gates", "/models", "/laboratory")


@pytest.fixture
def client(running_campaign: RunFolder) -> Any:
    return create_app(RunSource(running_campaign)).test_client()


def _text(client: Any, path: str) -> str:
    answer = client.get(path, headers=HERE)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def _digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.parent.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_page_opens_and_asks_for_nothing_elsewhere(client: Any) -> None:
    for path in PATHS:
        text = _text(client, path)
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', text):
            assert address.startswith(("/", "#", "data:")), f"{path}: {address[:60]}"
            assert not address.startswith("//")


def test_looking_changes_nothing(client: Any, running_campaign: RunFolder) -> None:
    before = _digests(running_campaign.path)
    for path in PATHS:
        _text(client, path)
    assert _digests(running_campaign.path) == before


def test_overview_names_the_stage(client: Any) -> None:
    text = _text(client, "/")
    assert "Round 2 of 2 in progress" in text
    assert '<li class="now" aria-current="step">compute</li>' in text


def test_queue_counts_and_reasons_are_those_of_the_store(client: Any, running_campaign: RunFolder) -> None:
    text = _text(client, "/queue")
    tiles = dict(re.findall(r'<dt>(\w+)</dt><dd class="value">(\d+)</dd>', text))
    n_failed = sum(record.failure is not None for record in read_candidates(running_campaign.path))
    assert tiles == {
        "queued": "0",
        "running": "1",
        "done": str(16 - n_failed),
        "failed": str(n_failed),
        "cancelled": "0",
    }
    assert "worker-7" in text
    assert "SCF of the anion did not converge" in text


def test_points_of_the_front_lead_to_their_molecules(client: Any, running_campaign: RunFolder) -> None:
    links = set(re.findall(r'<a href="/molecule/([^"]+)" aria-label', _text(client, "/front")))
    assert links == {record.id for record in read_candidates(running_campaign.path) if record.computed}


def test_every_candidate_of_the_list_has_a_page(client: Any, running_campaign: RunFolder) -> None:
    found = re.findall(r'href="(/molecule/[^"]+)"', _text(client, "/candidates"))
    assert len(found) == len(read_candidates(running_campaign.path))
    assert "Computed" in _text(client, found[0])


def test_molecule_shows_values_attempts_and_geometry(client: Any, running_campaign: RunFolder) -> None:
    record = next(r for r in read_candidates(running_campaign.path) if r.computed)
    text = _text(client, f"/molecule/{record.id}")
    key = "vertical_ionization_energy@ipea1//gfn2"
    assert f">{record.computed[key]:.2f}<" in text
    assert record.inchikey in text
    assert "<td>done</td>" in text
    xyz = client.get(f"/molecule/{record.id}/cation.xyz", headers=HERE)
    n_atoms = int(xyz.text.split()[0])
    assert len(xyz.text.strip().splitlines()) == n_atoms + 2


def test_what_does_not_exist_is_explained(client: Any) -> None:
    missing = client.get("/molecule/nobody", headers=HERE)
    assert missing.status_code == 404
    assert "no candidate" in missing.text


def test_other_hosts_are_refused(client: Any) -> None:
    assert client.get("/", headers={"Host": "evil.example:8765"}).status_code == 403


def test_nothing_can_be_written(client: Any) -> None:
    for method in (client.post, client.put, client.delete):
        assert method("/queue", headers=HERE).status_code == 405


def test_pages_may_load_from_here_alone(client: Any) -> None:
    policy = client.get("/", headers=HERE).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "script-src 'self';" in policy


def test_the_stamp_changes_with_the_run(client: Any, running_campaign: RunFolder) -> None:
    first = client.get("/stamp", headers=HERE).json
    assert client.get("/stamp", headers=HERE).json == first
    (running_campaign.path / "history.jsonl").write_text("")
    assert client.get("/stamp", headers=HERE).json != first


def test_laboratory_is_empty_until_somebody_touches_a_candidate(client: Any, running_campaign: RunFolder) -> None:
    assert "None yet." in _text(client, "/laboratory")
    record = next(r for r in read_candidates(running_campaign.path) if r.computed)
    change_state(running_campaign.path.parent, record.id, State.APPROVED, who="Ada", why="short route")
    text = _text(client, "/laboratory")
    assert "<strong>approved</strong>" in text
    assert "short route" in text


def test_hostile_names_are_escaped(client: Any, running_campaign: RunFolder) -> None:
    record = next(r for r in read_candidates(running_campaign.path) if r.computed)
    change_state(running_campaign.path.parent, record.id, State.APPROVED, who="<script>x</script>")
    assert "<script>x" not in _text(client, "/laboratory")
    assert "<script>x" not in client.get("/molecule/<script>x", headers=HERE).text


def test_entries_of_a_ledger_are_written_for_people() -> None:
    energy = GateEntry("ionisation energy", Verdict.PASS, True, "at most 7.30 eV", value=6.711, std=0.17, unit="eV",
                       level="ipea1//gfn2", scale="gas phase", probability=0.996)  # fmt: skip
    assert entry_cells(energy) == ("6.71 ± 0.17 eV", "ipea1//gfn2, gas phase", "at most 7.30 eV", "1.00")
    assert entry_cells(GateEntry("alerts", Verdict.PASS, True, "none", value=0.0))[0] == "0"
    assert entry_cells(GateEntry("SA score", Verdict.PASS, True, value=2.07, unit="1"))[0] == "2.07"
    assert entry_cells(GateEntry("bond", Verdict.NOT_EVALUATED, False)) == ("—", "—", "—", "—")
