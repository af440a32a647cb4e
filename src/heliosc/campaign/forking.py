"""A new run that begins where a round of another one did: same past, other settings from there on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import Any

from heliosc.campaign.records import read_history
from heliosc.campaign.run_folder import RunFolder, RunState
from heliosc.config import Config
from heliosc.errors import InputError
from heliosc.execution import QCResultStore
from heliosc.files import folder_written_atomically, write_atomically

FORK_FILE = "fork.json"


def fork(source: RunFolder, target: RunFolder, config: Config, *, round_number: int) -> None:
    """Make a run folder that holds the rounds of ``source`` before one round, models and calculations included.

    Parameters
    ----------
    round_number : first round that is the fork's own, counted from 1 as people are told them

    A fork that is there already stays as it is.

    Raises
    ------
    InputError : the round was not reached, the target exists, or the two runs keep their calculations elsewhere
    ResourceError : the folder cannot be written
    """
    history = read_history(source.path)
    n_kept = round_number - 1
    if not 1 <= n_kept <= len(history):
        raise InputError(
            f"cannot fork {source.id} from round {round_number}: it has {len(history)} finished rounds; "
            f"expected 2 to {len(history) + 1} (round 1 begins a new run)"
        )
    origin = {"run": source.id, "round": round_number, "configuration": source.read_config().digest()}
    if target.path.exists():
        if _origin(target) == origin:
            return  # the same fork, which goes on
        raise InputError(f"{target.path} exists already; give the fork a name of its own with --id")
    if config.campaign.rounds < round_number:
        raise InputError(
            f"campaign.rounds is {config.campaign.rounds}: a fork from round {round_number} has none to do; "
            f"set campaign.rounds to {round_number} or more"
        )
    theirs = source.read_config().execution.store
    if theirs != config.execution.store:
        raise InputError(
            f"{source.id} keeps its calculations in {theirs or 'its own folder'}; set execution.store to the same"
        )
    with folder_written_atomically(target.path) as scratch:
        copy = RunFolder(scratch)
        copy.create(config)
        for index in range(n_kept):
            shutil.copytree(source.round(index), copy.round(index))
        copy.write_history(history[:n_kept])
        write_atomically(scratch / FORK_FILE, json.dumps(origin, sort_keys=True) + "\n")
        if theirs is None and source.store.exists():
            with QCResultStore(source.store) as store:
                store.backups.write(copy.store)
        copy.write_state(RunState(n_kept))


def find_origin(runs: Sequence[RunFolder], name: str | None) -> RunFolder:
    """The run to fork: by name, or the newest that is no fork itself.

    Raises
    ------
    InputError : there is none
    """
    candidates = [run for run in runs if (run.id == name if name else _origin(run) is None)]
    if not candidates:
        names = ", ".join(run.id for run in runs) or "none"
        raise InputError(f"there is no run {name or 'to fork'}; the runs are: {names}")
    return candidates[-1]


def _origin(run: RunFolder) -> dict[str, Any] | None:
    file = run.path / FORK_FILE
    return dict(json.loads(file.read_text())) if file.exists() else None
