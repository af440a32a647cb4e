"""Where a journal can be sent: the one interface, and the places there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from heliosc.secrets import without_passwords
from heliosc.tracking.journal import Entry, RunIdentity
from heliosc.tracking.settings import TrackingSettings


class RefusedEntryError(Exception):
    """A place answered that it will never take an entry; the next one may do."""


class Place(Protocol):
    """Something that shows tracked figures, for one run."""

    def begin(self, run: RunIdentity, known: str | None) -> str:
        """Find or make the run there; returns its id there.

        Parameters
        ----------
        known : what an earlier call returned; another answer now means that the place has forgotten it
        """
        ...

    def write(self, entries: Sequence[Entry]) -> None:
        """Send some entries; may take its time, and may be given the same ones again after a failure.

        Raises
        ------
        RefusedEntryError : one of them will never be taken; any other error is taken for a passing one
        """
        ...

    def end(self) -> None:
        """Nothing more comes in this process."""
        ...


@dataclass(frozen=True, slots=True)
class Destination:
    """A configured place.

    Attributes
    ----------
    label : the place in one line, and the name under which progress is remembered
    reach : makes it; to be called in the thread that uses it, because loading MLflow takes seconds
    """

    label: str
    reach: Callable[[], Place]


def destinations(settings: TrackingSettings) -> list[Destination]:
    """The configured places; none is reached yet."""
    found = []
    if settings.mlflow is not None:
        label = f"MLflow {without_passwords(settings.mlflow)}, experiment {settings.experiment}"
        found.append(Destination(label, _mlflow(settings.mlflow, settings.experiment)))
    if settings.tensorboard is not None:
        found.append(Destination(f"TensorBoard {settings.tensorboard}", _tensorboard(settings.tensorboard)))
    return found


def _mlflow(address: str, experiment: str) -> Callable[[], Place]:
    def reach() -> Place:
        from heliosc.tracking.mlflow_place import MLflowPlace

        return MLflowPlace(address, experiment=experiment)

    return reach


def _tensorboard(folder: Path) -> Callable[[], Place]:
    def reach() -> Place:
        from heliosc.tracking.tensorboard_place import TensorBoardPlace

        return TensorBoardPlace(folder)

    return reach
