"""The folder of one run: paths, state, and the lock that keeps a second start out."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from heliosc.campaign.records import CandidateRecord, RoundRecord, format_lines
from heliosc.config import Config, load_config
from heliosc.errors import InputError, ParseError, TransientError
from heliosc.files import ensure_folder, write_atomically


class Stage(StrEnum):
    """Stages of a round, in order; a stage is named while it has not been completed."""

    PROPOSE = "propose"
    SELECT = "select"
    COMPUTE = "compute"
    LEARN = "learn"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a campaign stands: the next thing to do."""

    round: int = 0
    stage: Stage = Stage.PROPOSE


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and small files of one run; see ``heliosc.campaign.records`` for the layout."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def store(self) -> Path:
        return self.path / "store.sqlite"

    def store_location(self) -> Path | str:
        """Where the calculations of the run are: the store of its configuration, else a file in the folder.

        Raises
        ------
        InputError : this is no run folder
        """
        return self.read_config().execution.store or self.store

    def has_store(self) -> bool:
        """Whether there is a store to look into; a server is taken to be there."""
        location = self.store_location()
        return "://" in str(location) or Path(location).exists()

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def inbox(self) -> Path:
        """Where returned forms are dropped for a continuous run."""
        return self.path / "inbox"

    @property
    def pause_file(self) -> Path:
        """While it is there the run stops before its next stage."""
        return self.path / "pause"

    def round(self, index: int) -> Path:
        return self.path / "rounds" / f"{index:03d}"

    def create(self, config: Config) -> None:
        """Make the folder, or check that an existing one belongs to the same configuration.

        Raises
        ------
        ResourceError : the folder cannot be written
        InputError : the folder belongs to another configuration (a different number of rounds alone is the same one)
        """
        ensure_folder(self.path)
        file = self.path / "config.yaml"
        if not file.exists():
            write_atomically(file, config.to_yaml())
            return
        started = load_config(file)
        if started.digest() != config.digest():
            raise InputError(f"{self.path} belongs to another configuration ({file}); choose another --id")
        if started != config:
            write_atomically(file, config.to_yaml())

    def read_config(self) -> Config:
        """Configuration the run was started with.

        Raises
        ------
        InputError : this is no run folder
        """
        file = self.path / "config.yaml"
        if not file.exists():
            raise InputError(
                f"{self.path} is not a run folder (it has no config.yaml); `heliosc status` lists the runs"
            )
        return load_config(file)

    def read_state(self) -> RunState:
        """Where the run stands; a new run stands at the beginning.

        Raises
        ------
        ParseError : the state file is damaged
        """
        file = self.path / "state.json"
        if not file.exists():
            return RunState()
        try:
            data = json.loads(file.read_text())
            return RunState(int(data["round"]), Stage(data["stage"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ParseError(
                f"{file} is damaged ({error}); delete it and the run starts over, reusing every stored calculation"
            ) from error

    def write_state(self, state: RunState) -> None:
        write_atomically(self.path / "state.json", json.dumps(asdict(state)) + "\n")

    def write_candidates(self, index: int, records: Iterable[CandidateRecord]) -> None:
        write_atomically(self.round(index) / "candidates.jsonl", format_lines(records))

    def write_history(self, records: Iterable[RoundRecord]) -> None:
        write_atomically(self.history, format_lines(records))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run; the kernel frees the lock with the process, however it dies.

        Raises
        ------
        TransientError : another process is running this campaign
        """
        with (self.path / ".lock").open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                stream.seek(0)
                holder = stream.read().strip() or "unknown"
                raise TransientError(
                    f"run {self.id} is already in progress (process {holder}); watch it with `heliosc status`"
                ) from error
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield

    def is_finished(self) -> bool:
        """Whether its last round is complete."""
        return self.read_state().stage is Stage.FINISHED

    def is_in_progress(self) -> bool:
        """Whether a process is running this campaign now."""
        try:
            with self.locked():
                return False
        except TransientError:
            return True


def find_runs(folder: Path) -> list[RunFolder]:
    """Runs below a folder, the most recently changed last."""
    configs = sorted(folder.glob("*/config.yaml"), key=lambda file: file.stat().st_mtime)
    return [RunFolder(file.parent) for file in configs]


def find_run(folder: Path, run_id: str | None) -> RunFolder:
    """One run by id, or the newest.

    Raises
    ------
    InputError : there is none
    """
    runs = find_runs(folder)
    if not runs:
        raise InputError(f"no runs in {folder}; start one with `heliosc run`")
    if run_id is None:
        return runs[-1]
    for run in runs:
        if run.id == run_id:
            return run
    raise InputError(f"no run {run_id!r} in {folder}; there are: {', '.join(run.id for run in runs)}")
