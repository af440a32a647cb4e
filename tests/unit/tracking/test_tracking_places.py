"""MLflow and TensorBoard get what the journal holds; a place that is dead or silent disturbs nobody."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heliosc.tracking import Journal, TrackingSettings, open_tracker
from heliosc.tracking.journal import Entry, RunIdentity
from heliosc.tracking.places import Destination, RefusedEntryError, destinations
from heliosc.tracking.sender import carry, n_unsent, read_sent

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # of MLflow 3.17, by SQLAlchemy 2.1
WITHOUT = "is not installed; run: pip install 'heliosc[tracking]'"


def _tell(folder: Path, settings: TrackingSettings, *, steps: range = range(3)) -> None:
    picture = folder.parent / "picture.png"
    if not picture.exists():
        from PIL import Image

        Image.fromarray(np.full((4, 6, 3), 200, dtype=np.uint8)).save(picture)
    with open_tracker(folder, settings, name="demo", kind="campaign") as tracker:
        tracker.parameters({"campaign.rounds": 3})
        tracker.tags({"surrogate": "15d9dd859cc3"})
        for step in steps:
            tracker.metrics({"error/lambda_hole@ipea1//gfn2": 0.5 / (step + 1)}, step=step)
        tracker.image(picture, name="samples", step=0)
        tracker.file(picture, folder="configuration")


def _client(database: Path) -> Any:
    pytest.importorskip("mlflow", reason=f"MLflow {WITHOUT}")
    pytest.importorskip("sqlalchemy", reason=f"SQLAlchemy {WITHOUT}")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{database}")


def _mlflow_settings(database: Path) -> TrackingSettings:
    return TrackingSettings(mlflow=f"sqlite:///{database}", experiment="osc", timeout_s=120)


def test_mlflow_shows_the_curves(tmp_path: Path) -> None:
    client = _client(tmp_path / "mlflow.db")
    settings = _mlflow_settings(tmp_path / "mlflow.db")
    _tell(tmp_path / "t", settings, steps=range(2))
    _tell(tmp_path / "t", settings, steps=range(2, 3))  # the run goes on in another process

    (run,) = client.search_runs([client.get_experiment_by_name("osc").experiment_id])
    assert run.info.run_name == "demo"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"campaign.rounds": "3"}
    assert run.data.tags["surrogate"] == "15d9dd859cc3"
    history = client.get_metric_history(run.info.run_id, "error/lambda_hole at ipea1-gfn2")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.5), (1, 0.25), (2, pytest.approx(1 / 6))]
    artefacts = tmp_path / "mlflow-artifacts" / run.info.run_id / "artifacts"
    assert (artefacts / "images" / "0000" / "picture.png").is_file()
    assert (artefacts / "configuration" / "picture.png").is_file()


def test_a_database_that_was_removed_is_filled_again(tmp_path: Path) -> None:
    settings = _mlflow_settings(tmp_path / "second.db")
    _client(tmp_path / "second.db")
    _tell(tmp_path / "t", settings, steps=range(1))
    label = destinations(settings)[0].label
    known = read_sent(tmp_path / "t")[label]
    file = tmp_path / "t" / "sent.json"
    file.write_text(file.read_text().replace(known.run_id, "0" * 32))  # an id that the database does not have
    _tell(tmp_path / "t", settings, steps=range(1, 2))
    client = _client(tmp_path / "second.db")
    (run,) = client.search_runs([client.get_experiment_by_name("osc").experiment_id])  # found by its mark
    assert (
        len({metric.step for metric in client.get_metric_history(run.info.run_id, run.data.metrics.popitem()[0])}) == 2
    )


def test_tensorboard_shows_the_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=f"TensorBoard {WITHOUT}")
    settings = TrackingSettings(tensorboard=tmp_path / "tb", timeout_s=120)
    _tell(tmp_path / "t", settings, steps=range(2))
    _tell(tmp_path / "t", settings, steps=range(2, 3))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (tmp_path / "tb").iterdir()
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    events = accumulator.Scalars("error/lambda_hole@ipea1//gfn2")
    assert [(event.step, event.value) for event in events] == [(0, 0.5), (1, 0.25), (2, pytest.approx(1 / 6))]
    picture = accumulator.Images("samples")[0]
    assert (picture.width, picture.height) == (6, 4)
    assert b"campaign.rounds" in accumulator.Tensors("parameters/text_summary")[0].tensor_proto.string_val[0]


def test_an_unreachable_server_is_told_once_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("mlflow", reason=f"MLflow {WITHOUT}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers here
        settings = TrackingSettings(mlflow=f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}", timeout_s=30)
        with caplog.at_level(logging.WARNING, "heliosc.tracking"):
            _tell(tmp_path / "t", settings)
    assert caplog.text.count("cannot be reached") == 1
    assert "heliosc tracking send" in caplog.text
    assert "secret" not in caplog.text
    journal = Journal(tmp_path / "t", name="demo", kind="campaign")
    assert n_unsent(journal, destinations(settings)[0].label) == len(journal.entries()) == 7


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_never_answers_holds_nobody_up(
    tmp_path: Path, silent_server: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is silent as long as the test lives: that the block ends at all is what is tested."""
    pytest.importorskip("mlflow", reason=f"MLflow {WITHOUT}")
    settings = TrackingSettings(mlflow=f"http://127.0.0.1:{silent_server}", timeout_s=0.5)
    with caplog.at_level(logging.WARNING, "heliosc.tracking"):
        _tell(tmp_path / "t", settings, steps=range(50))
    assert len(Journal(tmp_path / "t", name="demo", kind="campaign").entries()) == 54
    assert "54 entries have not arrived" in caplog.text


class _Picky:
    """A place that refuses one entry, and dies once at another."""

    def __init__(self, taken: list[Entry]) -> None:
        self.taken, self.has_died = taken, False

    def begin(self, run: RunIdentity, known: str | None) -> str:
        return known or run.mark

    def write(self, entries: Sequence[Entry]) -> None:
        steps = [entry.step for entry in entries]
        if 1 in steps:
            raise RefusedEntryError("no such name")
        if 2 in steps and not self.has_died:
            self.has_died = True
            raise ConnectionResetError("gone")
        self.taken += entries

    def end(self) -> None:
        """Nothing is left open."""


def test_after_a_failure_sending_goes_on_where_it_was(tmp_path: Path) -> None:
    with open_tracker(tmp_path, TrackingSettings(), name="demo", kind="test") as tracker:
        for step in range(4):
            tracker.metrics({"x": step}, step=step)
    journal, taken = Journal(tmp_path, name="demo", kind="test"), list[Entry]()
    place, closed = _Picky(taken), threading.Event()
    closed.set()
    destination = Destination("picky", lambda: place)
    with pytest.raises(ConnectionResetError):
        carry(journal, destination, until=closed)
    carry(journal, destination, until=closed)
    assert [entry.step for entry in taken] == [0, 0, 2, 3]  # one batch, of which 0 had arrived already
    assert n_unsent(journal, "picky") == 0
