"""A snapshot a round: its files and calculations, by hashes always, in DVC where the run lies in a DVC project."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from heliosc.campaign.manifest import write_manifest
from heliosc.campaign.records import CandidateRecord, PromotionRecord
from heliosc.execution import QCResultStore, canonical_json
from heliosc.files import write_atomically

CALCULATIONS_FILE = "calculations.jsonl"
_LIMIT_S = 600.0

_log = logging.getLogger("heliosc.snapshots")


def snapshot_round(folder: Path, records: Iterable[CandidateRecord | PromotionRecord], store: QCResultStore) -> Path:
    """Keep a finished round: its calculations beside its files, a manifest of all of them, and a version in DVC.

    The store itself is never given to DVC, which would move the open database into its cache.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    keys = [record.calculation_key for record in records if record.calculation_key]
    lines = [
        canonical_json({"key": key, "payload": store.payload(key), "result": result})
        for key, result in sorted(store.results(keys).items())
    ]
    write_atomically(folder / CALCULATIONS_FILE, "".join(f"{line}\n" for line in lines))
    manifest = write_manifest(folder)
    add_to_dvc(folder)
    return manifest


def add_to_dvc(path: Path) -> bool:
    """Make a version in DVC; whether there is one now. A failure is told, and ends nothing."""
    program = shutil.which("dvc")
    if program is None or not is_in_dvc_project(path) or "DVC_STAGE" in os.environ:
        return False  # within a stage of `dvc repro` DVC keeps the whole run as its output
    if _is_ignored(path):
        _log.info("no DVC version of %s: git ignores its place, and the version's file would be lost", path)
        return False
    try:
        ended = subprocess.run(
            [program, "add", "--quiet", str(path.resolve())],
            cwd=path.parent, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("no DVC version of %s: %s; the manifest in it stands for one", path, error)
        return False
    if ended.returncode:
        reason = ended.stderr.strip().splitlines()[0] if ended.stderr.strip() else f"exit code {ended.returncode}"
        _log.warning("no DVC version of %s: %s; the manifest in it stands for one", path, reason)
    return ended.returncode == 0


def is_in_dvc_project(path: Path) -> bool:
    """Whether ``dvc init`` was called in a folder above."""
    return any((parent / ".dvc").is_dir() for parent in path.resolve().parents)


def _is_ignored(path: Path) -> bool:
    """Whether git would not keep the small file by which DVC remembers a version."""
    git = shutil.which("git")
    if git is None:
        return False
    question = [git, "check-ignore", "--quiet", f"{path.name}.dvc"]
    return subprocess.run(question, cwd=path.parent, capture_output=True, check=False).returncode == 0
