"""Manifests of hashes, and the snapshot of a round."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.manifest import MANIFEST_FILE, find_manifests, verify, write_manifest
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.campaign.snapshots import add_to_dvc, snapshot_round
from heliosc.errors import InputError
from heliosc.execution import QCResultStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "part").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_text("smiles\nC\n")
    (tmp_path / "data" / "part" / "b.csv").write_text("smiles\nN\n")
    return tmp_path / "data"


def test_what_is_unchanged_is_intact_also_for_sha256sum(folder: Path) -> None:
    write_manifest(folder)
    assert verify(folder).is_intact
    checked = subprocess.run(["sha256sum", "-c", MANIFEST_FILE], cwd=folder, capture_output=True, text=True, check=True)
    assert checked.stdout.splitlines() == ["a.csv: OK", "part/b.csv: OK"]


def test_changed_missing_and_new_files_are_named(folder: Path) -> None:
    write_manifest(folder)
    (folder / "a.csv").write_text("smiles\nO\n")
    (folder / "part" / "b.csv").unlink()
    (folder / "c.csv").write_text("new")
    verdict = verify(folder)
    assert (verdict.changed, verdict.missing, verdict.new) == (("a.csv",), ("part/b.csv",), ("c.csv",))
    assert not verdict.is_intact


def test_a_damaged_or_absent_manifest_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        verify(folder)
    with pytest.raises(InputError, match=r"no manifest\.sha256"):
        find_manifests(folder)
    (folder / MANIFEST_FILE).write_text("not a hash  a.csv\n")
    with pytest.raises(InputError, match="no line of sha256sum"):
        verify(folder)


def test_a_snapshot_holds_the_calculations_of_its_round(
    make_run_folder: Callable[..., Path], make_result: Callable[[CandidateRecord], dict[str, Any]]
) -> None:
    run = RunFolder(make_run_folder(n_rounds=1, batch=2))
    first, second = read_candidates(run.path)
    with QCResultStore(run.store) as store:
        key = store.submit("x.y:z", {"smiles": first.smiles})
        task = store.claim("w", 60.0)
        assert task is not None
        store.complete(task.key, task.token, make_result(first))
        snapshot_round(run.round(0), [replace(first, calculation_key=key), replace(second, calculation_key="")], store)
    (line,) = (run.round(0) / "calculations.jsonl").read_text().splitlines()
    assert json.loads(line)["key"] == key
    assert json.loads(line)["payload"] == {"smiles": first.smiles}
    assert verify(run.round(0)).is_intact
    assert find_manifests(run.path) == [run.round(0)]


def test_without_dvc_or_its_project_there_is_no_version(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/false")
    assert not add_to_dvc(folder)
    assert not caplog.text  # no project, no word about it
    (folder.parent / ".dvc").mkdir()
    assert not add_to_dvc(folder)
    assert "the manifest in it stands for one" in caplog.text
