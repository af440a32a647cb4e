"""MLflow as a place: runs in a database file, in a folder's SQLite, or on a server."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heliosc.errors import MissingDependencyError
from heliosc.tracking.journal import Entry, RunIdentity
from heliosc.tracking.places import RefusedEntryError

INSTALL = "pip install 'heliosc[tracking]'"
MARK = "heliosc.mark"
_ARTEFACTS = "mlflow-artifacts"
_SQLITE = "sqlite:///"
_LONGEST_PARAMETER = 500
_MOST_METRICS, _MOST_PARAMETERS = 1_000, 100  # that MLflow takes in one call
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing of a run is told to third parties
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the sender tries again by itself, later
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class MLflowPlace:
    """One run in MLflow.

    Parameters
    ----------
    address : tracking URI, e.g. ``sqlite:///mlflow.db`` or ``http://host:5000``

    Raises
    ------
    MissingDependencyError : MLflow is not installed
    """

    def __init__(self, address: str, *, experiment: str) -> None:
        self._address, self._experiment = address, experiment
        self._client = _client(address)
        self._run_id = ""

    def begin(self, run: RunIdentity, known: str | None) -> str:
        self._run_id = self._still_there(known) or self._find(run) or self._make(run)
        self._client.update_run(self._run_id, status="RUNNING")
        return self._run_id

    def write(self, entries: Sequence[Entry]) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._send_metrics([entry for entry in entries if entry.kind == "metrics"])
            for entry in entries:
                self._send_other(entry)
        except MlflowException as error:
            if error.error_code in _REFUSALS:
                raise RefusedEntryError(str(error)) from error
            raise

    def _send_metrics(self, entries: Sequence[Entry]) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(_name(name), value, int(entry.time_s * 1000), entry.step or 0)
            for entry in entries
            for name, value in entry.values.items()
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            self._client.log_batch(self._run_id, metrics=metrics[start : start + _MOST_METRICS])

    def _send_other(self, entry: Entry) -> None:
        from mlflow.entities import Param, RunTag

        match entry.kind:
            case "parameters":
                texts = [Param(_name(k), str(v)[:_LONGEST_PARAMETER]) for k, v in entry.values.items()]
                for start in range(0, len(texts), _MOST_PARAMETERS):
                    self._client.log_batch(self._run_id, params=texts[start : start + _MOST_PARAMETERS])
            case "tags":
                self._client.log_batch(self._run_id, tags=[RunTag(k, str(v)) for k, v in entry.values.items()])
            case "image" | "file":
                self._log_file(entry)

    def end(self) -> None:
        self._client.set_terminated(self._run_id, status="FINISHED")

    def _log_file(self, entry: Entry) -> None:
        if entry.path is None or not Path(entry.path).is_file():
            return  # it was moved since: the journal still says where it was
        folder = f"images/{entry.step or 0:04d}" if entry.kind == "image" else entry.name
        self._client.log_artifact(self._run_id, entry.path, _name(folder) or None)

    def _still_there(self, known: str | None) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            return None if known is None else str(self._client.get_run(known).info.run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None  # the database was removed or replaced
            raise

    def _find(self, run: RunIdentity) -> str | None:
        """The run that a process made which died before it could note the id."""
        found = self._client.search_runs([self._experiment_id()], f"tags.`{MARK}` = '{run.mark}'", max_results=1)
        return found[0].info.run_id if found else None

    def _make(self, run: RunIdentity) -> str:
        tags = {MARK: run.mark, "heliosc.kind": run.kind, "heliosc.name": run.name}
        made = self._client.create_run(self._experiment_id(), tags=tags, run_name=run.name)
        return str(made.info.run_id)

    def _experiment_id(self) -> str:
        there = self._client.get_experiment_by_name(self._experiment)
        if there is not None:
            return str(there.experiment_id)
        return str(self._client.create_experiment(self._experiment, artifact_location=_artefact_folder(self._address)))


def _client(address: str) -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)  # read when MLflow is loaded
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingDependencyError(f"MLflow is not installed ({error}); get it with: {INSTALL}") from error
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)  # tables of a new database are no news
    return MlflowClient(tracking_uri=address)


def _artefact_folder(address: str) -> str | None:
    """Beside a database file; a server knows its own place."""
    if not address.startswith(_SQLITE):
        return None
    return (Path(address.removeprefix(_SQLITE)).resolve().parent / _ARTEFACTS).as_uri()


def _name(text: str) -> str:
    """A name that MLflow takes: letters, digits, and ``_-. /:``."""
    kept = "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in text.replace("@", " at "))
    while "//" in kept:
        kept = kept.replace("//", "-")
    return kept.strip("/")
