"""What the dashboard reads: a run folder and its store, looked at again only when they have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import Any

from heliosc.campaign.known import known_molecules
from heliosc.campaign.laboratory import laboratory_journal
from heliosc.campaign.models import generator_folder, surrogate_folder
from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import Config
from heliosc.datasets.library.load import load_library
from heliosc.execution import QueueSummary, summarize
from heliosc.execution.reading import StoreReader
from heliosc.execution.tasks import Attempt, TaskFailure
from heliosc.experiments.journal import Journal
from heliosc.properties import DEFAULT_TARGETS, PropertyTable
from heliosc.report.run_view import RunView, read_run
from heliosc.selection.roles import Role, load_roles

_TRACES = ("config.yaml", "environment.json", "history.jsonl", "state.json", "store.sqlite", "cv_features.json")


@dataclass(frozen=True, slots=True)
class Queue:
    """The store at one moment."""

    summary: QueueSummary
    failures: list[TaskFailure]
    smiles: Mapping[str, str]
    """Task key -> molecule, of what is running or has failed."""


@dataclass
class RunSource:
    """One run, read as often as it changes."""

    folder: RunFolder
    _lock: RLock = field(default_factory=RLock, init=False)
    _view: tuple[str, RunView] | None = field(default=None, init=False)

    @cached_property
    def config(self) -> Config:
        return self.folder.read_config()

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        return load_roles(self.config.selection.role_file)

    @cached_property
    def library(self) -> PropertyTable:
        return known_molecules(self.config, DEFAULT_TARGETS)

    @cached_property
    def references(self) -> Mapping[str, Mapping[str, float]]:
        return load_library().reference_values(DEFAULT_TARGETS)

    @property
    def journal(self) -> Journal:
        """The laboratory's book beside the runs; need not exist."""
        return laboratory_journal(self.folder.path.parent)

    def stamp(self) -> str:
        """Changes whenever a file that is shown has changed."""
        files = [self.folder.path / name for name in _TRACES]
        files += [*self.folder.path.glob("rounds/*/candidates.jsonl"), self.journal.path]
        digest = hashlib.sha256()
        for file in sorted(files):
            if file.exists():
                digest.update(f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}\n".encode())
        return digest.hexdigest()[:16]

    def run(self) -> RunView:
        """The run as it lies on disk now.

        Raises
        ------
        InputError, ParseError : see ``read_run``
        """
        with self._lock:
            stamp = self.stamp()
            if self._view is None or self._view[0] != stamp:
                models = {
                    "Surrogate at the start": surrogate_folder(self.config.surrogate.weights),
                    "Generator at the start": generator_folder(self.config.generator.weights),
                }
                view = read_run(
                    self.folder.path, roles=self.roles, models=models, library=self.library, references=self.references
                )
                self._view = (stamp, view)
            return self._view[1]

    def queue(self) -> Queue | None:
        """The calculations; None before the first is asked for."""
        if not self.folder.has_store():
            return None
        with StoreReader(self.folder.store_location()) as store:
            summary, failures = summarize(store), store.failures()
            keys = [task.key for task in summary.running] + [failure.key for failure in failures]
            return Queue(summary, failures, {key: store.payload(key).get("smiles", "") for key in keys})

    def results(self, candidates: list[CandidateRecord]) -> dict[str, Any]:
        """Calculation key -> stored result of the candidates that have one."""
        keys = [candidate.calculation_key for candidate in candidates if candidate.calculation_key]
        if not keys or not self.folder.has_store():
            return {}
        with StoreReader(self.folder.store_location()) as store:
            return store.results(keys)

    def attempts(self, candidate: CandidateRecord) -> list[Attempt]:
        """Tries of the candidate's calculation, oldest first."""
        if not candidate.calculation_key or not self.folder.has_store():
            return []
        with StoreReader(self.folder.store_location()) as store:
            return store.attempts(candidate.calculation_key)
