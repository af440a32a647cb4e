"""What a training or a campaign calls to have its figures tracked; no call raises, and none waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliosc.errors import HelioscError
from heliosc.tracking.journal import Journal, Kind, entry_now, finite
from heliosc.tracking.places import destinations
from heliosc.tracking.sender import Sender, n_unsent
from heliosc.tracking.settings import TrackingSettings

_log = logging.getLogger("heliosc.tracking")


class Tracker:
    """Writes to a journal whatever it is told.

    Parameters
    ----------
    journal : None = nothing is kept
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        entries = journal.entries() if journal else []
        self._parameters = {k: v for entry in entries if entry.kind == "parameters" for k, v in entry.values.items()}
        metrics = [entry for entry in entries if entry.kind == "metrics"]
        self._told = {(name, entry.step) for entry in metrics for name in entry.values}

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Figures of an epoch or a round; what is not finite is left out."""
        numbers = finite(values)
        if numbers:
            self._append("metrics", values=numbers, step=step)
            self._told |= {(name, step) for name in numbers}

    def has(self, name: str, *, step: int) -> bool:
        """Whether a figure was told already, by this process or an earlier one."""
        return (name, step) in self._told

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Settings, which stay what they are; one that is another now than in an earlier process becomes a tag."""
        texts = {name: str(value) for name, value in values.items()}
        new = {name: text for name, text in texts.items() if name not in self._parameters}
        changed = {f"now.{k}": v for k, v in texts.items() if k not in new and self._parameters[k] != v}
        self._parameters |= new
        if new:
            self._append("parameters", values=new)
        if changed:
            self.tags(changed)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Identities and versions of data, models and code."""
        self._append("tags", values={name: str(value) for name, value in values.items()})

    def image(self, path: Path, *, name: str, step: int) -> None:
        """A picture that is on disk."""
        self._append("image", name=name, path=str(path.resolve()), step=step)

    def file(self, path: Path, *, folder: str, step: int | None = None) -> None:
        """An artefact that is on disk; it is not copied into the journal."""
        self._append("file", name=folder, path=str(path.resolve()), step=step)

    def _append(self, kind: Kind, **fields: Any) -> None:
        if self._journal is None:
            return
        try:
            self._journal.append(entry_now(kind, **fields))
        except OSError as error:
            _log.warning("tracking: %s cannot be written (%s); nothing more is tracked", self._journal.file, error)
            self._journal = None


@contextmanager
def open_tracker(folder: Path, settings: TrackingSettings, *, name: str, kind: str) -> Iterator[Tracker]:
    """A tracker with its journal in ``folder``, and senders to the configured places while the block runs.

    At the end the senders have ``settings.timeout_s`` for the rest; what has not arrived then is sent by the next start
    or by ``heliosc tracking send``.
    """
    try:
        journal = Journal(folder, name=name, kind=kind)
        tracker = Tracker(journal)
    except (HelioscError, OSError) as error:
        _log.warning("tracking: %s; nothing is tracked", error)
        yield Tracker(None)
        return
    senders = [Sender(journal, destination) for destination in destinations(settings)]
    for sender in senders:
        sender.start()
    try:
        yield tracker
    finally:
        _close(senders, journal, settings.timeout_s)


def _close(senders: list[Sender], journal: Journal, timeout_s: float) -> None:
    for sender in senders:
        sender.close()
    deadline = time.monotonic() + timeout_s
    for sender in senders:
        sender.join(max(0.0, deadline - time.monotonic()))
        label = sender.destination.label
        try:
            n_left = n_unsent(journal, label)
        except (HelioscError, OSError) as error:
            _log.warning("tracking: %s", error)
            continue
        if n_left:
            _log.warning(
                "tracking: %d entries have not arrived at %s; send them with: heliosc tracking send %s",
                n_left, label, journal.folder,
            )  # fmt: skip
