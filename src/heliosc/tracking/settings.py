"""Where tracked figures are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from heliosc.errors import UsageError


@dataclass(frozen=True)
class TrackingSettings:
    """Places besides the journal, which is always kept. None of it changes a result.

    Attributes
    ----------
    mlflow : ``sqlite:///mlflow.db`` or a server's http address; None = not
    experiment : name of the MLflow experiment
    tensorboard : folder of event files; None = not
    timeout_s : longest wait at the end for a place that is slow

    Raises
    ------
    UsageError : no name for the experiment, or a time that is not positive
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # unknown keys of a configuration are refused

    mlflow: str | None = None
    experiment: str = "heliosc"
    tensorboard: Path | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.experiment.strip():
            raise UsageError("tracking.experiment is empty; expected the name of an MLflow experiment, e.g. heliosc")
        if not 0 < self.timeout_s < float("inf"):
            raise UsageError(f"tracking.timeout_s is {self.timeout_s}; expected a positive number of seconds")
