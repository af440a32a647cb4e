"""Everything the report shows of one run, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heliosc.campaign.laboratory import Comparison, comparisons_of_run, outcomes_of_run
from heliosc.campaign.records import CandidateRecord, RoundRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.config import Config
from heliosc.errors import ParseError
from heliosc.experiments.outcomes import Outcome
from heliosc.properties import PropertyTable
from heliosc.secrets import without_passwords
from heliosc.selection.roles import Role

_TRACES = ("history.jsonl", "state.json", "config.yaml")


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it lies on disk.

    Attributes
    ----------
    environment : environment.json, empty when the run has none yet
    metrics : label of a model -> its metrics.json
    library : computed values of the embedded library, for the random baseline
    references : name of a known material -> ``name@level`` -> computed value
    outcomes : candidate id -> what the laboratory's book says, of those that somebody has taken up
    comparisons : measured values beside predicted and computed ones
    """

    id: str
    config: Config
    config_text: str
    state: RunState
    environment: Mapping[str, Any]
    candidates: tuple[CandidateRecord, ...]
    history: tuple[RoundRecord, ...]
    roles: Mapping[str, Role]
    metrics: Mapping[str, Mapping[str, Any]]
    library: PropertyTable | None
    references: Mapping[str, Mapping[str, float]]
    changed: datetime
    outcomes: Mapping[str, Outcome]
    comparisons: tuple[Comparison, ...]

    @property
    def is_finished(self) -> bool:
        return self.state.stage == Stage.FINISHED

    @property
    def computed(self) -> list[CandidateRecord]:
        return [candidate for candidate in self.candidates if candidate.computed]

    @property
    def failed(self) -> list[CandidateRecord]:
        return [candidate for candidate in self.candidates if candidate.failure is not None]

    @property
    def role_names(self) -> list[str]:
        """Roles of the configuration first, then any other that a candidate carries."""
        return list(dict.fromkeys([*self.config.selection.roles, *(candidate.role for candidate in self.candidates)]))

    def of_role(self, role: str) -> list[CandidateRecord]:
        return [candidate for candidate in self.candidates if candidate.role == role]


def read_run(
    folder: Path,
    *,
    roles: Mapping[str, Role],
    models: Mapping[str, Path],
    library: PropertyTable | None,
    references: Mapping[str, Mapping[str, float]] | None = None,
) -> RunView:
    """Read a run folder, however far the run has come.

    Raises
    ------
    InputError : this is no run folder
    ParseError : a file of it is damaged
    """
    run = RunFolder(folder)
    config = run.read_config()
    changed = max(path.stat().st_mtime for name in _TRACES if (path := folder / name).exists())
    return RunView(
        id=folder.resolve().name,
        config=config,
        config_text=without_passwords((folder / "config.yaml").read_text(encoding="utf-8")),
        state=run.read_state(),
        environment=_read_json(folder / "environment.json"),
        candidates=tuple(read_candidates(folder)),
        history=tuple(read_history(folder)),
        roles=roles,
        metrics={label: found for label, path in models.items() if (found := _read_json(path / "metrics.json"))},
        library=library,
        references=references or {},
        changed=datetime.fromtimestamp(changed, tz=UTC),
        outcomes={name: found for name, found in outcomes_of_run(folder).items() if found.history or found.forms},
        comparisons=tuple(comparisons_of_run(folder)),
    )


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty when the file does not exist."""
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParseError(f"{path} is not JSON ({error}); restore it or remove it") from error
    if not isinstance(data, dict):
        raise ParseError(f"{path} holds a {type(data).__name__}; expected a JSON object")
    return data
